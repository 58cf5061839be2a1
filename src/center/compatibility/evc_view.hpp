#pragma once

#include <string>
#include <vector>

#include "plan/cpu/baseline.hpp"
#include "vim/compatibility_types.hpp"
#include "vim/fault.hpp"

namespace drover::center {

vim::EVCMode evc_mode_info(const plan::EvcMode& mode);

/// Capability.supportedEVCMode: every mode there is.
std::vector<vim::EVCMode> all_evc_modes();

/// ClusterEVCManager.evcState. `modes`: those that all hosts of the cluster can keep. Without a
/// current mode the promised features are those of the baseline that follows the hosts.
vim::ClusterEVCManagerEVCState evc_state(const std::vector<const plan::EvcMode*>& modes,
                                         const std::string& current,
                                         const plan::Baseline& baseline);

/// FeatureRequirementsNotMet about these features.
vim::FeatureRequirementsNotMet not_met(const plan::FeatureSet& features);

}  // namespace drover::center
