#pragma once

// Answers QueryPerf and its relatives from the history. Pure.

#include "host/performance/history.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// The only interval that is kept, in seconds.
inline constexpr std::int32_t kRealtimeIntervalSeconds = 20;

/// Values that one call may ask for; more is refused.
inline constexpr std::size_t kMostQueriedValues = 4'000'000;
/// The same for the work of finding them.
inline constexpr std::size_t kMostComparisons = 50'000'000;

/// One call's answers: it counts what they come to.
class PerformanceQuery {
public:
    explicit PerformanceQuery(const History& history, std::size_t most_values = kMostQueriedValues)
        : history_(history), most_values_(most_values) {}

    /// PerfEntityMetric or PerfEntityMetricCSV. `path` names the spec in faults ("querySpec[2]").
    /// An entity without samples has an answer without values. Throws InvalidArgument.
    vim::PerfEntityMetricBase run(const vim::PerfQuerySpec& spec, const std::string& path);

private:
    const History& history_;
    std::size_t most_values_;
    std::size_t values_ = 0;
    std::size_t comparisons_ = 0;
};

/// What there is of an entity, optionally within a time (exclusive, inclusive).
std::vector<vim::PerfMetricId> available_metrics(const History& history, std::string_view entity,
                                                 std::optional<base::WallTime> after,
                                                 std::optional<base::WallTime> until);

/// InvalidArgument unless the interval is unset, 0 or kRealtimeIntervalSeconds.
void check_interval(std::optional<std::int32_t> interval, const std::string& path);

}  // namespace drover::host
