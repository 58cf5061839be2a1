#include "plan/drs/placement.hpp"

#include <algorithm>
#include <functional>

#include "plan/balance/descent.hpp"

namespace drover::plan {

std::vector<HostChoice> recommend_hosts(const State& state, const DemandCost& cost,
                                        MachineIndex machine) {
    std::vector<HostChoice> choices;
    for (HostIndex host = 0; host < state.cluster().host_count(); ++host) {
        if (!state.may_move(machine, host)) continue;
        choices.push_back({host, cost.move_delta(state, machine, host), 5});
    }
    std::ranges::sort(choices, {},
                      [](const HostChoice& choice) { return std::pair(choice.cost, choice.host); });
    if (choices.size() < 2) return choices;
    const double best = choices.front().cost;
    const double range = choices.back().cost - best;
    for (auto& choice : choices) {
        const double part = range > 0 ? (choice.cost - best) / range : 0;
        choice.rating = 5 - std::min(4, static_cast<int>(part * 5));
    }
    return choices;
}

std::vector<HostRefusal> refusing_hosts(const State& state, MachineIndex machine) {
    std::vector<HostRefusal> refusals;
    for (HostIndex host = 0; host < state.cluster().host_count(); ++host) {
        const auto refusal = state.check(machine, host);
        if (refusal != Refusal::none) refusals.push_back({host, refusal});
    }
    return refusals;
}

PowerOnPlan plan_power_on(const Cluster& cluster, std::span<const MachineIndex> machines,
                          const CostWeights& weights) {
    State state(cluster);
    DemandCost cost(state, weights);
    Descent descent(state, cost, {});
    std::vector<MachineIndex> order(machines.begin(), machines.end());
    std::ranges::sort(order, std::greater{}, [&cluster](MachineIndex machine) {
        return std::pair(cluster.load(machine).memory_held_bytes, machine);
    });
    PowerOnPlan plan;
    for (const auto machine : order) {
        if (state.host_of(machine) != kNone) continue;
        if (!descent.start(machine)) {
            plan.refused.push_back(machine);
            continue;
        }
        plan.placed.push_back({machine, state.host_of(machine)});
    }
    auto targets = state.hosts();
    for (const auto& placed : plan.placed) targets[placed.machine] = kNone;
    plan.migrations = order_moves(cluster, targets);
    return plan;
}

}  // namespace drover::plan
