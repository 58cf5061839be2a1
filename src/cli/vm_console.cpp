#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

// Values of the machine's file, by key without regard to case.
std::string option(const client::Properties& vm, std::string_view key) {
    const auto same = [](std::string_view a, std::string_view b) {
        return a.size() == b.size() &&
               std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
                   return std::tolower(static_cast<unsigned char>(x)) ==
                          std::tolower(static_cast<unsigned char>(y));
               });
    };
    for (const auto& each : vm.objects<vim::OptionValue>("config.extraConfig")) {
        if (!same(each.key(), key)) continue;
        const vim::Value value = each.value();
        if (value.kind() == vim::ValueKind::string) return std::string(value.as_string());
        if (value.kind() == vim::ValueKind::boolean) return value.as_boolean() ? "TRUE" : "FALSE";
        if (value.kind() == vim::ValueKind::int_) return fmt::format("{}", value.as_integer());
    }
    return {};
}

// Where the host itself can be reached.
std::string host_address(client::Connection& connection, const client::Properties& vm) {
    const auto host = vm.reference("runtime.host");
    if (!host) return {};
    const auto found = client::retrieve_object(connection, *host, {"name", "config.network.vnic"});
    for (const auto& nic : found.objects<vim::HostVirtualNic>("config.network.vnic")) {
        const auto address = nic.spec() ? nic.spec().ip().ipAddress().value_or("") : "";
        if (!address.empty()) return std::string(address);
    }
    return found.text("name");
}

void run(Context& context, const std::string& name) {
    auto& connection = context.connection();
    const auto machine = client::find(connection, vim::TypeId::VirtualMachine, name);
    const auto vm =
        client::retrieve_object(connection, machine.reference,
                                {"config.extraConfig", "runtime.powerState", "runtime.host"});
    const std::string port = option(vm, "RemoteDisplay.vnc.port");
    if (port.empty()) {
        throw client::LookupError(fmt::format(
            "{0} has no console on the network; power it off and give it one with: drover vm set "
            "{0} --extra RemoteDisplay.vnc.enabled=TRUE --extra RemoteDisplay.vnc.port=5901",
            machine.name));
    }
    std::string address = option(vm, "RemoteDisplay.vnc.ip");
    if (address.empty() || address == "0.0.0.0" || address == "::") {
        address = host_address(connection, vm);
    }
    const bool running = vm.text("runtime.powerState") == "poweredOn";
    const std::string authority = address.contains(':') ? fmt::format("[{}]", address) : address;
    const std::string url = fmt::format("vnc://{}:{}", authority, port);
    if (context.json()) {
        Report report;
        report.add("name", "", text_cell(machine.name));
        report.add("url", "", text_cell(url));
        report.add("address", "", text_cell(address));
        report.add("port", "", text_cell(port));
        report.add("running", "", yes_no_cell(running));
        return context.print(report);
    }
    context.say(url);
    if (!running) context.warn(fmt::format("{} is not running", machine.name));
}

}  // namespace

void add_vm_console(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("console", "Print the VNC address of a machine's screen");
    auto name = std::make_shared<std::string>();
    command->add_option("VM", *name, "the machine")->required();
    command->footer("\nExample:\n  vncviewer $(drover vm console web1)");
    command->callback([&context, name] { run(context, *name); });
}

}  // namespace drover::cli
