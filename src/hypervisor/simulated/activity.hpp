#pragma once

#include <chrono>
#include <cstdint>

#include "hypervisor/domain_info.hpp"
#include "hypervisor/host_info.hpp"
#include "hypervisor/simulated/running_domain.hpp"

// What simulated machines do with their time. Every counter is a function of the seed, the domain
// and the time since its start, and nothing is kept in between: load swings around a level of its
// own, the counters are its integral, so they grow without a break and repeat for a seed. Pure.

namespace drover::hypervisor::simulated {

/// Counters of a domain that has been up for `uptime`.
DomainStats stats_of(const RunningDomain& domain, std::uint64_t seed,
                     std::chrono::nanoseconds uptime);

/// What the guest's agent tells: an address from its MAC address, a host name from its name.
GuestInfo guest_of(const RunningDomain& domain);

/// What a domain that has been up for `uptime` takes of its host at this moment.
struct Load {
    double cores = 0;
    std::uint64_t memory_bytes = 0;
};
Load load_of(const RunningDomain& domain, std::uint64_t seed, std::chrono::nanoseconds uptime);

/// Counters of the host: what its domains took since it is up, and the rest of its CPUs idle.
HostStats host_stats_of(const HostInfo& host, double cpu_time_s, std::uint64_t memory_bytes,
                        std::chrono::nanoseconds uptime);

}  // namespace drover::hypervisor::simulated
