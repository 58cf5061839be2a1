#pragma once

#include <string>
#include <vector>

#include "hypervisor/host_info.hpp"
#include "plan/cpu/evc_mode.hpp"
#include "vim/compatibility_types.hpp"
#include "vim/fault.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// What machines of a host can see. Without features if the engine can't tell.
plan::Cpu offered_cpu(const hypervisor::HostInfo& info);

/// HostConfigInfo.featureCapability: "cpuid.AVX2" = "1", the vendor's key among them.
std::vector<vim::HostFeatureCapability> capabilities_of(const plan::Cpu& cpu);

/// VirtualMachineRuntimeInfo.featureRequirement of what a machine has seen. Equal texts
/// (plan::text_of) share one value. On the strand.
vim::Value requirements_of(const std::string& seen);

/// FeatureRequirementsNotMet that names each feature. `message` ends before the names.
vim::Fault requirements_not_met(const plan::FeatureSet& missing, std::string_view message);

/// Throws that fault if a guest that has seen `seen` can't go on with a CPU that offers `offered`.
/// No effect if the offer is unknown.
void require_cpu(const plan::Cpu& seen, const plan::Cpu& offered);

}  // namespace drover::host
