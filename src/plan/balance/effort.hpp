#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

namespace drover::plan {

/// How long a search may take. The library reads no clock: with `iterations` alone the same
/// question has the same answer; `progress` lets a caller end it by time.
struct Effort {
    std::uint64_t iterations = 200'000;
    /// Part of the time that is over, 1 or more: stop. Asked every 512 iterations or so.
    std::function<double()> progress{};

    double part_done(std::uint64_t iteration) const {
        const double by_count =
            iterations == 0 ? 1 : static_cast<double>(iteration) / static_cast<double>(iterations);
        return progress ? std::max(by_count, progress()) : by_count;
    }
};

}  // namespace drover::plan
