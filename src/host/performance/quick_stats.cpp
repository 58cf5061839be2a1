#include "host/performance/quick_stats.hpp"

#include <algorithm>

namespace drover::host {

namespace {

std::int32_t megabytes(std::uint64_t bytes) {
    return static_cast<std::int32_t>(bytes >> 20);
}

}  // namespace

vim::VirtualMachineQuickStats quick_stats_of(const MachineUsage& usage) {
    auto stats = vim::VirtualMachineQuickStats::make();
    if (usage.cpu_mhz) stats.set_overallCpuUsage(static_cast<std::int32_t>(*usage.cpu_mhz));
    if (usage.cpu_demand_mhz) {
        stats.set_overallCpuDemand(static_cast<std::int32_t>(*usage.cpu_demand_mhz));
    }
    if (usage.cpu_readiness_percent) {
        stats.set_overallCpuReadiness(static_cast<std::int32_t>(*usage.cpu_readiness_percent));
    }
    stats.set_guestMemoryUsage(megabytes(usage.guest_memory_bytes));
    stats.set_hostMemoryUsage(megabytes(usage.host_memory_bytes));
    stats.set_grantedMemory(megabytes(usage.granted_memory_bytes));
    stats.set_balloonedMemory(megabytes(usage.ballooned_memory_bytes));
    stats.set_consumedOverheadMemory(megabytes(usage.overhead_memory_bytes));
    if (usage.shared_memory_bytes) stats.set_sharedMemory(megabytes(*usage.shared_memory_bytes));
    if (usage.swapped_memory_bytes) {
        stats.set_swappedMemory(megabytes(*usage.swapped_memory_bytes));
    }
    if (usage.shared_memory_bytes) {
        stats.set_privateMemory(
            megabytes(usage.host_memory_bytes -
                      std::min(*usage.shared_memory_bytes, usage.host_memory_bytes)));
    }
    if (usage.uptime) stats.set_uptimeSeconds(static_cast<std::int32_t>(usage.uptime->count()));
    return stats;
}

vim::VirtualMachineQuickStats idle_quick_stats() {
    auto stats = vim::VirtualMachineQuickStats::make();
    stats.set_overallCpuUsage(0);
    stats.set_overallCpuDemand(0);
    stats.set_guestMemoryUsage(0);
    stats.set_hostMemoryUsage(0);
    stats.set_grantedMemory(0);
    stats.set_privateMemory(0);
    stats.set_sharedMemory(0);
    stats.set_swappedMemory(0);
    stats.set_balloonedMemory(0);
    stats.set_consumedOverheadMemory(0);
    stats.set_uptimeSeconds(0);
    return stats;
}

}  // namespace drover::host
