#pragma once

#include <span>

#include "host/performance/usage.hpp"
#include "hypervisor/hypervisor.hpp"

namespace drover::host {

/// Reads the host's counters. Blocks. What /proc doesn't tell is left out; throws HypervisorError.
HostCounters read_host_counters(hypervisor::Hypervisor& hypervisor,
                                std::span<const std::string> physical_nics);

/// How long the computer has been up, by /proc/uptime; 0 if that can't be read.
std::chrono::seconds computer_uptime();

}  // namespace drover::host
