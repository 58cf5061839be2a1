#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace drover::host {

/// Growth of a counter. One that fell started anew (a migration, a power cycle) and has grown by
/// what it shows.
inline std::uint64_t growth(std::uint64_t before, std::uint64_t now) {
    return now >= before ? now - before : now;
}

/// A number for the history: what doesn't fit is the greatest that does.
inline std::uint32_t bounded(double value) {
    constexpr double most = UINT32_MAX - 1.0;  // the last one means "missing"
    return value > 0 ? static_cast<std::uint32_t>(std::min(value, most)) : 0;
}

/// The time between two looks, and what growth within it means.
class Interval {
public:
    using Time = std::chrono::steady_clock::time_point;

    Interval(Time before, Time now)
        : seconds_(std::chrono::duration<double>(now - before).count()) {}

    /// Too short a time makes noise of a rate.
    bool is_usable() const { return seconds_ >= 0.5; }
    double per_second(std::uint64_t grown) const { return static_cast<double>(grown) / seconds_; }
    double kilobytes_per_second(std::uint64_t grown) const { return per_second(grown) / 1024; }
    /// Of a sum of nanoseconds: how many cores were busy.
    double cores(std::uint64_t grown_ns) const { return per_second(grown_ns) / 1e9; }
    /// What would have come together in the interval that summation counters refer to.
    double in_sample(std::uint64_t grown, std::chrono::seconds sample) const {
        return per_second(grown) * static_cast<double>(sample.count());
    }

private:
    double seconds_;
};

}  // namespace drover::host
