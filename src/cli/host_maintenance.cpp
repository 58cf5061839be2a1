#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::vector<std::string> names;
    std::string timeout = "0s";
    bool evacuate_powered_off = false;
};

void enter(Context& context, const Options& options) {
    const std::int64_t seconds = parse_seconds("--timeout", options.timeout);
    auto& connection = context.connection();
    std::vector<Job> jobs;
    for (const auto& host : client::find_all(connection, vim::TypeId::HostSystem, options.names)) {
        jobs.push_back({host.name, [&connection, &options, host, seconds] {
                            auto request = vim::EnterMaintenanceMode_TaskRequest::make();
                            request.set_timeout(static_cast<std::int32_t>(seconds));
                            request.set_evacuatePoweredOffVms(options.evacuate_powered_off);
                            return connection.start("EnterMaintenanceMode_Task", host.reference,
                                                    request);
                        }});
    }
    run_jobs(context, "in maintenance mode", jobs);
}

void leave(Context& context, const Options& options) {
    auto& connection = context.connection();
    std::vector<Job> jobs;
    for (const auto& host : client::find_all(connection, vim::TypeId::HostSystem, options.names)) {
        jobs.push_back({host.name, [&connection, host] {
                            auto request = vim::ExitMaintenanceMode_TaskRequest::make();
                            request.set_timeout(0);
                            return connection.start("ExitMaintenanceMode_Task", host.reference,
                                                    request);
                        }});
    }
    run_jobs(context, "in use again", jobs);
}

}  // namespace

void add_host_maintenance(CLI::App& parent, Context& context) {
    auto* group = parent.add_subcommand("maintenance", "Maintenance mode");
    group->require_subcommand(1);
    auto options = std::make_shared<Options>();
    auto* into = group->add_subcommand("enter", "Move machines away, and let none start");
    into->add_option("HOST", options->names, "the hosts")->required();
    into->add_option("--timeout", options->timeout, "give up after so long; 0s is never")
        ->type_name("TIME")
        ->capture_default_str();
    into->add_flag("--powered-off-too", options->evacuate_powered_off,
                   "move machines that are powered off as well");
    into->callback([&context, options] { enter(context, *options); });
    auto left = std::make_shared<Options>();
    auto* out = group->add_subcommand("exit", "Take the hosts into use again");
    out->add_option("HOST", left->names, "the hosts")->required();
    out->callback([&context, left] { leave(context, *left); });
}

}  // namespace drover::cli
