// The destination's side of a machine that high availability guards. The engine leaves it standing
// still when all of it has come; drover-had lets it run, by the word of drover-had at the source.
// Nothing here writes its lease.

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/migration/arrivals.hpp"

namespace drover::host {

using hypervisor::DomainInfo;
using hypervisor::DomainState;
using storage::DatastorePath;
using task::Awaitable;

namespace {

constexpr std::chrono::milliseconds kRunLook{20};
constexpr int kRunLooks = 50;

}  // namespace

void Arrivals::check_guarded(const vim::DroverMigrationSpec& spec,
                             const vim::DroverMigrationPlacement& placement,
                             std::vector<vim::Fault>& reasons) const {
    if (!spec.guarded().value_or(false)) return;
    if (placement) {
        reasons.push_back(vim::make_fault<vim::NotSupported>(
            "The machine is protected by high availability: a move to another datastore is "
            "possible when it is powered off."));
    }
    try {
        parts_.availability.require_guards(spec.uuid());
    } catch (const vim::Fault& fault) {
        reasons.push_back(fault);
    }
}

// What is left of a machine that this host had, before high availability started it elsewhere.
MachinePtr Arrivals::stale_copy_of(const vim::DroverMigrationSpec& spec) const {
    const auto machine =
        parts_.machines.find_by_uuid(hypervisor::DomainUuid(std::string(spec.uuid())));
    const DatastoreEntry* home = by_uuid(spec.datastoreUuid());
    if (!machine || !spec.guarded().value_or(false) || home == nullptr) return nullptr;
    const auto path = DatastorePath::make(home->name, spec.path());
    const bool is_same = path && machine->path == *path;
    return is_same && !machine->domain && !machine->busy ? machine : nullptr;
}

Awaitable<std::uint64_t> Arrivals::await_guarded(IncomingPtr incoming) {
    if (const MachinePtr stale = stale_copy_of(incoming->spec)) {
        const Exclusive exclusive(stale, {});
        store::Batch batch;
        Machines::remove_record(batch, stale->id);
        co_await store(std::move(batch));
        parts_.machines.remove(stale);
    }
    co_return co_await parts_.availability.expect(incoming->uuid().value(),
                                                  std::string(incoming->spec.sourceHostUuid()));
}

// The guest stands still until this is done: it comes before all else.
Awaitable<void> Arrivals::let_in(IncomingPtr incoming, Availability::Word word) {
    const bool runs = co_await parts_.availability.let_in(
        incoming->uuid().value(), std::string(incoming->spec.sourceHostUuid()), word);
    if (runs) co_return;
    while (incoming->settling) co_await context_.runtime.sleep(kRunLook);
    if (!incoming->over) co_await drop(incoming, "high availability has declined it");
    throw vim::make_fault<vim::InvalidState>(
        "High availability has declined the machine: this host had lost its permit meanwhile.");
}

Awaitable<void> Arrivals::settle_guarded(IncomingPtr incoming, std::optional<DomainInfo> domain) {
    const auto lease = co_await parts_.handover.read(incoming->path);
    const bool is_mine = parts_.handover.is_me(lease.owner);
    if (domain && incoming->finish_asked) domain = co_await find_running(incoming);
    // Only drover-had lets it run.
    const bool runs = domain && domain->state == DomainState::running;
    if (domain && (runs || is_mine || incoming->finish_asked)) {
        co_await admit(incoming, lease.generation, std::move(domain));
        co_return;
    }
    if (is_mine && parts_.machines.find_by_uuid(incoming->uuid())) {
        co_await drop(incoming, "high availability has started it here anew");
        co_return;
    }
    if (is_mine) co_return;  // which will be
    incoming->was_here |= domain.has_value();
    const bool is_named = parts_.handover.is_me(lease.successor);
    incoming->was_named |= is_named;
    const bool is_past = context_.runtime.clock().wall_now() >= incoming->expires;
    if (incoming->was_here && !domain) {
        co_await refuse(incoming, "its host has given it up");
    } else if (!is_named && (incoming->was_named || (is_past && !domain))) {
        co_await refuse(incoming, "its host has kept it");
    } else {
        parts_.availability.still_expects(incoming->uuid().value(),
                                          std::string(incoming->spec.sourceHostUuid()));
    }
}

// For good, unless it is here already: then it is looked at again.
Awaitable<void> Arrivals::refuse(IncomingPtr incoming, std::string why) {
    if (!incoming->begun || !co_await parts_.availability.call_off(incoming->uuid().value())) {
        co_await drop(incoming, std::move(why));
        co_return;
    }
    incoming->finish_asked = true;
    // Without a domain it has ended just now, and its lease is being claimed.
    const auto lease = co_await parts_.handover.read(incoming->path);
    if (auto domain = co_await find_domain(incoming)) {
        co_await admit(incoming, lease.generation, std::move(domain));
    }
}

// It was let go a moment ago: the engine may not have heard yet.
Awaitable<std::optional<DomainInfo>> Arrivals::find_running(IncomingPtr incoming) {
    for (int i = 0;; ++i) {
        auto domain = co_await find_domain(incoming);
        const bool runs = domain && domain->state == DomainState::running;
        if (runs || i == kRunLooks) co_return domain;
        co_await context_.runtime.sleep(kRunLook);
    }
}

}  // namespace drover::host
