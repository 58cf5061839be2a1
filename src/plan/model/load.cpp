#include "plan/model/load.hpp"

namespace drover::plan {

Load load_of(const Machine& machine) {
    return {.cpu_demand_mhz = machine.cpu_demand_mhz,
            .memory_demand_bytes = machine.memory_demand_bytes + machine.memory_overhead_bytes,
            .memory_held_bytes = machine.memory_configured_bytes + machine.memory_overhead_bytes,
            .memory_reserved_bytes = machine.memory.reservation + machine.memory_overhead_bytes,
            .cpu_reserved_mhz = machine.cpu.reservation,
            .vcpus = static_cast<double>(machine.vcpus),
            .network_bytes_per_s = machine.network_bytes_per_s};
}

Room room_of(const Host& host, double memory_overcommit) {
    return {.memory_held_bytes = host.memory_bytes * memory_overcommit,
            .memory_reserved_bytes = host.memory_bytes,
            .cpu_reserved_mhz = host.cpu_mhz};
}

}  // namespace drover::plan
