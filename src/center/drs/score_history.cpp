#include "center/drs/score_history.hpp"

#include <cmath>

#include "center/history/own_counters.hpp"

namespace drover::center {

namespace {

// Percent are in hundredths in all of the API's figures.
constexpr double kHundredths = 100;
constexpr double kThousandths = 1000;

}  // namespace

void keep_scores(PerformanceHistory& history, const ClusterView& view, const Thought& thought) {
    history.add_own(view.cluster,
                    {{{kClusterDrsScore, ""}, std::llround(thought.score() * kHundredths)},
                     {{kClusterImbalance, ""},
                      std::llround(thought.decision.imbalance_before * kThousandths)}});
    for (std::size_t at = 0; at < std::min(view.machines.size(), thought.scores.size()); ++at) {
        history.add_own(view.machines[at],
                        {{{kVmDrsScore, ""}, std::llround(thought.scores[at] * kHundredths)}});
    }
}

}  // namespace drover::center
