// Who has figures, and which: asked before the figures themselves. A compute resource has the sums
// of its hosts.

#include <fmt/format.h>

#include <algorithm>

#include "center/history/own_counters.hpp"
#include "center/history/performance_impl.hpp"
#include "center/references.hpp"
#include "vim/extensions_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

using Impl = PerformanceHistory::Impl;

bool has_samples(const MoRef& entity) {
    return entity.type == TypeId::HostSystem || entity.type == TypeId::VirtualMachine;
}

bool has_history(const MoRef& entity) {
    return has_samples(entity) || vim::is_a(entity.type, TypeId::ComputeResource);
}

Value provider_summary(const MoRef& entity) {
    auto summary = vim::PerfProviderSummary::make();
    summary.set_entity(entity);
    summary.set_currentSupported(has_samples(entity));
    summary.set_summarySupported(has_history(entity));
    if (has_samples(entity)) summary.set_refreshRate(static_cast<std::int32_t>(kSample_s));
    return summary.raw();
}

Value whole_entity(std::int32_t counter) {
    auto metric = vim::PerfMetricId::make();
    metric.set_counterId(counter);
    metric.set_instance("");
    return metric.raw();
}

// What is kept of every entity; the newest samples of one may not have become a block yet.
Value kept_metrics(const Impl& impl, const MoRef& entity) {
    std::vector<Value> metrics;
    const bool is_sum = !has_samples(entity);
    for (const std::int32_t id : impl.counters.ids()) {
        if (is_sum && impl.counters.rollup_of(id) == Rollup::latest) continue;
        metrics.push_back(whole_entity(id));
    }
    const bool is_cluster = vim::is_a(entity.type, TypeId::ClusterComputeResource);
    if (entity.type == TypeId::VirtualMachine) metrics.push_back(whole_entity(kVmDrsScore));
    if (is_cluster) metrics.push_back(whole_entity(kClusterDrsScore));
    if (is_cluster) metrics.push_back(whole_entity(kClusterImbalance));
    return Value::array(TypeId::PerfMetricId, std::move(metrics));
}

Awaitable<Value> available(std::shared_ptr<Impl> impl, Call call) {
    const auto arguments = call.arguments<vim::QueryAvailablePerfMetricRequest>();
    const MoRef entity = arguments.entity();
    impl->context.inventory.get(entity);
    const auto interval = arguments.intervalId();
    if (interval == kSample_s && has_samples(entity)) {
        const HostObject home = impl->forwarding.home_of(entity);
        const auto manager = home.host->link->content().perfManager();
        if (!manager) co_return Value::array(TypeId::PerfMetricId, {});
        co_return co_await impl->forwarding.call({home.host, *manager}, "QueryAvailablePerfMetric",
                                                 call.request);
    }
    const bool kept = !interval || level_of(interval).has_value();
    if (!kept || !has_history(entity)) co_return Value::array(TypeId::PerfMetricId, {});
    impl->learn_counters();
    co_return kept_metrics(*impl, entity);
}

// The intervals are what they are: a change to anything else is refused by its name.
void update_interval(const vim::PerfInterval& wanted) {
    const auto known = std::ranges::find(kIntervals, wanted.samplingPeriod(), &Interval::length_s);
    const auto refuse = [](std::string_view property, std::string_view reason) {
        const std::string path = fmt::format("interval.{}", property);
        throw vim::invalid_argument(path, fmt::format("{}: {}", path, reason));
    };
    if (known == kIntervals.end()) refuse("samplingPeriod", "there is no such interval");
    if (wanted.length() != known->kept_s) {
        refuse("length", fmt::format("samples are kept for {} s", known->kept_s));
    }
    if (wanted.level().value_or(1) != 1) refuse("level", "counters of level 1 are kept");
    if (!wanted.enabled()) refuse("enabled", "the interval can't be switched off");
}

// Counters have the levels that they came with.
void reset_levels(const Impl& impl, const vim::ArrayView<std::int32_t>& wanted) {
    const auto* manager = impl.context.inventory.find(references::performance_manager);
    for (const std::int32_t id : wanted) {
        bool known = false;
        const Value& counters = manager->property(vim::property::PerformanceManager::perfCounter);
        for (const Value each : vim::ArrayView<Value>(counters)) {
            known |= each.property("key").as_integer() == id;
        }
        if (known) continue;
        throw vim::invalid_argument("counters",
                                    fmt::format("counters: there is no counter {}", id));
    }
}

}  // namespace

std::vector<MoRef> PerformanceHistory::Impl::members_of(const MoRef& entity) const {
    std::vector<MoRef> members;
    const auto* object = context.inventory.find(entity);
    if (object == nullptr) return members;
    const Value& list = object->property(vim::property::ComputeResource::host);
    for (const Value each : vim::ArrayView<Value>(list)) members.push_back(each.as_moref());
    return members;
}

Awaitable<ArchiveAnswer> PerformanceHistory::Impl::sum_of_members(MoRef entity, std::size_t level,
                                                                  std::int64_t after_s,
                                                                  std::int64_t until_s,
                                                                  std::vector<SeriesKey> keys) {
    ArchiveAnswer sum;
    std::map<SeriesKey, std::vector<std::int64_t>> counts;
    for (const MoRef& member : members_of(entity)) {
        auto part = co_await archive->query(member.id, level, after_s, until_s, keys);
        sum.ends_s = std::move(part.ends_s);
        for (const ArchivedSeries& series : part.series) {
            if (counters.rollup_of(series.key.counter) == Rollup::latest) continue;
            auto at = std::ranges::find(sum.series, series.key, &ArchivedSeries::key);
            if (at == sum.series.end()) {
                const std::vector<std::int64_t> none(series.values.size(), kNoSample);
                at = sum.series.insert(at, ArchivedSeries{series.key, none});
                counts[series.key].resize(none.size());
            }
            auto& measured = counts[series.key];
            for (std::size_t i = 0; i < series.values.size(); ++i) {
                if (series.values[i] == kNoSample) continue;
                at->values[i] =
                    measured[i] == 0 ? series.values[i] : at->values[i] + series.values[i];
                ++measured[i];
            }
        }
    }
    for (ArchivedSeries& series : sum.series) {
        if (!counters.is_share(series.key.counter)) continue;
        const auto& measured = counts[series.key];
        for (std::size_t i = 0; i < series.values.size(); ++i) {
            if (measured[i] > 1) series.values[i] /= measured[i];
        }
    }
    co_return sum;
}

void serve_available_metrics(std::shared_ptr<PerformanceHistory::Impl> impl) {
    auto& dispatcher = impl->context.dispatcher;
    dispatcher.add_direct("QueryPerfProviderSummary", [impl](const Call& call) {
        const MoRef entity = call.arguments<vim::QueryPerfProviderSummaryRequest>().entity();
        impl->context.inventory.get(entity);
        return provider_summary(entity);
    });
    dispatcher.add("QueryAvailablePerfMetric", [impl](Call call) -> Awaitable<Value> {
        return available(impl, std::move(call));
    });
    dispatcher.add_direct("UpdatePerfInterval", [](const Call& call) {
        update_interval(call.arguments<vim::UpdatePerfIntervalRequest>().interval());
        return Value{};
    });
    dispatcher.add_direct("ResetCounterLevelMapping", [impl](const Call& call) {
        reset_levels(*impl, call.arguments<vim::ResetCounterLevelMappingRequest>().counters());
        return Value{};
    });
}

}  // namespace drover::center
