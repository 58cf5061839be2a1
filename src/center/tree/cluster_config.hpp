#pragma once

// Configurations of compute resources: what a new one has, and what a spec makes of one. Pure.

#include <functional>
#include <string>

#include "vim/fault.hpp"
#include "vim/inventory_types.hpp"

namespace drover::center {

/// configurationEx of a new stand-alone host's ComputeResource.
vim::ComputeResourceConfigInfo default_compute_config();
/// configurationEx of a new cluster: everything off, with the values that vCenter Server has.
vim::ClusterConfigInfoEx default_cluster_config();
/// A stored configuration with defaults for what it lacks: empty lists, and properties that came
/// later.
vim::ClusterConfigInfoEx completed(const vim::ClusterConfigInfoEx& stored);
/// ClusterComputeResource.configuration, which older clients read.
vim::ClusterConfigInfo plain_config(const vim::ClusterConfigInfoEx& config);
/// ReconfigureCluster_Task's spec as ReconfigureComputeResource_Task's.
vim::ClusterConfigSpecEx extended_spec(const vim::ClusterConfigSpec& spec);

/// Works a spec into a configuration. `modify`: what the spec leaves open stays; else it returns to
/// the default. Throws InvalidArgument that names the property, NotSupported for what a stand-alone
/// host's ComputeResource does not have.
vim::ComputeResourceConfigInfo apply_compute_spec(vim::ComputeResourceConfigInfo config,
                                                  const vim::ComputeResourceConfigSpec& spec,
                                                  bool modify);
/// `new_uuid` makes the uuid of a rule or a group.
vim::ClusterConfigInfoEx apply_cluster_spec(vim::ClusterConfigInfoEx config,
                                            const vim::ComputeResourceConfigSpec& spec, bool modify,
                                            const std::function<std::string()>& new_uuid);

/// The configuration without what it says of these machines and hosts, which are gone. The same
/// object if it says nothing of them.
vim::ClusterConfigInfoEx without(const vim::ClusterConfigInfoEx& config,
                                 const std::function<bool(const vim::MoRef&)>& is_gone);

/// `summary` of a ComputeResource without hosts.
vim::Value empty_summary(bool is_cluster);

}  // namespace drover::center
