#pragma once

// What a cluster's pools come to on each host. The kernel weighs the machines of a host against
// each other; so what pools promise is divided among machines: weights by what each would get if
// all wanted everything, limits by what each wants now.

#include "center/drs/cluster_view.hpp"
#include "service/pools/machine_parts.hpp"

namespace drover::center {

/// Of the machines that run on a host, by their references here; empty if there are no pools below
/// the root: then machines count by their own settings. Pure.
std::vector<std::pair<vim::MoRef, service::MachinePart>> pool_parts(const ClusterView& view,
                                                                    plan::HostIndex host);

}  // namespace drover::center
