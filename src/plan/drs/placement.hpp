#pragma once

// Where machines that do not run yet should start.

#include <span>
#include <string>
#include <vector>

#include "plan/balance/demand_cost.hpp"
#include "plan/steps/migration_plan.hpp"

namespace drover::plan {

struct HostChoice {
    HostIndex host = kNone;
    double cost = 0;  ///< less is better; what running there adds
    int rating = 5;   ///< 1 to 5, 5 the best, as RecommendHostsForVm has it
};

/// All hosts that can take it, the best first. Linear in the number of hosts.
std::vector<HostChoice> recommend_hosts(const State& state, const DemandCost& cost,
                                        MachineIndex machine);

/// Of the hosts that can't, why not.
struct HostRefusal {
    HostIndex host = kNone;
    Refusal refusal = Refusal::none;
};
std::vector<HostRefusal> refusing_hosts(const State& state, MachineIndex machine);

struct PowerOnPlan {
    struct Placed {
        MachineIndex machine = kNone;
        HostIndex host = kNone;
    };
    std::vector<Placed> placed;
    MigrationPlan migrations;  ///< to be done before, where running machines have to make room
    std::vector<MachineIndex> refused;
};

/// Several at once (PowerOnMultiVM): the largest first; running machines make room if need be.
PowerOnPlan plan_power_on(const Cluster& cluster, std::span<const MachineIndex> machines,
                          const CostWeights& weights);

}  // namespace drover::plan
