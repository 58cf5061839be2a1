// QueryPerf for the intervals that are kept here; the hosts' own is theirs to answer.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "center/history/performance_impl.hpp"
#include "center/references.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kMostSpecs = 20'000;

std::int64_t seconds_of(base::WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

base::WallTime time_of(std::int64_t seconds) {
    return base::WallTime{std::chrono::seconds{seconds}};
}

std::vector<SeriesKey> wanted_keys(const vim::PerfQuerySpec& spec) {
    std::vector<SeriesKey> keys;
    for (const auto& metric : spec.metricId()) {
        // "*" is every instance; there is just the one of the whole entity.
        const std::string instance(metric.instance());
        keys.push_back({metric.counterId(), instance == "*" ? "" : instance});
    }
    return keys;
}

vim::PerfMetricId metric_id(const SeriesKey& key) {
    auto id = vim::PerfMetricId::make();
    id.set_counterId(key.counter);
    id.set_instance(key.instance);
    return id;
}

Value as_values(const MoRef& entity, const ArchiveAnswer& answer, std::int64_t length_s) {
    auto metric = vim::PerfEntityMetric::make();
    metric.set_entity(entity);
    std::vector<vim::PerfSampleInfo> infos;
    for (const std::int64_t end_s : answer.ends_s) {
        auto info = vim::PerfSampleInfo::make();
        info.set_timestamp(time_of(end_s));
        info.set_interval(static_cast<std::int32_t>(length_s));
        infos.push_back(info);
    }
    metric.set_sampleInfo(infos);
    std::vector<vim::PerfMetricSeries> all;
    for (const ArchivedSeries& one : answer.series) {
        auto series = vim::PerfMetricIntSeries::make();
        series.set_id(metric_id(one.key));
        series.set_value(one.values);
        all.push_back(series);
    }
    metric.set_value(all);
    return metric.raw();
}

Value as_csv(const MoRef& entity, const ArchiveAnswer& answer, std::int64_t length_s) {
    auto metric = vim::PerfEntityMetricCSV::make();
    metric.set_entity(entity);
    std::vector<std::string> infos;
    for (const std::int64_t end_s : answer.ends_s) {
        infos.push_back(fmt::format("{},{}", length_s, base::format_time(time_of(end_s))));
    }
    metric.set_sampleInfoCSV(fmt::format("{}", fmt::join(infos, ",")));
    std::vector<vim::PerfMetricSeriesCSV> all;
    for (const ArchivedSeries& one : answer.series) {
        auto series = vim::PerfMetricSeriesCSV::make();
        series.set_id(metric_id(one.key));
        series.set_value(fmt::format("{}", fmt::join(one.values, ",")));
        all.push_back(series);
    }
    metric.set_value(all);
    return metric.raw();
}

Value interval_list() {
    std::vector<Value> intervals;
    for (const Interval& interval : kIntervals) {
        auto made = vim::PerfInterval::make();
        made.set_key(interval.key);
        made.set_samplingPeriod(static_cast<std::int32_t>(interval.length_s));
        made.set_name(interval.name);
        made.set_length(static_cast<std::int32_t>(interval.kept_s));
        made.set_level(1);
        made.set_enabled(true);
        intervals.push_back(made.raw());
    }
    return Value::array(TypeId::PerfInterval, std::move(intervals));
}

// Samples at the end of the answer, as maxSample counts them.
void keep_newest(ArchiveAnswer& answer, std::optional<std::int32_t> most) {
    if (!most || *most <= 0 || answer.ends_s.size() <= static_cast<std::size_t>(*most)) return;
    const auto drop = static_cast<std::ptrdiff_t>(answer.ends_s.size()) - *most;
    answer.ends_s.erase(answer.ends_s.begin(), answer.ends_s.begin() + drop);
    for (ArchivedSeries& series : answer.series) {
        series.values.erase(series.values.begin(), series.values.begin() + drop);
    }
}

}  // namespace

