#include "host/performance/query.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "vim/fault.hpp"

namespace drover::host {
namespace {

using View = History::View;

struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool empty() const { return begin >= end; }
};

// Samples after the one time, up to and including the other: so vSphere counts.
Range samples_within(const View& view, std::optional<base::WallTime> after,
                     std::optional<base::WallTime> until) {
    Range range{view.begin(), view.end()};
    while (!range.empty() && after && view.time(range.begin) <= *after) ++range.begin;
    while (!range.empty() && until && view.time(range.end - 1) > *until) --range.end;
    return range;
}

bool has_value(const View& view, const History::Series& series, Range range) {
    for (auto sample = range.begin; sample < range.end; ++sample) {
        if (view.value(series, sample) != History::kMissing) return true;
    }
    return false;
}

// The series that a query names, each once, in the order of the query; without names all of them.
std::vector<const History::Series*> wanted_series(const View& view, const vim::PerfQuerySpec& spec,
                                                  Range range) {
    std::vector<const History::Series*> wanted;
    const auto add = [&](const History::Series& series) {
        if (std::ranges::find(wanted, &series) != wanted.end()) return;
        if (has_value(view, series, range)) wanted.push_back(&series);
    };
    if (spec.metricId().empty()) {
        for (const auto& series : view.series()) add(series);
        return wanted;
    }
    for (const auto& id : spec.metricId()) {
        const CounterDefinition* counter = find_counter(id.counterId());
        for (const auto& series : view.series()) {
            if (series.counter() != counter->counter) continue;
            if (id.instance() == "*" || id.instance() == series.instance()) add(series);
        }
    }
    return wanted;
}

// Clients pass the ids that they found in perfCounter; another one is their error and said to be
// one.
void check_counters(const vim::PerfQuerySpec& spec, const std::string& path) {
    std::size_t index = 0;
    for (const auto& id : spec.metricId()) {
        if (find_counter(id.counterId()) == nullptr) {
            throw vim::invalid_argument(
                fmt::format("{}.metricId[{}].counterId", path, index),
                fmt::format("There is no performance counter {}.", id.counterId()));
        }
        ++index;
    }
}

vim::PerfMetricId metric_id(const History::Series& series) {
    auto id = vim::PerfMetricId::make();
    id.set_counterId(definition_of(series.counter()).id);
    id.set_instance(series.instance());
    return id;
}

// Unknown values are -1 in lists and in CSV.
std::int64_t shown_value(const View& view, const History::Series& series, std::uint64_t sample) {
    const std::uint32_t value = view.value(series, sample);
    return value == History::kMissing ? -1 : static_cast<std::int64_t>(value);
}

vim::PerfEntityMetric normal_metric(const vim::MoRef& entity, const View& view, Range range,
                                    const std::vector<const History::Series*>& wanted) {
    auto metric = vim::PerfEntityMetric::make();
    metric.set_entity(entity);
    std::vector<vim::PerfSampleInfo> samples;
    for (auto sample = range.begin; sample < range.end; ++sample) {
        auto info = vim::PerfSampleInfo::make();
        info.set_timestamp(view.time(sample));
        info.set_interval(kRealtimeIntervalSeconds);
        samples.push_back(std::move(info));
    }
    metric.set_sampleInfo(samples);
    std::vector<vim::PerfMetricSeries> values;
    for (const auto* series : wanted) {
        auto made = vim::PerfMetricIntSeries::make();
        made.set_id(metric_id(*series));
        std::vector<std::int64_t> numbers;
        for (auto sample = range.begin; sample < range.end; ++sample) {
            numbers.push_back(shown_value(view, *series, sample));
        }
        made.set_value(numbers);
        values.push_back(std::move(made));
    }
    metric.set_value(values);
    return metric;
}

std::string whole_second(base::WallTime time) {
    std::string text = base::format_time(time);
    const auto dot = text.find('.');
    return dot == std::string::npos ? text : text.substr(0, dot) + "Z";
}

vim::PerfEntityMetricCSV csv_metric(const vim::MoRef& entity, const View& view, Range range,
                                    const std::vector<const History::Series*>& wanted) {
    auto metric = vim::PerfEntityMetricCSV::make();
    metric.set_entity(entity);
    std::string samples;
    for (auto sample = range.begin; sample < range.end; ++sample) {
        samples += fmt::format("{}{},{}", samples.empty() ? "" : ",", kRealtimeIntervalSeconds,
                               whole_second(view.time(sample)));
    }
    metric.set_sampleInfoCSV(samples);
    std::vector<vim::PerfMetricSeriesCSV> values;
    for (const auto* series : wanted) {
        auto made = vim::PerfMetricSeriesCSV::make();
        made.set_id(metric_id(*series));
        std::string numbers;
        for (auto sample = range.begin; sample < range.end; ++sample) {
            numbers +=
                fmt::format("{}{}", numbers.empty() ? "" : ",", shown_value(view, *series, sample));
        }
        made.set_value(numbers);
        values.push_back(std::move(made));
    }
    metric.set_value(values);
    return metric;
}

bool wants_csv(const vim::PerfQuerySpec& spec, const std::string& path) {
    const auto format = spec.format();
    if (!format || format->empty() || *format == "normal") return false;
    if (*format == "csv") return true;
    throw vim::invalid_argument(path + ".format",
                                fmt::format("The format is 'normal' or 'csv', not '{}'.", *format));
}

}  // namespace

