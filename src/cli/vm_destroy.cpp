#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::vector<std::string> names;
    bool yes = false;
    bool force = false;
};

// Those that run are powered off first.
void power_off(Context& context, const std::vector<client::Named>& machines) {
    auto& connection = context.connection();
    for (const auto& vm : machines) {
        const auto state =
            client::retrieve_object(connection, vm.reference, {"runtime.powerState"});
        if (state.text("runtime.powerState") == "poweredOff") continue;
        client::wait_for_task(connection, connection.start("PowerOffVM_Task", vm.reference));
    }
}

void run(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto machines = client::find_all(connection, vim::TypeId::VirtualMachine, options.names);
    std::vector<std::string> names;
    std::vector<Job> jobs;
    for (const auto& vm : machines) {
        names.push_back(vm.name);
        jobs.push_back({vm.name, [&connection, vm] {
                            return connection.start("Destroy_Task", vm.reference);
                        }});
    }
    confirm(context, options.yes,
            fmt::format("Destroy {} with all disks?", fmt::join(names, ", ")));
    if (options.force) power_off(context, machines);
    run_jobs(context, "destroyed", jobs);
}

}  // namespace

void add_vm_destroy(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("destroy", "Remove machines with all their files");
    auto options = std::make_shared<Options>();
    command->add_option("VM", options->names, "the machines")->required();
    command->add_flag("-y,--yes", options->yes, "don't ask");
    command->add_flag("-f,--force", options->force, "power them off first");
    command->footer(R"(
To keep the files, use drover vm unregister.

Examples:
  drover vm destroy web1
  drover vm destroy web1 web2 --force --yes)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace drover::cli
