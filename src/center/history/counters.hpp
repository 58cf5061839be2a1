#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "center/history/rolling.hpp"
#include "vim/value.hpp"

namespace drover::center {

/// The counters that are kept of what hosts say: those of statistics level 1, of an entity as a
/// whole.
class KeptCounters {
public:
    /// `counters` is PerformanceManager.perfCounter.
    explicit KeptCounters(const vim::Value& counters);

    const std::vector<std::int32_t>& ids() const { return ids_; }
    /// Average for a counter that is not known.
    Rollup rollup_of(std::int32_t counter) const;
    /// A part of something (percent): that of several entities is their mean, not their sum.
    bool is_share(std::int32_t counter) const { return shares_.contains(counter); }

private:
    std::vector<std::int32_t> ids_;
    std::set<std::int32_t> shares_;
    std::map<std::int32_t, Rollup> rollups_;
};

}  // namespace drover::center
