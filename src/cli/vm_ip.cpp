#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string name;
    std::string timeout = "5m";
};

void run(Context& context, const Options& options) {
    const auto seconds = parse_seconds("--timeout", options.timeout);
    auto& connection = context.connection();
    const auto vm = client::find(connection, vim::TypeId::VirtualMachine, options.name);
    std::string address;
    bool off = false;
    client::watch(
        connection, vm.reference, {"guest.ipAddress", "runtime.powerState"},
        [&](const client::Properties& now) {
            address = now.text("guest.ipAddress");
            off = now.text("runtime.powerState") != "poweredOn";
            return off || !address.empty();
        },
        std::chrono::seconds(seconds));
    if (off) {
        throw client::LookupError(
            fmt::format("{} is not running; start it with: drover vm start {}", vm.name, vm.name));
    }
    if (address.empty()) {
        throw std::runtime_error(fmt::format(
            "{} has told no address for {} s\nThe guest must run the guest agent and be on a "
            "network",
            vm.name, seconds));
    }
    Report report;
    report.add("name", "Name", text_cell(vm.name));
    report.add("ip_address", "IP address", text_cell(address));
    if (context.json()) {
        context.print(report);
    } else {
        context.say(address);
    }
}

}  // namespace

void add_vm_ip(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("ip", "Print a machine's IP address; waits for it");
    auto options = std::make_shared<Options>();
    command->add_option("VM", options->name, "the machine")->required();
    command->add_option("--timeout", options->timeout, "how long to wait, e.g. 30s; 0 looks once")
        ->type_name("TIME")
        ->capture_default_str();
    command->footer("\nExample:\n  ssh root@$(drover vm ip web1)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace drover::cli
