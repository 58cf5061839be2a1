#pragma once

// Names and times of the protocol. Hosts and machines are small numbers here: whoever drives an
// agent gives every host and machine that it hears of a number of its own and never uses one again.

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace drover::ha {

enum class HostId : std::uint32_t {};
enum class MachineId : std::uint32_t {};

inline constexpr HostId kNoHost{std::numeric_limits<std::uint32_t>::max()};

constexpr std::uint32_t index_of(HostId host) {
    return static_cast<std::uint32_t>(host);
}
constexpr std::uint32_t index_of(MachineId machine) {
    return static_cast<std::uint32_t>(machine);
}

using Epoch = std::uint64_t;       ///< 0: none
using Generation = std::uint64_t;  ///< of a lease; 0: there never was one
using OpId = std::uint64_t;        ///< of a request; answers carry it
using EtcdId = std::uint64_t;      ///< other members make another etcd; 0: none

/// CLOCK_BOOTTIME: never stepped, and it counts while the host sleeps. Wall time decides nothing.
struct BootClock {
    using rep = std::int64_t;
    using period = std::micro;
    using duration = std::chrono::microseconds;
    using time_point = std::chrono::time_point<BootClock, duration>;
    static constexpr bool is_steady = true;
};
using Duration = BootClock::duration;
using Time = BootClock::time_point;

/// Long before anything happened, and far from overflow.
inline constexpr Time kNever{std::chrono::hours{-24 * 3650}};

/// A host in one of its epochs: who may own a machine.
struct Tenure {
    HostId host = kNoHost;
    Epoch epoch = 0;

    explicit operator bool() const { return host != kNoHost; }
    friend auto operator<=>(const Tenure&, const Tenure&) = default;
};

}  // namespace drover::ha
