#pragma once

#include "plan/model/snapshot.hpp"

namespace drover::plan {

/// What machines take of a host: of one machine, or the sum over a host.
struct Load {
    double cpu_demand_mhz = 0;
    double memory_demand_bytes = 0;
    double memory_held_bytes = 0;      ///< configured and overhead
    double memory_reserved_bytes = 0;  ///< reservation and overhead
    double cpu_reserved_mhz = 0;
    double vcpus = 0;
    double network_bytes_per_s = 0;

    Load& operator+=(const Load& other) {
        cpu_demand_mhz += other.cpu_demand_mhz;
        memory_demand_bytes += other.memory_demand_bytes;
        memory_held_bytes += other.memory_held_bytes;
        memory_reserved_bytes += other.memory_reserved_bytes;
        cpu_reserved_mhz += other.cpu_reserved_mhz;
        vcpus += other.vcpus;
        network_bytes_per_s += other.network_bytes_per_s;
        return *this;
    }
    Load& operator-=(const Load& other) {
        cpu_demand_mhz -= other.cpu_demand_mhz;
        memory_demand_bytes -= other.memory_demand_bytes;
        memory_held_bytes -= other.memory_held_bytes;
        memory_reserved_bytes -= other.memory_reserved_bytes;
        cpu_reserved_mhz -= other.cpu_reserved_mhz;
        vcpus -= other.vcpus;
        network_bytes_per_s -= other.network_bytes_per_s;
        return *this;
    }
    friend Load operator+(Load left, const Load& right) { return left += right; }
    friend Load operator-(Load left, const Load& right) { return left -= right; }
};

Load load_of(const Machine& machine);

/// The three things that a host can't be without: what machines hold and what they were promised.
struct Room {
    double memory_held_bytes = 0;
    double memory_reserved_bytes = 0;
    double cpu_reserved_mhz = 0;
};

Room room_of(const Host& host, double memory_overcommit);

/// Sums of fractions of MHz are not exact; a millionth is no overcommitment.
inline bool fits_in(double sum, double room) {
    return sum <= room * (1 + 1e-9) + 1e-6;
}

inline bool fits(const Load& sum, const Room& room) {
    return fits_in(sum.memory_held_bytes, room.memory_held_bytes) &&
           fits_in(sum.memory_reserved_bytes, room.memory_reserved_bytes) &&
           fits_in(sum.cpu_reserved_mhz, room.cpu_reserved_mhz);
}

}  // namespace drover::plan
