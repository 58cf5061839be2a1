#pragma once

#include <cstdint>

#include "host/context.hpp"

namespace drover::host {

/// What the host offers to machines: the computer it runs on, or the part of it that the
/// configuration allows (cpu_cores, memory_bytes).
struct Capacity {
    std::uint32_t sockets = 1;
    std::uint32_t cores = 1;
    std::uint32_t threads = 1;
    /// Of one core. Part of a core that is allowed makes this smaller than the CPU's own speed, so
    /// that cores * mhz is always what there is.
    std::uint32_t core_mhz = 0;
    std::uint64_t memory_bytes = 0;
    bool is_part = false;  ///< of the computer

    std::uint64_t total_mhz() const { return std::uint64_t{cores} * core_mhz; }
};

Capacity capacity_of(const Config& config, const hypervisor::HostInfo& info);

}  // namespace drover::host
