#pragma once

// Counters that no host has: what DRS makes of a cluster. Names are vCenter's where it has them;
// the ids are ours, above all that hosts use.

#include <cstdint>
#include <vector>

#include "vim/types.hpp"

namespace drover::center {

/// clusterServices.clusterDrsScore.latest, of clusters: 0 to 100 percent, in hundredths.
inline constexpr std::int32_t kClusterDrsScore = 100'001;
/// clusterServices.vmDrsScore.latest, of machines; likewise.
inline constexpr std::int32_t kVmDrsScore = 100'002;
/// clusterServices.imbalance.latest, of clusters: the standard deviation of the hosts' loads (see
/// src/plan/drs), in thousandths, as ClusterComputeResourceSummary.currentBalance.
inline constexpr std::int32_t kClusterImbalance = 100'003;

constexpr bool is_own_counter(std::int32_t id) {
    return id >= kClusterDrsScore && id <= kClusterImbalance;
}

const std::vector<vim::PerfCounterInfo>& own_counters();

}  // namespace drover::center
