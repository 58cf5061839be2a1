#include "host/performance/quick_stats.hpp"

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
    if (usage.uptime) stats.set_uptimeSeconds(static_cast<std::int32_t>(usage.uptime->count()));
    return stats;
}

}  // namespace drover::host
