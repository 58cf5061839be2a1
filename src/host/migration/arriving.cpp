// Whether a machine that is on its way has arrived, and whose it is then.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "host/events/event_arguments.hpp"
#include "host/faults.hpp"
#include "host/migration/arrivals.hpp"
#include "host/references.hpp"
#include "service/history/event_log.hpp"

namespace drover::host {

using hypervisor::DomainInfo;
using hypervisor::DomainState;
using hypervisor::PausedReason;
using task::Awaitable;

namespace {

constexpr std::chrono::seconds kDomainLimit{60};
constexpr std::chrono::milliseconds kSettlingPause{20};

store::Record done_record(const Incoming& incoming, base::WallTime now) {
    store::Record record;
    record.kind = Arrivals::kDoneKind;
    record.id = incoming.id.value();
    record.value =
        nlohmann::json{
            {"ticket", incoming.ticket},
            {"path", incoming.path.to_string()},
            {"time",
             std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count()}}
            .dump();
    return record;
}

// Whether the guest is on this side: what is still on its way in stands still.
bool has_arrived(const DomainInfo& domain) {
    if (domain.state == DomainState::stopped) return false;
    if (domain.state != DomainState::paused) return true;
    return domain.paused_reason != PausedReason::migration &&
           domain.paused_reason != PausedReason::starting;
}

}  // namespace

Awaitable<std::optional<DomainInfo>> Arrivals::find_domain(IncomingPtr incoming) {
    co_return co_await context_.runtime.blocking(
        "domain:" + incoming->id.value(),
        [&engine = context_.hypervisor, uuid = incoming->uuid()] { return engine.find(uuid); },
        kDomainLimit);
}

Awaitable<void> Arrivals::call_off(IncomingPtr incoming) {
    if (incoming->guarded()) {
        co_await refuse(incoming, "it was called off");
        co_return;
    }
    const bool withdrawn = !incoming->moves_storage ||
                           co_await parts_.handover.withdraw(incoming->path, source_of(*incoming));
    if (withdrawn) {
        co_await drop(incoming, "it was called off");
    } else {
        co_await settle_now(incoming);
    }
}

Awaitable<void> Arrivals::settle(IncomingPtr incoming, bool calls_off) {
    while (incoming->settling) co_await context_.runtime.sleep(kSettlingPause);
    if (incoming->over) co_return;
    incoming->settling = true;
    try {
        co_await (calls_off ? call_off(incoming) : settle_now(incoming));
    } catch (...) {
        base::log_warning("machine '{}', on its way here: {}", incoming->spec.name(),
                          fault_of(std::current_exception()).message());
    }
    incoming->settling = false;
}

Awaitable<void> Arrivals::settle_now(IncomingPtr incoming) {
    if (!incoming->begun) {
        if (context_.runtime.clock().wall_now() >= incoming->expires) {
            co_await drop(incoming, "its ticket was not used");
        }
        co_return;
    }
    std::optional<DomainInfo> domain;
    if (incoming->runs()) domain = co_await find_domain(incoming);
    if (incoming->guarded()) {
        co_await settle_guarded(incoming, std::move(domain));
        co_return;
    }
    // The source says so, or it can be seen.
    const bool here = incoming->finish_asked || (domain && has_arrived(*domain));
    if (here) {
        co_await settle_here(incoming, std::move(domain));
        co_return;
    }
    const auto lease = co_await parts_.handover.read(incoming->path);
    if (parts_.handover.is_me(lease.owner)) {
        // Taken just before a crash; whatever has become of the guest, the machine is this host's.
        co_await admit(incoming, lease.generation, std::nullopt);
    } else if (!parts_.handover.is_me(lease.successor)) {
        co_await drop(incoming, "its host has kept it");
    }
}

// The guest runs here, or the source has nothing more to send: whose it is says the lease.
Awaitable<void> Arrivals::settle_here(IncomingPtr incoming, std::optional<DomainInfo> domain) {
    const std::uint64_t generation = co_await parts_.handover.accept(incoming->path);
    if (generation != 0) {
        co_await admit(incoming, generation, std::move(domain));
    } else {
        co_await drop(incoming, "its host has taken it back");
    }
}

Awaitable<void> Arrivals::admit(IncomingPtr incoming, std::uint64_t generation,
                                std::optional<DomainInfo> domain) {
    const vim::DroverMigrationSpec spec = incoming->spec;
    store::Batch batch;
    batch.put(Machines::record_of(incoming->id, incoming->path, spec.template_()));
    batch.remove(std::string(kRecordKind), incoming->id.value());
    const base::WallTime now = context_.runtime.clock().wall_now();
    batch.put(done_record(*incoming, now));
    co_await store(std::move(batch));
    auto machine = std::make_shared<Machine>();
    machine->id = incoming->id;
    machine->ref = {vim::TypeId::VirtualMachine, incoming->id.value()};
    machine->path = incoming->path;
    machine->is_template = spec.template_();
    machine->lease_generation = generation;
    machine->domain = std::move(domain);
    if (machine->domain) {
        machine->boot_time = spec.bootTime().value_or(context_.runtime.clock().wall_now());
        for (const std::int32_t key : spec.connected()) machine->connected.insert(key);
    }
    if (!machine->domain && !incoming->guarded()) {
        // It does not run: nobody's lease. A guest that died on its arrival is off as well.
        co_await parts_.handover.release(incoming->path);
        machine->lease_generation = 0;
    }
    co_await parts_.machines.admit(machine);
    incoming->over = true;
    auto arrival = vim::DroverMigrationArrival::make();
    arrival.set_vm(machine->ref);
    arrival.set_path(machine->path.to_string());
    done_[incoming->ticket] = {arrival, now};
    incoming_.erase(incoming->ticket);
    parts_.transport.forget(incoming->ticket);
    base::log_info("machine {} ('{}') has come from {}", machine->id.value(), spec.name(),
                   spec.sourceHostName());
    post_event(*incoming, *machine);
    if (machine->domain) parts_.arrived(machine);
}

void Arrivals::post_event(const Incoming& incoming, const Machine& machine) const {
    auto source = vim::HostEventArgument::make();
    source.set_host(references::host);
    source.set_name(incoming.spec.sourceHostName());
    auto event = vm_event<vim::VmMigratedEvent>(context_.inventory.get(machine.ref));
    event.set_sourceHost(source);
    context_.events.post(event, {});
}

Awaitable<void> Arrivals::destroy_domain(IncomingPtr incoming) {
    const auto domain = co_await find_domain(incoming);
    if (!domain || parts_.machines.find_by_uuid(incoming->uuid())) co_return;
    base::log_warning("machine '{}' is not this host's to run: its domain is ended",
                      incoming->spec.name());
    co_await context_.runtime.blocking(
        "domain:" + incoming->id.value(),
        [&engine = context_.hypervisor, uuid = incoming->uuid()] {
            try {
                engine.destroy(uuid);
            } catch (const hypervisor::HypervisorError& error) {
                if (error.kind() != hypervisor::ErrorKind::not_found) throw;
            }
        },
        kDomainLimit);
}

// Nothing of it stays, whatever came of it. The record goes last.
Awaitable<void> Arrivals::drop(IncomingPtr incoming, std::string why) {
    base::log_info("machine '{}' does not come: {}", incoming->spec.name(), why);
    parts_.transport.close_ways(incoming->ticket);
    parts_.transport.forget(incoming->ticket);
    if (incoming->runs() && incoming->begun) {
        co_await context_.runtime.blocking(
            "hypervisor",
            [&engine = context_.hypervisor, uuid = incoming->uuid()] {
                engine.forget_migration(uuid);
            },
            kDomainLimit);
        co_await destroy_domain(incoming);
    }
    if (incoming->moves_storage) co_await remove_files(incoming);
    store::Batch batch;
    batch.remove(std::string(kRecordKind), incoming->id.value());
    co_await store(std::move(batch));
    incoming->over = true;
    incoming_.erase(incoming->ticket);
}

}  // namespace drover::host
