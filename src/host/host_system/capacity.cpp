#include "host/host_system/capacity.hpp"

#include <algorithm>
#include <cmath>

namespace drover::host {

Capacity capacity_of(const Config& config, const hypervisor::HostInfo& info) {
    Capacity capacity;
    capacity.is_part = config.cpu_cores.has_value() || config.memory_bytes.has_value();
    capacity.memory_bytes = config.memory_bytes.value_or(info.memory_bytes);
    if (!config.cpu_cores) {
        capacity.threads = std::max(info.logical_cpus, 1u);
        capacity.cores = std::max(info.cores ? info.cores : info.logical_cpus, 1u);
        capacity.sockets = std::max(info.sockets, 1u);
        capacity.core_mhz = info.cpu_mhz;
        return capacity;
    }
    const double allowed = *config.cpu_cores;
    capacity.cores = static_cast<std::uint32_t>(std::max(std::ceil(allowed), 1.0));
    capacity.threads = capacity.cores;
    capacity.core_mhz =
        static_cast<std::uint32_t>(std::lround(info.cpu_mhz * allowed / capacity.cores));
    return capacity;
}

}  // namespace drover::host
