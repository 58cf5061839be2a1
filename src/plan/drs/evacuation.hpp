#pragma once

// Emptying hosts for maintenance, and filling them again.

#include <span>
#include <string>
#include <vector>

#include "plan/drs/decision.hpp"
#include "plan/steps/migration_plan.hpp"

namespace drover::plan {

/// A machine that can't leave, and what would let it.
struct Blocker {
    MachineIndex machine = kNone;
    std::string reason;
    std::string fix;
};

struct EvacuationPlan {
    MigrationPlan migrations;
    std::vector<Blocker> blockers;
    /// Where the machines were, for putting them back.
    struct Origin {
        MachineIndex machine = kNone;
        HostIndex host = kNone;
    };
    std::vector<Origin> origins;
};

EvacuationPlan plan_evacuation(const Snapshot& snapshot, std::span<const HostIndex> hosts,
                               const CostWeights& weights);

/// Back to where they were, those whose going back is possible and worth its migration: all in all
/// more is gained than the moves take. The hosts take machines again.
MigrationPlan plan_return(const Snapshot& snapshot, std::span<const EvacuationPlan::Origin> origins,
                          const DrsSettings& settings);

}  // namespace drover::plan