void check_interval(std::optional<std::int32_t> interval, const std::string& path) {
    if (!interval || *interval == 0 || *interval == kRealtimeIntervalSeconds) return;
    throw vim::invalid_argument(
        path, fmt::format("This host keeps samples of {} seconds only, not of {}.",
                          kRealtimeIntervalSeconds, *interval));
}

vim::PerfEntityMetricBase PerformanceQuery::run(const vim::PerfQuerySpec& spec,
                                                const std::string& path) {
    check_interval(spec.intervalId(), path + ".intervalId");
    check_counters(spec, path);
    const bool csv = wants_csv(spec, path);
    if (spec.maxSample() && *spec.maxSample() < 0) {
        throw vim::invalid_argument(path + ".maxSample", "The number must not be negative.");
    }
    const vim::MoRef entity = spec.entity();
    const auto view = history_.find(entity.id);
    if (!view) {
        if (!csv) {
            auto nothing = vim::PerfEntityMetric::make();
            nothing.set_entity(entity);
            return nothing;
        }
        auto nothing = vim::PerfEntityMetricCSV::make();
        nothing.set_entity(entity);
        nothing.set_sampleInfoCSV("");
        return nothing;
    }
    comparisons_ += view->series().size() * (spec.metricId().size() + 1);
    if (comparisons_ > kMostComparisons) {
        throw vim::invalid_argument(path, "One call may not ask for so many metrics.");
    }
    Range range = samples_within(*view, spec.startTime(), spec.endTime());
    if (const auto most = spec.maxSample(); most && *most > 0 && !range.empty()) {
        range.begin = std::max(
            range.begin,
            range.end - std::min<std::uint64_t>(range.end, static_cast<std::uint64_t>(*most)));
    }
    const auto wanted = wanted_series(*view, spec, range);
    values_ += (wanted.size() + 1) * (range.empty() ? 0 : range.end - range.begin);
    if (values_ > most_values_) {
        throw vim::invalid_argument(
            path, fmt::format("One call may ask for {} values at most.", most_values_));
    }
    if (csv) return csv_metric(entity, *view, range, wanted);
    return normal_metric(entity, *view, range, wanted);
}

std::vector<vim::PerfMetricId> available_metrics(const History& history, std::string_view entity,
                                                 std::optional<base::WallTime> after,
                                                 std::optional<base::WallTime> until) {
    std::vector<vim::PerfMetricId> metrics;
    const auto view = history.find(entity);
    if (!view) return metrics;
    const Range range = samples_within(*view, after, until);
    for (const auto& series : view->series()) {
        if (has_value(*view, series, range)) metrics.push_back(metric_id(series));
    }
    return metrics;
}

}  // namespace drover::host
