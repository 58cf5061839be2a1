// drover cluster evc: which CPU features a cluster promises its machines.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "vim/compatibility_types.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string cluster;
    std::string set;
    std::string check;
    bool disable = false;
};

constexpr std::string_view kPrefix = "cpuid.";

client::Named manager_of(client::Connection& connection, const std::string& name) {
    auto found = client::find(connection, vim::TypeId::ClusterComputeResource, name);
    const vim::Value manager = connection.call("EvcManager", found.reference);
    if (!manager) throw client::LookupError(fmt::format("{}: there is no EVC here", found.name));
    found.reference = manager.as_moref();
    return found;
}

std::string feature_names(const vim::ClusterEVCManagerEVCState& state) {
    std::string text;
    for (const auto& each : state.featureCapability()) {
        std::string_view key = each.key();
        if (key.starts_with(kPrefix)) key.remove_prefix(kPrefix.size());
        text += fmt::format("{}{}", text.empty() ? "" : " ", key);
    }
    return text;
}

void show(Context& context, const client::Named& manager) {
    const auto object =
        client::retrieve_object(context.connection(), manager.reference, {"evcState"});
    const vim::ClusterEVCManagerEVCState state(object.get("evcState"));
    std::string modes;
    for (const auto& mode : state.supportedEVCMode()) {
        modes += fmt::format("{}{}", modes.empty() ? "" : " ", mode.key());
    }
    Report report;
    report.add("cluster", "Cluster", text_cell(manager.name));
    report.add("mode", "EVC mode", text_cell(std::string(state.currentEVCModeKey().value_or(""))));
    report.add("possible", "Possible modes", text_cell(modes));
    report.add("features", "Machines may see", text_cell(feature_names(state)));
    context.print(report);
}

void check(Context& context, const client::Named& manager, const std::string& mode) {
    auto& connection = context.connection();
    const auto info = run_job(context, {manager.name, [&] {
                                            auto request =
                                                vim::CheckConfigureEvcMode_TaskRequest::make();
                                            request.set_evcModeKey(mode);
                                            return connection.start("CheckConfigureEvcMode_Task",
                                                                    manager.reference, request);
                                        }});
    if (!info) return;
    Table table({{"mode", "MODE"}, {"problem", "PROBLEM"}});
    const vim::ArrayView<vim::ClusterEVCManagerCheckResult> results(info.raw().property("result"));
    for (const auto& result : results) {
        table.add({text_cell(std::string(result.evcModeKey())),
                   text_cell(std::string(result.error().localizedMessage().value_or("")))});
    }
    if (results.empty()) context.say(fmt::format("{}: {} is possible", manager.name, mode));
    if (!results.empty() || context.json()) context.print(table);
    if (!results.empty()) throw AlreadyReported{};
}

void run(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto manager = manager_of(connection, options.cluster);
    if (!options.check.empty()) return check(context, manager, options.check);
    if (!options.set.empty()) {
        run_jobs(context, fmt::format("promises {}", options.set),
                 {{manager.name, [&] {
                       auto request = vim::ConfigureEvcMode_TaskRequest::make();
                       request.set_evcModeKey(options.set);
                       return connection.start("ConfigureEvcMode_Task", manager.reference, request);
                   }}});
        return;
    }
    if (options.disable) {
        run_jobs(context, "promises what its hosts have",
                 {{manager.name,
                   [&] { return connection.start("DisableEvcMode_Task", manager.reference); }}});
        return;
    }
    show(context, manager);
}

}  // namespace

void add_cluster_evc(CLI::App& parent, Context& context) {
    auto options = std::make_shared<Options>();
    auto* command = parent.add_subcommand("evc", "Which CPU features machines may count on");
    command->add_option("CLUSTER", options->cluster, "which")->required();
    auto* set = command->add_option("--set", options->set, "promise this mode (\"amd-zen\")")
                    ->type_name("MODE");
    auto* check = command->add_option("--check", options->check, "what speaks against this mode")
                      ->type_name("MODE")
                      ->excludes(set);
    command->add_flag("--disable", options->disable, "promise whatever all hosts have")
        ->excludes(set)
        ->excludes(check);
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace drover::cli
