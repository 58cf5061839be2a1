#pragma once

#include <vector>

#include "center/compatibility/cluster_cpu.hpp"
#include "vim/compatibility_types.hpp"

namespace drover::center {

/// One reason, and the hosts that it is about.
struct EvcFinding {
    vim::Fault fault;
    std::vector<vim::MoRef> hosts;
};

/// Everything that speaks against an EVC mode for the cluster as it is now.
std::vector<EvcFinding> findings_against(const ClusterCpu& clusters, const vim::MoRef& cluster,
                                         const plan::EvcMode& mode);

/// Everything that speaks against a host as a member of a cluster with an EVC mode.
std::vector<EvcFinding> findings_against(const ClusterCpu& clusters, const vim::MoRef& cluster,
                                         const plan::EvcMode& mode, const JoiningHost& host);

/// What becomes different for a cluster whose baseline follows its hosts; nothing of it stands in
/// the way.
std::vector<EvcFinding> consequences(const ClusterCpu& clusters, const vim::MoRef& cluster,
                                     const JoiningHost& host);

/// One fault for all of them: the only one itself, several as an EVCConfigFault that lists them.
vim::Fault refusal_of(const std::vector<EvcFinding>& findings);

/// For Hosts::on_join: throws what speaks against it.
task::Awaitable<void> require_may_join(const ClusterCpu& clusters, vim::MoRef cluster,
                                       Joining joining);

}  // namespace drover::center
