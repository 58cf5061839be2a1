// Whose a machine is when a migration did not come to its end by itself: an error, a lost peer, a
// crash of this daemon.
//
//   * The lease names the other host as its owner: it is theirs, and nothing of it may run here.
//   * The guest runs here: it never left, for an engine lets it go on only when the other one can't
//     start it. The offer is taken back, by compare-and-swap: if the other host was quicker after
//     all it is theirs.
//   * It stands still between the two, or there is no domain: the other host may have it. It is
//     asked, and what it says holds: when it says no, nothing will ever run there by this ticket.
//     While it does not answer nobody knows, and nothing is done.

#include <fmt/format.h>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/migration/departures.hpp"

namespace drover::host {

using hypervisor::DomainInfo;
using hypervisor::DomainState;
using hypervisor::PausedReason;
using task::Awaitable;
using OutgoingPtr = std::shared_ptr<Outgoing>;
using Phase = Outgoing::Phase;

namespace {

constexpr std::chrono::seconds kDomainLimit{180};
constexpr std::chrono::seconds kAskAgain{3};
constexpr std::chrono::milliseconds kBusyPause{100};
// So long a machine whose owner is not known is nobody's to touch; then an administrator may.
constexpr std::chrono::seconds kBusyFor{60};

bool is_between(const DomainInfo& domain) {
    if (domain.state != DomainState::paused) return false;
    return domain.paused_reason == PausedReason::migration ||
           domain.paused_reason == PausedReason::post_copy ||
           domain.paused_reason == PausedReason::post_copy_failed;
}

}  // namespace

Awaitable<std::optional<DomainInfo>> Departures::find_domain(OutgoingPtr outgoing) {
    auto domain = co_await context_.runtime.blocking(
        "domain:" + outgoing->id.value(),
        [&engine = context_.hypervisor, uuid = outgoing->uuid] {
            // What an earlier run of this process began may still be under way.
            engine.cancel_migration(uuid);
            return engine.find(uuid);
        },
        kDomainLimit);
    if (domain && domain->state == DomainState::stopped) domain.reset();
    co_return domain;
}

Awaitable<void> Departures::end_domain(OutgoingPtr outgoing) {
    co_await context_.runtime.blocking(
        "domain:" + outgoing->id.value(),
        [&engine = context_.hypervisor, uuid = outgoing->uuid] {
            try {
                engine.destroy(uuid);
            } catch (const hypervisor::HypervisorError& error) {
                if (error.kind() != hypervisor::ErrorKind::not_found) throw;
            }
        },
        kDomainLimit);
}

Awaitable<Departures::Whose> Departures::ask(OutgoingPtr outgoing) {
    std::optional<vim::Fault> failure;
    try {
        Peer peer(context_.runtime, outgoing->url, outgoing->thumbprint);
        if (outgoing->phase == Phase::sent) {
            co_await peer.finish(outgoing->ticket);
            co_return Whose::theirs;
        }
        co_return co_await peer.abort(outgoing->ticket) ? Whose::ours : Whose::theirs;
    } catch (const vim::Fault& fault) {
        failure = fault;
    }
    // A ticket that is not known there: nothing has come by it, and nothing will.
    if (failure->fault().is<vim::NotFound>()) co_return Whose::ours;
    base::log_warning("machine {}: {}", outgoing->id.value(), failure->message());
    co_return Whose::unknown;
}

Awaitable<Departures::Whose> Departures::whose(OutgoingPtr outgoing,
                                               std::optional<DomainInfo> domain) {
    if (outgoing->guarded) co_return co_await whose_guarded(outgoing, domain.has_value());
    if (!outgoing->moves_storage) {
        const auto lease = co_await parts_.handover.read(outgoing->path);
        if (lease.owner == outgoing->host_uuid) co_return Whose::theirs;
        // A third host's: it has nothing to do with this migration.
        if (lease.is_held() && !parts_.handover.is_me(lease.owner)) co_return Whose::ours;
    }
    const bool stayed = outgoing->phase == Phase::offered || (domain && !is_between(*domain));
    if (!stayed) {
        const Whose answer = co_await ask(outgoing);
        if (answer != Whose::ours) co_return answer;
    }
    if (outgoing->moves_storage) co_return Whose::ours;
    co_return co_await parts_.handover.take_back(outgoing->path) ? Whose::ours : Whose::theirs;
}

Awaitable<Departures::Whose> Departures::resolve(OutgoingPtr outgoing, MachinePtr machine,
                                                 bool is_theirs) {
    Whose now = Whose::unknown;
    try {
        auto domain = co_await find_domain(outgoing);
        now = is_theirs ? Whose::theirs : co_await whose(outgoing, domain);
        if (now == Whose::ours && outgoing->guarded) {
            co_await keep_guarded(outgoing);
        } else if (now == Whose::ours) {
            co_await keep(outgoing, machine, std::move(domain));
        } else if (now == Whose::theirs) {
            co_await lose(outgoing, machine);
        }
    } catch (...) {
        now = Whose::unknown;
        base::log_warning("machine {}: {}", outgoing->id.value(),
                          fault_of(std::current_exception()).message());
    }
    co_return now;
}

// It stays, as it is: running, or off if nothing is left of the guest.
Awaitable<void> Departures::keep(OutgoingPtr outgoing, MachinePtr machine,
                                 std::optional<DomainInfo> domain) {
    if (outgoing->moves_storage) co_await parts_.handover.take_back(outgoing->path);
    if (domain && is_between(*domain)) {
        const bool is_lost = domain->paused_reason == PausedReason::post_copy_failed ||
                             domain->paused_reason == PausedReason::post_copy;
        if (is_lost) {
            base::log_error("machine {}: a part of its memory was lost with the host {}",
                            outgoing->id.value(), outgoing->host_name);
            co_await end_domain(outgoing);
            domain.reset();
        } else {
            domain = co_await context_.runtime.blocking(
                "domain:" + outgoing->id.value(),
                [&engine = context_.hypervisor, uuid = outgoing->uuid] {
                    engine.resume(uuid);
                    return engine.find(uuid);
                },
                kDomainLimit);
        }
    }
    if (machine) {
        // After a start of this process the reconciler finds it running, with all that goes with
        // it.
        if (machine->domain) machine->domain = domain;
        if (!domain) {
            co_await parts_.leases.release(machine);
            machine->boot_time.reset();
            machine->guest.reset();
        } else {
            co_await parts_.leases.is_ours(machine);  // notes the generation
        }
        parts_.machines.publish(machine);
    }
    co_await forget(outgoing);
}

Awaitable<void> Departures::forget(OutgoingPtr outgoing) {
    store::Batch batch;
    batch.remove(std::string(kRecordKind), outgoing->id.value());
    co_await store(std::move(batch));
    context_.runtime.spawn("migration called off", call_off(outgoing));
}

// The other host finds out by the lease as well; this way it does so at once.
Awaitable<void> Departures::call_off(OutgoingPtr outgoing) {
    try {
        co_await Peer(context_.runtime, outgoing->url, outgoing->thumbprint)
            .abort(outgoing->ticket);
    } catch (const vim::Fault& fault) {
        base::log_info("{} was not told that machine {} stays: {}", outgoing->host_name,
                       outgoing->id.value(), fault.message());
    }
}

Awaitable<void> Departures::lose(OutgoingPtr outgoing, MachinePtr machine) {
    if (const auto left = co_await find_domain(outgoing)) {
        base::log_warning("machine {} is the host {}'s now: its domain here is ended",
                          outgoing->id.value(), outgoing->host_name);
        co_await end_domain(outgoing);
    }
    if (outgoing->moves_storage && outgoing->phase != Phase::sent) {
        co_await note(outgoing, Phase::sent);
    }
    if (machine && outgoing->moves_storage) {
        machine->domain.reset();
        co_await parts_.destroy(machine);
    }
    store::Batch batch;
    if (!outgoing->moves_storage) Machines::remove_record(batch, outgoing->id);
    batch.remove(std::string(kRecordKind), outgoing->id.value());
    co_await store(std::move(batch));
    if (machine && !outgoing->moves_storage) parts_.machines.remove(machine);
    base::log_info("machine {} ('{}') has gone to {}", outgoing->id.value(), outgoing->name,
                   outgoing->host_name);
}

Awaitable<void> Departures::resolve_later(OutgoingPtr outgoing) {
    const MachinePtr machine =
        parts_.machines.find(vim::MoRef{vim::TypeId::VirtualMachine, outgoing->id.value()});
    // At a start nothing else has it yet; otherwise the task that has failed lets go of it now.
    while (machine && machine->busy) co_await context_.runtime.sleep(kBusyPause);
    std::optional<Exclusive> exclusive;
    // High availability may have to start a guarded one here before the other host answers.
    if (machine && !outgoing->guarded) exclusive.emplace(machine, vim::MoRef{});
    std::chrono::seconds waited{0};
    while (co_await resolve(outgoing, machine) == Whose::unknown) {
        co_await context_.runtime.sleep(kAskAgain);
        waited += kAskAgain;
        if (waited >= kBusyFor) exclusive.reset();
    }
}

}  // namespace drover::host
