#pragma once

#include "center/drs/cluster_view.hpp"
#include "center/drs/thought.hpp"
#include "center/history/performance_history.hpp"

namespace drover::center {

/// Keeps what DRS made of a cluster among the figures of the past: the scores of the cluster and
/// its machines, and its imbalance. Belongs to the strand.
void keep_scores(PerformanceHistory& history, const ClusterView& view, const Thought& thought);

}  // namespace drover::center
