#pragma once

#include "host/host_system/capacity.hpp"
#include "host/host_system/facts.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// Most vCPUs of one machine: what machine::Rules allows.
inline constexpr std::int32_t kMostVcpus = 128;
/// Machines that may run on one host at a time, and be registered: vSphere's own limits.
inline constexpr std::int32_t kMostRunningMachines = 1024;
inline constexpr std::int32_t kMostRegisteredMachines = 4096;

/// HostSystem.capability: true is only what this host does.
vim::HostCapability make_capability(const hypervisor::HostInfo& info, const HostFacts& facts,
                                    const Capacity& capacity);

}  // namespace drover::host
