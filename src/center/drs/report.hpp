#pragma once

#include <string>
#include <vector>

#include "center/drs/drs_history.hpp"
#include "center/drs/thought.hpp"

namespace drover::center {

/// What else a report tells than the planner's thoughts.
struct ReportFacts {
    std::string cluster_name;
    std::vector<DoneMove> history;
    std::int32_t moves = 0;
    std::size_t migrations_measured = 0;
};

/// Which machines' stay is explained.
struct WhyNotWanted {
    bool all = false;
    std::vector<plan::MachineIndex> machines;
};

/// A view and what the planner makes of it, as JSON text. Pure, and takes its time: off the strand.
std::string report_text(const ClusterView& view, const Thought& thought, const ReportFacts& facts,
                        const WhyNotWanted& wanted);

}  // namespace drover::center
