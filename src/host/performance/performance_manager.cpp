#include "host/performance/performance_manager.hpp"

#include <fmt/format.h>

#include "host/performance/query.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kMostSpecs = 20'000;
// Values of one call are bound by the query; so is the work of finding them.
constexpr std::size_t kMostMetricIds = 2'000;

vim::ElementDescription element(std::string_view key, std::string_view label,
                                std::string_view summary) {
    auto made = vim::ElementDescription::make();
    made.set_key(key);
    made.set_label(label);
    made.set_summary(summary);
    return made;
}

vim::PerformanceDescription make_description() {
    auto description = vim::PerformanceDescription::make();
    description.set_counterType({element("average", "Average", "The average over the interval"),
                                 element("maximum", "Maximum", "The greatest value"),
                                 element("minimum", "Minimum", "The smallest value"),
                                 element("latest", "Latest", "The newest value"),
                                 element("summation", "Summation", "The sum over the interval"),
                                 element("none", "None", "Values as they were measured")});
    description.set_statsType({element("absolute", "Absolute", "A value as it is at a moment"),
                               element("delta", "Delta", "The change within the interval"),
                               element("rate", "Rate", "The change in a second")});
    return description;
}

template <class Selected>
Value counter_list(const Selected& selected) {
    std::vector<Value> list;
    for (const CounterDefinition& definition : all_counters()) {
        if (selected(definition)) list.push_back(counter_info(definition).raw());
    }
    return Value::array(TypeId::PerfCounterInfo, std::move(list));
}

Value counters_by_id(const task::Call& call) {
    std::vector<Value> list;
    std::size_t index = 0;
    for (const std::int32_t id : call.arguments<vim::QueryPerfCounterRequest>().counterId()) {
        const CounterDefinition* definition = find_counter(id);
        if (definition == nullptr) {
            throw vim::invalid_argument(fmt::format("counterId[{}]", index),
                                        fmt::format("There is no performance counter {}.", id));
        }
        list.push_back(counter_info(*definition).raw());
        ++index;
    }
    return Value::array(TypeId::PerfCounterInfo, std::move(list));
}

Value counters_by_level(const task::Call& call) {
    const auto level = call.arguments<vim::QueryPerfCounterByLevelRequest>().level();
    if (level < 1 || level > 4) {
        throw vim::invalid_argument("level", "The level is 1, 2, 3 or 4.");
    }
    return counter_list(
        [level](const CounterDefinition& counter) { return counter.level <= level; });
}

// The handlers that need the host's inventory and history.
class Manager {
public:
    Manager(const HostContext& context, const History& history)
        : context_(context), history_(history) {}

    Value provider_summary(const task::Call& call) const {
        const MoRef entity = call.arguments<vim::QueryPerfProviderSummaryRequest>().entity();
        context_.inventory.get(entity);
        auto summary = vim::PerfProviderSummary::make();
        summary.set_entity(entity);
        summary.set_currentSupported(has_figures(entity));
        summary.set_summarySupported(false);
        if (has_figures(entity)) summary.set_refreshRate(kRealtimeIntervalSeconds);
        return summary.raw();
    }

    Value available(const task::Call& call) const {
        const auto arguments = call.arguments<vim::QueryAvailablePerfMetricRequest>();
        context_.inventory.get(arguments.entity());
        check_interval(arguments.intervalId(), "intervalId");
        std::vector<Value> list;
        for (const auto& id : available_metrics(history_, arguments.entity().id,
                                                arguments.beginTime(), arguments.endTime())) {
            list.push_back(id.raw());
        }
        return Value::array(TypeId::PerfMetricId, std::move(list));
    }

    Value query(const task::Call& call) const {
        const auto specs = call.arguments<vim::QueryPerfRequest>().querySpec();
        if (specs.size() > kMostSpecs) {
            throw vim::invalid_argument(
                "querySpec", fmt::format("One call may have {} entries at most.", kMostSpecs));
        }
        PerformanceQuery query(history_);
        std::vector<Value> list;
        std::size_t index = 0;
        for (const auto& spec : specs) {
            list.push_back(run(query, spec, fmt::format("querySpec[{}]", index++)));
        }
        return Value::array(TypeId::PerfEntityMetricBase, std::move(list));
    }

    // The entity and its children: for the host its machines.
    Value composite(const task::Call& call) const {
        auto spec = call.arguments<vim::QueryPerfCompositeRequest>().querySpec();
        PerformanceQuery query(history_);
        auto metric = vim::PerfCompositeMetric::make();
        metric.set_entity(vim::PerfEntityMetricBase(run(query, spec, "querySpec")));
        std::vector<vim::PerfEntityMetricBase> children;
        for (const MoRef& child : children_of(spec.entity())) {
            spec.set_entity(child);
            children.push_back(vim::PerfEntityMetricBase(run(query, spec, "querySpec")));
        }
        metric.set_childEntity(children);
        return metric.raw();
    }

private:
    static bool has_figures(const MoRef& entity) {
        return entity.type == TypeId::HostSystem || entity.type == TypeId::VirtualMachine ||
               entity.type == TypeId::ResourcePool;
    }

    Value run(PerformanceQuery& query, const vim::PerfQuerySpec& spec,
              const std::string& path) const {
        context_.inventory.get(spec.entity());
        if (spec.metricId().size() > kMostMetricIds) {
            throw vim::invalid_argument(
                path + ".metricId",
                fmt::format("A query may have {} entries at most.", kMostMetricIds));
        }
        return query.run(spec, path).raw();
    }

    std::vector<MoRef> children_of(const MoRef& entity) const {
        std::vector<MoRef> children;
        if (entity.type != TypeId::HostSystem) return children;
        const Value& machines =
            context_.inventory.get(entity).property(vim::property::HostSystem::vm);
        if (!machines) return children;
        for (const Value& machine : machines.elements()) children.push_back(machine.as_moref());
        return children;
    }

    const HostContext& context_;
    const History& history_;
};

}  // namespace

void serve_performance_manager(const HostContext& context, const History& history) {
    const auto& self = references::performance_manager;
    model::Transaction transaction(context.inventory);
    transaction.create(self.type, self.id);
    namespace property = vim::property::PerformanceManager;
    transaction.set(self, property::description, make_description().raw());
    transaction.set(self, property::perfCounter,
                    counter_list([](const CounterDefinition&) { return true; }));
    // Roll-ups are the center's work; a host has its last hour.
    transaction.set(self, property::historicalInterval, Value::array(TypeId::PerfInterval, {}));
    transaction.commit();

    const Manager manager(context, history);
    auto& dispatcher = context.dispatcher;
    dispatcher.add_direct("QueryPerfCounter", counters_by_id);
    dispatcher.add_direct("QueryPerfCounterByLevel", counters_by_level);
    dispatcher.add_direct("QueryPerfProviderSummary", [manager](const task::Call& call) {
        return manager.provider_summary(call);
    });
    dispatcher.add_direct("QueryAvailablePerfMetric",
                          [manager](const task::Call& call) { return manager.available(call); });
    dispatcher.add_direct("QueryPerf",
                          [manager](const task::Call& call) { return manager.query(call); });
    dispatcher.add_direct("QueryPerfComposite",
                          [manager](const task::Call& call) { return manager.composite(call); });
}

}  // namespace drover::host
