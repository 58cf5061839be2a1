#pragma once

// Masks of single CPU features: VirtualMachineConfigInfo.cpuFeatureMask, in the .vmx file as
// `cpuid.80000001.edx = "----:0---:..."`, with ".amd" or ".intel" after it where the mask is for
// that vendor's CPUs alone.

#include <string_view>

#include "machine/reconfigure.hpp"
#include "plan/cpu/evc_mode.hpp"
#include "plan/cpu/feature_mask.hpp"

namespace drover::machine {

/// Whether a key of the file is a part of a mask.
bool is_cpu_mask_key(std::string_view key);

/// Masks that can't be read are left out.
std::vector<vim::HostCpuIdInfo> read_cpu_masks(const vmx::VmxFile& file);
void write_cpu_masks(vmx::VmxFile& file, const vim::VirtualMachineConfigInfo& config);

/// Works VirtualMachineConfigSpec.cpuFeatureMask into the configuration. InvalidArgument that names
/// the element; InvalidPowerState unless the machine is powered off.
void apply_cpu_masks(vim::VirtualMachineConfigInfo& config,
                     const vim::VirtualMachineConfigSpec& spec, const Rules& rules);

/// The same for one key of the file; an empty text removes it. `path` is named in faults.
void apply_cpu_mask_key(vim::VirtualMachineConfigInfo& config, std::string_view key,
                        std::string_view text, std::string_view path, const Rules& rules);

/// What the masks say about the CPUs of this vendor.
plan::FeatureMask cpu_mask_of(const vim::VirtualMachineConfigInfo& config, plan::CpuVendor vendor);

}  // namespace drover::machine
