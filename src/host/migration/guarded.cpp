// The source's side of a machine that high availability guards. Its lease is drover-had's, and so
// is the word that lets it run: the engine sends it, leaves it standing still over there and ends
// the process here. Until that is over the machine can go on here, whatever fails; afterwards it
// can go on there only, by the word that drover-had here gives and this host passes on.

#include <fmt/format.h>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/migration/departures.hpp"

namespace drover::host {

using task::Awaitable;
using OutgoingPtr = std::shared_ptr<Outgoing>;
using Phase = Outgoing::Phase;

namespace {

vim::Fault ran_on() {
    return vim::make_fault<vim::InvalidState>(
        "The machine was ended here before it had been sent as a whole: high availability starts "
        "it again.");
}

}  // namespace

void Departures::require_movable(const Machine& machine, const vim::DroverMigrationTicket& ticket) {
    if (!is_guarded(machine)) return;
    if (ticket.movesStorage()) require_not_guarded(machine, "a move to another datastore");
    if (ticket.monitor()) return;
    throw vim::invalid_argument("destination.ticket.monitor",
                                "The machine is protected by high availability, and its "
                                "destination was not prepared for that.");
}

Awaitable<hypervisor::MigrationResult> Departures::leave_guarded(
    MachinePtr machine, OutgoingPtr outgoing, vim::DroverMigrationDestination destination,
    vim::DroverMigrationOptions options, task::TaskContextPtr task) {
    co_await note(outgoing, Phase::offered);
    Peer peer(context_.runtime, outgoing->url, outgoing->thumbprint);
    const auto epoch = co_await peer.begin(outgoing->ticket);
    task->check_cancelled();
    if (!epoch || !machine->domain) {
        throw vim::make_fault<vim::InvalidState>(
            epoch ? "The machine does not run any more."
                  : "The other host does not await a machine that high availability protects.");
    }
    machine->lease_generation =
        co_await parts_.availability.offer(machine, outgoing->host_uuid, *epoch);
    co_await note(outgoing, Phase::moving);
    co_return co_await send(machine, outgoing, destination, options, task);
}

// The guest stands still meanwhile: nothing else comes in between.
Awaitable<vim::DroverMigrationArrival> Departures::give(OutgoingPtr outgoing) {
    const auto word = co_await parts_.availability.give(outgoing->uuid.value());
    if (!word) throw ran_on();
    co_return co_await finish(outgoing, word);
}

// As long as its process is here it has not been given away.
Awaitable<Departures::Whose> Departures::whose_guarded(OutgoingPtr outgoing, bool is_here) {
    const auto lease = co_await parts_.handover.read(outgoing->path);
    if (lease.owner == outgoing->host_uuid) co_return Whose::theirs;
    if (is_here) co_return Whose::ours;
    if (!parts_.handover.is_me(lease.owner) || lease.successor.empty()) co_return Whose::ours;
    if (const Whose now = co_await give_again(outgoing); now != Whose::ours) co_return now;
    // It has come to nothing over there: drover-had need not wait for that host's end.
    parts_.availability.declined(outgoing->uuid.value(), lease.generation);
    co_return Whose::ours;
}

Awaitable<Departures::Whose> Departures::give_again(OutgoingPtr outgoing) {
    const auto word = co_await parts_.availability.give(outgoing->uuid.value());
    std::optional<vim::Fault> failure;
    try {
        Peer peer(context_.runtime, outgoing->url, outgoing->thumbprint);
        if (word) {
            co_await peer.finish(outgoing->ticket, word);
            co_return Whose::theirs;
        }
    } catch (const vim::Fault& fault) {
        failure = fault;
    }
    if (failure && is_unreachable(*failure)) co_return Whose::unknown;
    co_return co_await ask(outgoing);
}

// drover-had lets it go on, if it stands still because of the move. What it is then the reconciler
// sees as soon as nothing else has the machine.
Awaitable<void> Departures::keep_guarded(OutgoingPtr outgoing) {
    const bool is_here = co_await parts_.availability.call_off(outgoing->uuid.value());
    base::log_info("machine {} stays{}", outgoing->id.value(),
                   is_here ? "" : ": high availability starts it again");
    co_await forget(outgoing);
}

}  // namespace drover::host
