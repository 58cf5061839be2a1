// What the fencer does as its permit runs out.

#include <algorithm>

#include "ha/fence/fencer.hpp"
#include "ha/protocol/rules.hpp"

namespace drover::ha {

void Fencer::tick(std::span<const Observation> observations, Time now) {
    observe(observations);
    if (!fenced_ && permit_.epoch != 0) {
        if (kept(Rule::deadline_stops, now >= deadline())) {
            lose_permit(deadline(), now);
        } else if (now >= deadline() - timing_.pause_lead) {
            stop_before_end(now);
        } else {
            continue_in_time();
        }
    }
    if (fenced_) stop_undrained(now);
    reset_if_stuck(now);
    pet(now);
}

Duration Fencer::next_tick(Time now) const {
    using std::chrono::milliseconds;
    const bool busy = std::ranges::any_of(machines_, [](const Guarded& machine) {
        return machine.state == Guard::pausing || machine.state == Guard::killed;
    });
    if (busy) return milliseconds{20};
    if (fenced_) return milliseconds{100};
    const Duration until = deadline() - timing_.pause_lead - now;
    return std::clamp<Duration>(until, milliseconds{20}, milliseconds{100});
}

void Fencer::observe(std::span<const Observation> observations) {
    for (const auto& observation : observations) {
        auto* guarded = find_mutable(observation.machine);
        if (guarded == nullptr) continue;
        guarded->process = observation.process;
        guarded->writes_in_flight = observation.writes_in_flight;
        const bool made = guarded->state != Guard::prepared && guarded->state != Guard::killed;
        if (!observation.process && made) {
            guarded->state = Guard::killed;  // ended by itself, and nobody has said so yet
            guarded->crashed = true;
            guarded->soft = false;
        }
        const bool drained = !observation.writes_in_flight;
        const bool stopped =
            observation.stopped && (drained || !kept(Rule::pause_waits_for_writes, true));
        if (guarded->state == Guard::pausing && stopped) guarded->state = Guard::paused;
        if (guarded->state == Guard::frozen && drained) guarded->state = Guard::paused;
    }
    std::erase_if(machines_, [](const Guarded& machine) {
        // A successor's trace stays until the lease has moved on: see Agent::consider().
        return machine.state == Guard::killed && !machine.process && !machine.successor &&
               (!machine.writes_in_flight || !kept(Rule::restart_waits_for_own_writes, true));
    });
}

void Fencer::stop_before_end(Time) {
    for (auto& machine : machines_) {
        if (machine.state != Guard::running) continue;
        machine.state = Guard::pausing;
        machine.soft = true;
        act(FencerDo::pause, machine);
    }
}

void Fencer::continue_in_time() {
    for (auto& machine : machines_) {
        if (!machine.soft || (machine.state != Guard::pausing && machine.state != Guard::paused)) {
            continue;
        }
        machine.soft = false;
        machine.state = Guard::running;
        act(FencerDo::run, machine);
    }
}

void Fencer::lose_permit(Time hard_end, Time now) {
    if (fenced_) return;
    fenced_ = true;
    hard_end_ = hard_end;
    for (auto& machine : machines_) {
        machine.soft = false;
        if (machine.state == Guard::running) {
            machine.state = Guard::pausing;
            act(FencerDo::pause, machine);
        } else if (machine.state == Guard::prepared &&
                   (!machine.arriving || kept(Rule::accept_needs_permit, true))) {
            machine.state = Guard::killed;  // it has not run: nothing is lost
            act(FencerDo::kill, machine);
        }
    }
    stop_undrained(now);
}

void Fencer::stop_undrained(Time now) {
    if (!kept(Rule::undrained_is_stopped, now >= hard_end_)) return;
    for (auto& machine : machines_) {
        if (machine.state != Guard::pausing) continue;
        if (fencing_ == StorageFencing::none) {
            machine.state = Guard::killed;
            act(FencerDo::kill, machine);
        } else {
            machine.state = Guard::frozen;
            machine.gated = fencing_ == StorageFencing::gate;
            act(machine.gated ? FencerDo::close_gate : FencerDo::freeze, machine);
        }
    }
    // What was killed before may have writes on the way too.
    if (fencing_ != StorageFencing::gate) return;
    for (auto& machine : machines_) {
        if (machine.state != Guard::killed || machine.gated) continue;
        machine.gated = true;
        act(FencerDo::close_gate, machine);
    }
}

bool Fencer::can_write(const Guarded& machine) const {
    if (machine.gated || fencing_ == StorageFencing::at_storage) {
        return machine.state == Guard::running || machine.state == Guard::pausing;
    }
    switch (machine.state) {
        case Guard::running:
        case Guard::pausing:
        case Guard::frozen:
            return true;
        case Guard::killed:
            return machine.process || machine.writes_in_flight;
        case Guard::prepared:
        case Guard::paused:
        case Guard::given:
            return false;
    }
    return true;
}

bool Fencer::quiet() const {
    return std::ranges::none_of(machines_,
                                [this](const Guarded& machine) { return can_write(machine); });
}

void Fencer::reset_if_stuck(Time now) {
    if (!fenced_ || fencing_ == StorageFencing::at_storage) return;
    if (now < hard_end_ + timing_.reset_after || quiet()) return;
    if (!kept(Rule::stuck_writes_reset, true)) return;
    actions_.push_back({.what = FencerDo::reset_host});
}

void Fencer::pet(Time now) {
    if (fencing_ == StorageFencing::at_storage) return;
    // By what the deadline rests on: the watchdog then fires at most so much after it as an
    // undrained machine may write. While there is a permit, stillness is not enough: a machine that
    // stands still may be continued, or one started, up to the end of it.
    const bool fresh = !fenced_ && now - (deadline() - timing_.permit) <= timing_.fresh_ack;
    if (kept(Rule::watchdog_on_fresh_ack, !fresh && !(fenced_ && quiet()))) return;
    last_pet_ = now;
    actions_.push_back({.what = FencerDo::pet_watchdog});
}

}  // namespace drover::ha
