#pragma once

// The readings of many machines' whole, added up in one pass. Pure.

#include <algorithm>
#include <array>
#include <limits>

#include "host/performance/usage.hpp"

namespace drover::host {

class Totals {
public:
    void add(const MachineUsage& machine) {
        for (const Reading& reading : machine.readings) {
            if (!reading.instance.empty()) continue;
            Total& total = totals_[static_cast<std::size_t>(reading.counter)];
            total.sum += reading.value;
            total.highest = std::max(total.highest, reading.value);
            total.is_known = true;
        }
    }

    double sum(Counter counter) const { return of(counter).sum; }
    /// 0 if no machine has it.
    std::uint32_t highest(Counter counter) const { return of(counter).highest; }
    /// Whether any machine has it.
    bool is_known(Counter counter) const { return of(counter).is_known; }

private:
    struct Total {
        double sum = 0;
        std::uint32_t highest = 0;
        bool is_known = false;
    };
    const Total& of(Counter counter) const { return totals_[static_cast<std::size_t>(counter)]; }

    std::array<Total, std::numeric_limits<std::underlying_type_t<Counter>>::max() + 1> totals_{};
};

}  // namespace drover::host
