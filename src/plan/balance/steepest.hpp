#pragma once

// The best single move, again and again: quick, and what a plan must never be worse than.

#include <vector>

#include "plan/balance/effort.hpp"
#include "plan/model/state.hpp"

namespace drover::plan {

/// Moves at most `max_moves` machines away from `home`; a machine may be sent on.
template <class Objective>
void steepest_descent(State& state, Objective& objective, const std::vector<HostIndex>& home,
                      const std::vector<MachineIndex>& movable, std::size_t max_moves,
                      const Effort& effort) {
    const auto hosts = static_cast<HostIndex>(state.cluster().host_count());
    std::size_t moved = 0;
    for (std::uint64_t looked = 0; effort.part_done(looked) < 1;) {
        double best = -1e-9;
        MachineIndex best_machine = kNone;
        HostIndex best_host = kNone;
        for (const auto machine : movable) {
            const auto from = state.host_of(machine);
            if (moved >= max_moves && from == home[machine]) continue;
            for (HostIndex to = 0; to < hosts; ++to) {
                if (to == from || !state.may_move(machine, to)) continue;
                const double delta = objective.move_delta(state, machine, to);
                if (delta >= best) continue;
                best = delta;
                best_machine = machine;
                best_host = to;
            }
        }
        looked += movable.size() * hosts;
        if (best_machine == kNone) return;
        const bool was_away = state.host_of(best_machine) != home[best_machine];
        const bool is_away = best_host != home[best_machine];
        moved = moved - was_away + is_away;
        objective.will_move(state, best_machine, best_host);
        state.move(best_machine, best_host);
    }
}

}  // namespace drover::plan
