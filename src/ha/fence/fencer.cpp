#include "ha/fence/fencer.hpp"

#include <algorithm>
#include <utility>

#include "ha/protocol/rules.hpp"

namespace drover::ha {

void Fencer::act(FencerDo what, const Guarded& machine) {
    actions_.push_back(
        {.what = what, .machine = machine.machine, .generation = machine.generation});
}

Guarded* Fencer::find_mutable(MachineId machine) {
    const auto found = std::ranges::find(machines_, machine, &Guarded::machine);
    return found == machines_.end() ? nullptr : &*found;
}

const Guarded* Fencer::find(MachineId machine) const {
    const auto found = std::ranges::find(machines_, machine, &Guarded::machine);
    return found == machines_.end() ? nullptr : &*found;
}

void Fencer::restore(const FencerState& state) {
    permit_ = state.permit;
    fenced_ = state.fenced;
    hard_end_ = state.hard_end;
    last_pet_ = state.last_pet;
    machines_ = state.machines;
}

bool Fencer::allows(Time now) const {
    if (permit_.epoch == 0 || fenced_ || now >= deadline() - timing_.pause_lead) return false;
    // The watchdog was petted for stillness, and the join that followed is older: it would come
    // too late for this deadline.
    return fencing_ == StorageFencing::at_storage ||
           last_pet_ + timing_.watchdog <= deadline() + timing_.fresh_ack;
}

bool Fencer::acked_etcd(Epoch epoch, Time sent, Time now) {
    if (fenced_ && !kept(Rule::fenced_until_joined, true) && epoch == permit_.epoch &&
        sent + timing_.permit > now + timing_.pause_lead) {
        fenced_ = false;  // a mutant: comes back without a new epoch
    }
    if (fenced_ || epoch != permit_.epoch) return false;
    if (kept(Rule::late_ack_is_void, now >= deadline())) {
        lose_permit(deadline(), now);
        return false;
    }
    const Time counted = kept(Rule::ack_counts_from_send, true) ? sent : now;
    permit_.etcd = std::max(permit_.etcd, counted);
    continue_in_time();
    return true;
}

bool Fencer::acked_slot(Epoch epoch, bool long_promise, Time sent, Time now) {
    if (fenced_ || epoch != permit_.epoch) return false;
    if (kept(Rule::late_ack_is_void, now >= deadline())) {
        lose_permit(deadline(), now);
        return false;
    }
    const Time counted = kept(Rule::ack_counts_from_send, true) ? sent : now;
    permit_.storage = std::max(permit_.storage, counted);
    if (long_promise) permit_.is_short = false;
    continue_in_time();
    return true;
}

void Fencer::drop_permit(Time now) {
    if (permit_.epoch == 0 || fenced_) return;
    lose_permit(std::min(deadline(), now + timing_.pause_lead), now);
}

bool Fencer::joined(Epoch epoch, Time sent, Time now) {
    if (!fenced_ || epoch <= permit_.epoch || now - sent > timing_.join_age) return false;
    if (kept(Rule::join_when_quiet, !quiet())) return false;
    const Time counted = kept(Rule::ack_counts_from_send, true) ? sent : now;
    permit_ = {.epoch = epoch, .etcd = kNever, .storage = counted, .is_short = true};
    if (!kept(Rule::two_channels_permit, true)) permit_.etcd = counted;
    fenced_ = false;
    return true;
}

bool Fencer::prepare(MachineId machine, Generation generation, bool arriving, Time now) {
    if (kept(Rule::permit_checked_at_start, !allows(now))) return false;
    if (auto* older = find_mutable(machine); older != nullptr) {
        // A second process beside one that is left could write next to it.
        const bool gone = older->state == Guard::killed && !older->process;
        const bool waits = older->state != Guard::killed || !gone ||
                           kept(Rule::restart_waits_for_own_writes, true);
        if (kept(Rule::one_instance_per_host, waits)) return false;
        std::erase_if(machines_, [machine](const auto& each) { return each.machine == machine; });
    }
    machines_.push_back({.machine = machine,
                         .generation = generation,
                         .state = Guard::prepared,
                         .arriving = arriving,
                         .writes_in_flight = false});
    return true;
}

bool Fencer::adopt(MachineId machine, Generation generation, Time now) {
    if (!allows(now) || find(machine) != nullptr) return false;
    machines_.push_back({.machine = machine, .generation = generation, .state = Guard::running});
    return true;
}

bool Fencer::start(MachineId machine, Generation generation, Time now) {
    auto* guarded = find_mutable(machine);
    if (guarded == nullptr || guarded->state != Guard::prepared || guarded->arriving ||
        guarded->generation != generation) {
        return false;
    }
    if (kept(Rule::permit_checked_at_start, !allows(now))) return false;
    guarded->state = Guard::running;
    act(FencerDo::run, *guarded);
    return true;
}

bool Fencer::resume(MachineId machine, Generation generation, Time now) {
    auto* guarded = find_mutable(machine);
    if (guarded == nullptr || !allows(now)) return false;
    if (guarded->state != Guard::paused && guarded->state != Guard::frozen &&
        guarded->state != Guard::given) {
        return false;
    }
    guarded->state = Guard::running;
    guarded->soft = guarded->gated = guarded->successor = false;
    guarded->generation = generation;
    act(FencerDo::run, *guarded);
    actions_.back().ends_migration = true;
    return true;
}

void Fencer::relabel(MachineId machine, Generation generation) {
    auto* guarded = find_mutable(machine);
    if (guarded == nullptr || guarded->generation >= generation) return;
    guarded->generation = generation;
    guarded->successor = false;
}

bool Fencer::hand_over(MachineId machine, Generation generation, Time now) {
    auto* guarded = find_mutable(machine);
    if (guarded == nullptr || guarded->generation != generation) return false;
    if (guarded->state != Guard::running) return false;
    // Late it would do no harm: the target takes it in the tenure that the lease names only, and
    // while that one lives nobody else can have taken the machine.
    if (!allows(now)) return false;
    guarded->state = Guard::given;
    return true;
}

bool Fencer::accept(MachineId machine, Generation generation, Epoch epoch, Time now) {
    auto* guarded = find_mutable(machine);
    if (guarded == nullptr || guarded->state != Guard::prepared || !guarded->arriving) return false;
    if (kept(Rule::accept_needs_named_epoch, epoch != permit_.epoch)) return false;
    if (kept(Rule::accept_needs_permit, !allows(now))) return false;
    guarded->generation = generation;
    guarded->state = Guard::running;
    guarded->arriving = false;
    guarded->successor = true;
    act(FencerDo::run, *guarded);
    return true;
}

void Fencer::kill(MachineId machine, Time) {
    auto* guarded = find_mutable(machine);
    if (guarded == nullptr || guarded->state == Guard::killed) return;
    guarded->state = Guard::killed;
    guarded->soft = false;
    act(FencerDo::kill, *guarded);
}

void Fencer::exited(MachineId machine, Time) {
    auto* guarded = find_mutable(machine);
    if (guarded == nullptr || guarded->state == Guard::killed) return;
    guarded->state = Guard::killed;
    guarded->crashed = true;
    guarded->soft = false;
}

}  // namespace drover::ha
