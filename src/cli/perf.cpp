#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "cli/commands.hpp"
#include "cli/target.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string target;
    std::vector<std::string> counters;
    std::string instance;
    int samples = 5;
    int interval_s = 0;
    bool list = false;
};

// "cpu.usage.average"
std::string name_of(const vim::PerfCounterInfo& counter) {
    return fmt::format("{}.{}.{}", counter.groupInfo().key(), counter.nameInfo().key(),
                       vim::to_string(counter.rollupType()));
}

using Counters = std::map<std::int32_t, vim::PerfCounterInfo>;

vim::MoRef performance_manager(client::Connection& connection) {
    return client::required(connection.content().perfManager(), "perfManager");
}

Counters known_counters(client::Connection& connection) {
    Counters out;
    for (const auto& counter :
         client::retrieve_object(connection, performance_manager(connection), {"perfCounter"})
             .objects<vim::PerfCounterInfo>("perfCounter")) {
        out.emplace(counter.key(), counter);
    }
    return out;
}

// Real-time where the object has it: a center's pools and clusters have only history.
std::int32_t interval_of(client::Connection& connection, const vim::MoRef& object, int wanted) {
    if (wanted > 0) return wanted;
    auto request = vim::QueryPerfProviderSummaryRequest::make();
    request.set_entity(object);
    const vim::PerfProviderSummary summary(
        connection.call("QueryPerfProviderSummary", performance_manager(connection), request));
    if (summary && summary.currentSupported()) return summary.refreshRate().value_or(20);
    return 300;
}

std::vector<vim::PerfMetricId> available(client::Connection& connection, const vim::MoRef& object,
                                         std::int32_t interval_s) {
    auto request = vim::QueryAvailablePerfMetricRequest::make();
    request.set_entity(object);
    request.set_intervalId(interval_s);
    const auto found =
        connection.call("QueryAvailablePerfMetric", performance_manager(connection), request);
    std::vector<vim::PerfMetricId> out;
    if (found.kind() != vim::ValueKind::array) return out;
    for (const auto& each : found.elements()) out.emplace_back(each);
    return out;
}

void list(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto object = find_target(connection, options.target);
    const auto counters = known_counters(connection);
    const auto interval_s = interval_of(connection, object.reference, options.interval_s);
    std::map<std::int32_t, std::set<std::string>> instances;
    for (const auto& metric : available(connection, object.reference, interval_s)) {
        instances[metric.counterId()].insert(std::string(metric.instance()));
    }
    Table table({{"counter", "COUNTER"},
                 {"unit", "UNIT"},
                 {"instances", "INSTANCES"},
                 {"description", "DESCRIPTION"},
                 {"id", ""}});
    for (const auto& [id, names] : instances) {
        const auto found = counters.find(id);
        if (found == counters.end()) continue;
        std::vector<std::string> shown(names.begin(), names.end());
        std::erase(shown, "");
        table.add({text_cell(name_of(found->second)), text_cell(found->second.unitInfo().label()),
                   list_cell(shown), text_cell(found->second.nameInfo().summary()),
                   number_cell(id)});
    }
    table.sort_by(0);
    context.print(table);
}

std::vector<vim::PerfMetricId> wanted_metrics(const Counters& counters, const Options& options) {
    std::map<std::string, std::int32_t> by_name;
    for (const auto& [id, counter] : counters) by_name.emplace(name_of(counter), id);
    std::vector<vim::PerfMetricId> out;
    for (const auto& name : options.counters) {
        const auto found = by_name.find(name);
        if (found == by_name.end()) {
            throw UsageError(fmt::format(
                "there is no counter \"{}\": drover perf --list OBJECT shows them", name));
        }
        auto metric = vim::PerfMetricId::make();
        metric.set_counterId(found->second);
        metric.set_instance(options.instance);
        out.push_back(metric);
    }
    return out;
}

// Percentages come in hundredths.
Cell value_cell(const vim::PerfCounterInfo& counter, std::int64_t value) {
    if (value < 0) return nothing();  // the API's word for "not known at that time"
    if (counter.unitInfo().key() != "percent") return number_cell(value);
    Cell cell = text_cell(fmt::format("{:.2f}", static_cast<double>(value) / 100.0));
    cell.plain = static_cast<double>(value) / 100.0;
    cell.right = true;
    return cell;
}

void add_rows(Table& table, const Counters& counters, const vim::PerfEntityMetric& metric) {
    const auto times = metric.sampleInfo().to_vector();
    for (const auto& base : metric.value()) {
        const auto series = base.as<vim::PerfMetricIntSeries>();
        const auto counter = counters.find(base.id().counterId());
        if (!series || counter == counters.end()) continue;
        const auto values = series.value().to_vector();
        for (std::size_t i = 0; i < values.size() && i < times.size(); ++i) {
            table.add({time_cell(times[i].timestamp()), text_cell(name_of(counter->second)),
                       text_cell(base.id().instance()), value_cell(counter->second, values[i]),
                       text_cell(counter->second.unitInfo().label())});
        }
    }
}

void sample(Context& context, const Options& options) {
    if (options.samples < 1 || options.samples > 10'000) {
        throw UsageError("--samples must be 1 to 10000");
    }
    auto& connection = context.connection();
    const auto object = find_target(connection, options.target);
    const auto counters = known_counters(connection);
    auto spec = vim::PerfQuerySpec::make();
    spec.set_entity(object.reference);
    spec.set_metricId(wanted_metrics(counters, options));
    spec.set_intervalId(interval_of(connection, object.reference, options.interval_s));
    spec.set_maxSample(options.samples);
    auto request = vim::QueryPerfRequest::make();
    request.set_querySpec({spec});
    const auto found = connection.call("QueryPerf", performance_manager(connection), request);
    Table table({{"time", "TIME (UTC)"},
                 {"counter", "COUNTER"},
                 {"instance", "INSTANCE"},
                 {"value", "VALUE"},
                 {"unit", "UNIT"}});
    if (found.kind() == vim::ValueKind::array) {
        for (const auto& each : found.elements()) {
            const auto metric = vim::PerfEntityMetricBase(each).as<vim::PerfEntityMetric>();
            if (metric) add_rows(table, counters, metric);
        }
    }
    context.print(table);
}

void run(Context& context, const Options& options) {
    if (options.list) return list(context, options);
    Options wanted = options;
    if (wanted.counters.empty()) {
        wanted.counters = {"cpu.usage.average", "mem.usage.average"};
    }
    sample(context, wanted);
}

}  // namespace

void add_perf(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("perf", "Performance counters of machines and hosts");
    auto options = std::make_shared<Options>();
    command->add_option("OBJECT", options->target, kTargetHelp)->required();
    command->add_option("COUNTER", options->counters,
                        "such as cpu.ready.summation; else CPU and memory usage");
    command->add_flag("-l,--list", options->list, "only say which counters there are");
    command->add_option("-n,--samples", options->samples, "the last so many of each")
        ->type_name("NUMBER")
        ->capture_default_str();
    command
        ->add_option("--instance", options->instance, "of a device (\"*\" for all); else the whole")
        ->type_name("NAME");
    command
        ->add_option("--interval", options->interval_s,
                     "seconds of a sample, where the server keeps history")
        ->type_name("SECONDS");
    command->footer(R"(
Examples:
  drover perf web1
  drover perf --list host:host1
  drover perf web1 cpu.ready.summation --instance '*' -n 15)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace drover::cli
