#include <numeric>

#include "plan/balance/anneal.hpp"
#include "plan/balance/balance.hpp"
#include "plan/balance/steepest.hpp"

namespace drover::plan {

namespace {

std::vector<MachineIndex> movable_machines(const Cluster& cluster) {
    std::vector<MachineIndex> movable;
    for (MachineIndex at = 0; at < cluster.machine_count(); ++at) {
        const auto& machine = cluster.snapshot().machines[at];
        if (machine.host != kNone && machine.movability < Movability::disabled) {
            movable.push_back(at);
        }
    }
    return movable;
}

// A plan that has to step aside needs more moves than machines: then fewer machines.
MigrationPlan within(const Cluster& cluster, const State& state, std::size_t max_moves) {
    return order_moves(cluster, state.hosts(), {}, {.max_steps = max_moves});
}

}  // namespace

BalancePlan balance_for_hbal(const Cluster& cluster, const std::vector<HbalScore::Host>& hosts,
                             const std::vector<HbalScore::Machine>& machines,
                             const BalanceOptions& options) {
    State state(cluster);
    HbalScore score(state, hosts, machines);
    const auto home = state.hosts();
    const auto movable = movable_machines(cluster);
    BalancePlan plan;
    plan.cost_before = score.cost();
    Effort descent;
    // A quarter of the time at most; what it finds is where the annealing starts from.
    descent.iterations = std::max<std::uint64_t>(options.effort.iterations / 4, 20'000'000);
    if (options.effort.progress) {
        descent.progress = [&options] { return 4 * options.effort.progress(); };
    }
    steepest_descent(state, score, home, movable, options.max_moves, descent);
    const auto greedy = state.hosts();
    const double greedy_cost = score.cost();
    if (options.anneal) {
        Annealer annealer(state, score, home, movable, options.max_moves, options.seed);
        annealer.run(options.effort);
    }
    plan.cost_after = score.cost();
    plan.migrations = within(cluster, state, options.max_moves);
    if (plan.migrations.blocked.empty() || score.cost() >= greedy_cost) return plan;
    // What could not be ordered is left out; it may have been what made the plan good.
    State safe(cluster);
    for (const auto& step : plan.migrations.steps) safe.move(step.machine, step.to);
    plan.cost_after = HbalScore(safe, hosts, machines).cost();
    if (plan.cost_after > greedy_cost) {
        plan.migrations = order_moves(cluster, greedy, {}, {.max_steps = options.max_moves});
        plan.cost_after = greedy_cost;
    }
    return plan;
}

}  // namespace drover::plan
