#pragma once

// From where the machines are and where they shall be to migrations that are safe in whatever order
// they get done, and whichever of them fail.
//
// A step may start once all of `after` have succeeded. That is all an executor has to respect,
// besides its own limits of how many run at once; a step whose predecessor failed is never started.
//
// Why it is safe: steps are chosen one after the other. A step counts on its destination everything
// that was chosen to go there before it as present, and what leaves there as gone only if the step
// waits for it. So of the steps that have started at any moment, the one chosen last has proved
// that all of them fit together. Rules are kept by the same argument.

#include <cstddef>
#include <string>
#include <vector>

#include "plan/model/cluster.hpp"

namespace drover::plan {

using StepIndex = std::uint32_t;

struct Step {
    MachineIndex machine = kNone;
    HostIndex from = kNone;
    HostIndex to = kNone;
    std::vector<StepIndex> after;
    /// Steps with the same number move companions (keep-together) and count as one: while some are
    /// done and others not, the companions are parted; if one fails, those that were moved go back,
    /// for which `from` keeps their room. kNone: on its own.
    std::uint32_t bundle = kNone;
    bool steps_aside = false;  ///< to a host on the way, to break a cycle
};

/// A move that can't be made safely; it is not in the plan.
struct BlockedMove {
    MachineIndex machine = kNone;
    HostIndex to = kNone;
    std::string reason;
};

struct MigrationPlan {
    std::vector<Step> steps;  ///< every step after those it waits for
    std::vector<BlockedMove> blocked;
};

struct OrderOptions {
    std::size_t max_steps = static_cast<std::size_t>(-1);
    bool may_step_aside = true;
};

/// `targets`: the host of each machine afterwards; kNone and machines that are nowhere are left
/// alone. Moves are tried in the order of `priority` (all others after them).
MigrationPlan order_moves(const Cluster& cluster, const std::vector<HostIndex>& targets,
                          const std::vector<MachineIndex>& priority = {},
                          const OrderOptions& options = {});

}  // namespace drover::plan
