#pragma once

#include <span>
#include <vector>

#include "plan/model/snapshot.hpp"

namespace drover::plan {

struct Claim {
    double reservation = 0;
    double limit = kUnlimited;
    double shares = 1000;
    double demand = 0;
};

/// Divides a capacity: each gets its reservation, as far as it demands it; the rest goes by shares,
/// nobody getting more than demand and limit. If even the reservations do not fit, all are cut by
/// the same part. Gives away everything as long as anybody wants it.
std::vector<double> divvy(double capacity, std::span<const Claim> claims);

struct Entitlements {
    std::vector<double> machines;  ///< by machine; 0 for those that do not run
    std::vector<double> pools;
};

/// The two passes over the pools: demands upwards, capacity downwards. Memory counts what running a
/// machine costs beyond its memory as reserved and demanded. `capacity`: of all usable hosts, or
/// of one with only its machines in the snapshot.
Entitlements entitle_cpu(const Snapshot& snapshot, double capacity_mhz);
Entitlements entitle_memory(const Snapshot& snapshot, double capacity_bytes);

/// Of all usable hosts.
double cpu_capacity(const Snapshot& snapshot);
double memory_capacity(const Snapshot& snapshot);

}  // namespace drover::plan
