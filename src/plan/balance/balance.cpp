#include "plan/balance/balance.hpp"

#include <algorithm>
#include <numeric>

#include "plan/balance/anneal.hpp"
#include "plan/balance/descent.hpp"

namespace drover::plan {

BalancePlan balance(const Cluster& cluster, const BalanceOptions& options) {
    State state(cluster);
    auto move_costs = options.move_costs;
    if (move_costs.empty()) {
        // As much as evening out a thousandth of a host is worth: nothing moves for less.
        for (MachineIndex at = 0; at < cluster.machine_count(); ++at) {
            const auto& machine = cluster.snapshot().machines[at];
            const double gibibytes = machine.memory_configured_bytes / (1024.0 * 1024 * 1024);
            move_costs.push_back(1e-5 + 1e-6 * gibibytes);
        }
    }
    DemandCost cost(state, options.weights, std::move(move_costs));
    BalancePlan plan;
    plan.cost_before = cost.cost();
    Descent descent(state, cost, {.max_moves = options.max_moves});
    descent.run(options.effort);
    if (options.anneal) {
        std::vector<MachineIndex> movable;
        for (MachineIndex at = 0; at < cluster.machine_count(); ++at) {
            if (may_be_balanced(cluster, at)) movable.push_back(at);
        }
        Annealer annealer(state, cost, State(cluster).hosts(), std::move(movable),
                          options.max_moves, options.seed);
        annealer.run(options.effort);
    }
    plan.cost_after = cost.cost();
    plan.migrations = order_moves(cluster, state.hosts(), {}, {.max_steps = options.max_moves});
    return plan;
}

}  // namespace drover::plan
