#pragma once

#include "host/host_system/capacity.hpp"
#include "host/host_system/facts.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// HostSystem.hardware and its summary, of values only. `uuid` is the host's.
vim::HostHardwareInfo make_hardware(const hypervisor::HostInfo& info, const HostFacts& facts,
                                    const Capacity& capacity, const std::string& uuid);
vim::HostHardwareSummary make_hardware_summary(const hypervisor::HostInfo& info,
                                               const HostFacts& facts, const Capacity& capacity,
                                               const std::string& uuid, std::size_t nic_count);

/// Reads a firmware's date: mm/dd/yyyy. Nothing if it is none.
std::optional<base::WallTime> firmware_date(std::string_view text);

}  // namespace drover::host