std::optional<std::size_t> level_of(std::optional<std::int32_t> interval) {
    for (std::size_t level = 0; level < kIntervals.size(); ++level) {
        if (interval == kIntervals[level].length_s) return level;
    }
    return std::nullopt;
}

Awaitable<Value> PerformanceHistory::Impl::answer(vim::PerfQuerySpec spec, std::size_t level,
                                                  std::string path) {
    const MoRef entity = spec.entity();
    if (context.inventory.find(entity) == nullptr) throw vim::object_not_found(entity);
    const Interval& interval = kIntervals[level];
    const std::int64_t now = now_s();
    const auto start = spec.startTime();
    const auto end = spec.endTime();
    const std::int64_t until_s = end ? std::min(seconds_of(*end), now) : now;
    const std::int64_t oldest_s = now - interval.kept_s;
    const std::int64_t after_s = start ? std::max(seconds_of(*start), oldest_s) : oldest_s;
    const std::string format(spec.format().value_or("normal"));
    if (format != "normal" && format != "csv") {
        throw vim::invalid_argument(path + ".format", "The format is 'normal' or 'csv'.");
    }
    ArchiveAnswer found;
    if (vim::is_a(entity.type, TypeId::ComputeResource)) {
        found = co_await sum_of_members(entity, level, after_s, until_s, wanted_keys(spec));
    } else {
        found = co_await archive->query(entity.id, level, after_s, until_s, wanted_keys(spec));
    }
    if (entity.type != TypeId::HostSystem) {
        auto own =
            co_await archive->query(own_of(entity.id), level, after_s, until_s, wanted_keys(spec));
        if (found.ends_s.empty()) found.ends_s = std::move(own.ends_s);
        std::ranges::move(own.series, std::back_inserter(found.series));
    }
    keep_newest(found, spec.maxSample());
    co_return format == "csv" ? as_csv(entity, found, interval.length_s)
                              : as_values(entity, found, interval.length_s);
}

namespace {

// Answers in the order of the questions, whoever gives them.
template <class Impl>
Awaitable<Value> query_perf(std::shared_ptr<Impl> impl, Call call) {
    const auto specs = call.arguments<vim::QueryPerfRequest>().querySpec().to_vector();
    if (specs.size() > kMostSpecs) {
        throw vim::invalid_argument(
            "querySpec", fmt::format("One call may have {} entries at most.", kMostSpecs));
    }
    std::vector<Value> answers(specs.size());
    std::vector<vim::PerfQuerySpec> live;
    std::vector<std::size_t> places;
    for (std::size_t index = 0; index < specs.size(); ++index) {
        if (const auto level = level_of(specs[index].intervalId())) {
            answers[index] =
                co_await impl->answer(specs[index], *level, fmt::format("querySpec[{}]", index));
            continue;
        }
        live.push_back(specs[index]);
        places.push_back(index);
    }
    if (!live.empty()) {
        auto from_hosts = co_await impl->forwarding.query_perf(live);
        for (std::size_t index = 0; index < from_hosts.size(); ++index) {
            answers[places[index]] = std::move(from_hosts[index]);
        }
    }
    std::erase_if(answers, [](const Value& each) { return !each; });
    co_return Value::array(TypeId::PerfEntityMetricBase, std::move(answers));
}

}  // namespace

void PerformanceHistory::serve() {
    auto& context = impl_->context;
    context.dispatcher.add("QueryPerf", [impl = impl_](Call call) -> Awaitable<Value> {
        return query_perf(impl, std::move(call));
    });
    serve_available_metrics(impl_);
    {
        const MoRef& self = references::performance_manager;
        model::Transaction transaction(context.inventory);
        if (context.inventory.find(self) == nullptr) {
            transaction.create(self.type, self.id);
            transaction.set(self, vim::property::PerformanceManager::description,
                            vim::PerformanceDescription::make().raw());
        }
        transaction.set(self, vim::property::PerformanceManager::historicalInterval,
                        interval_list());
        transaction.commit();
    }
}

}  // namespace drover::center
