#pragma once

// What the planner makes of a view, with everything that is shown of it. Pure; takes its time with
// large clusters, so it runs off the strand.

#include "center/drs/cluster_view.hpp"
#include "plan/drs/decision.hpp"

namespace drover::center {

struct Thought {
    plan::Decision decision;
    std::vector<double> scores;  ///< by machine, 0 to 100
    /// Rules that do not hold, with the machines that break them.
    struct Broken {
        plan::RuleIndex rule = 0;
        std::vector<plan::MachineIndex> machines;
    };
    std::vector<Broken> broken;
    double seconds = 0;

    double score() const;
};

Thought think(const ClusterView& view);

/// RecommendationReasonCode of a reason.
std::string_view reason_code(plan::MoveReason reason);

}  // namespace drover::center
