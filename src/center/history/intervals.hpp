#pragma once

// The intervals of vCenter's statistics, as PerformanceManager.historicalInterval lists them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace drover::center {

struct Interval {
    std::int32_t key;
    std::string_view name;
    std::int64_t length_s;      ///< of one sample
    std::int64_t kept_s;        ///< how far back
    std::size_t block_samples;  ///< in one block

    std::int64_t block_s() const { return length_s * static_cast<std::int64_t>(block_samples); }
};

/// Of the hosts' samples.
inline constexpr std::int64_t kSample_s = 20;

/// Each a multiple of the one before.
inline constexpr std::array<Interval, 4> kIntervals{{
    {1, "Past day", 300, 86'400, 12},
    {2, "Past week", 1'800, 604'800, 12},
    {3, "Past month", 7'200, 2'592'000, 12},
    {4, "Past year", 86'400, 31'536'000, 10},
}};

}  // namespace drover::center
