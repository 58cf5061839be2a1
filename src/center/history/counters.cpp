#include "center/history/counters.hpp"

#include "center/history/own_counters.hpp"
#include "vim/types.hpp"

namespace drover::center {

namespace {

constexpr std::int32_t kLevel = 1;

std::optional<Rollup> rollup(vim::PerfSummaryType type) {
    switch (type) {
        case vim::PerfSummaryType::average:
            return Rollup::average;
        case vim::PerfSummaryType::summation:
            return Rollup::summation;
        case vim::PerfSummaryType::latest:
            return Rollup::latest;
        case vim::PerfSummaryType::maximum:
            return Rollup::maximum;
        case vim::PerfSummaryType::minimum:
            return Rollup::minimum;
        default:
            return std::nullopt;  // "none" is not rolled up
    }
}

}  // namespace

KeptCounters::KeptCounters(const vim::Value& counters) {
    if (!counters) return;
    for (const vim::Value& element : counters.elements()) {
        const vim::PerfCounterInfo counter(element);
        const auto kind = rollup(counter.rollupType());
        if (!kind || counter.level().value_or(kLevel) > kLevel) continue;
        // No host can be asked for it.
        if (!is_own_counter(counter.key())) ids_.push_back(counter.key());
        rollups_[counter.key()] = *kind;
        const vim::ElementDescription unit = counter.unitInfo();
        if (unit.key() == "percent") shares_.insert(counter.key());
    }
}

Rollup KeptCounters::rollup_of(std::int32_t counter) const {
    const auto found = rollups_.find(counter);
    return found == rollups_.end() ? Rollup::average : found->second;
}

}  // namespace drover::center
