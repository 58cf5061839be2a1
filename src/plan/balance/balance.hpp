#pragma once

// Whole plans for a cluster: which machines should be where.

#include <string>
#include <vector>

#include "plan/balance/demand_cost.hpp"
#include "plan/balance/effort.hpp"
#include "plan/balance/hbal_score.hpp"
#include "plan/steps/migration_plan.hpp"

namespace drover::plan {

struct BalanceOptions {
    std::size_t max_moves = static_cast<std::size_t>(-1);
    std::uint64_t seed = 1;
    CostWeights weights{};
    std::vector<double> move_costs{};  ///< by machine; empty: a little for each
    Effort effort{};
    bool anneal = true;  ///< trade moves for others after the descent
};

struct BalancePlan {
    MigrationPlan migrations{};
    double cost_before = 0;
    double cost_after = 0;
};

/// Machines that are nowhere stay so. Usable hosts only; machines on others are moved off first.
BalancePlan balance(const Cluster& cluster, const BalanceOptions& options);

/// The same by hbal's score.
BalancePlan balance_for_hbal(const Cluster& cluster, const std::vector<HbalScore::Host>& hosts,
                             const std::vector<HbalScore::Machine>& machines,
                             const BalanceOptions& options);

}  // namespace drover::plan
