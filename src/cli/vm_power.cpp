// The power commands: start, stop, reset, suspend, resume ask the hypervisor; shutdown and reboot
// ask the guest.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/fault_text.hpp"

namespace drover::cli {
namespace {

struct Verb {
    const char* name;
    const char* method;
    const char* done;
    const char* help;
};

constexpr std::array<Verb, 5> kTasks{{
    {"start", "PowerOnVM_Task", "powered on", "Power machines on"},
    {"stop", "PowerOffVM_Task", "powered off", "Power machines off, without asking the guest"},
    {"reset", "ResetVM_Task", "reset", "Reset machines, without asking the guest"},
    {"suspend", "SuspendVM_Task", "suspended", "Save machines' memory to disk and stop them"},
    {"resume", "PowerOnVM_Task", "running again", "Let suspended machines run on"},
}};

void require_suspended(client::Connection& connection, const client::Named& vm) {
    const auto now = client::retrieve_object(connection, vm.reference, {"runtime.powerState"});
    const std::string state = now.text("runtime.powerState");
    if (state == "suspended") return;
    throw client::LookupError(fmt::format("{} is not suspended but {}", vm.name, state));
}

void run_task(Context& context, const Verb& verb, const std::vector<std::string>& names) {
    auto& connection = context.connection();
    std::vector<Job> jobs;
    for (const auto& vm : client::find_all(connection, vim::TypeId::VirtualMachine, names)) {
        // The API has one method for both; people mean the one or the other.
        if (std::string_view(verb.name) == "resume") require_suspended(connection, vm);
        jobs.push_back({vm.name, [&connection, &verb, vm] {
                            return connection.start(verb.method, vm.reference);
                        }});
    }
    run_jobs(context, verb.done, jobs);
}

struct GuestOptions {
    std::vector<std::string> names;
    std::string wait;  // empty: don't
};

void wait_until_off(Context& context, const client::Named& vm, std::int64_t seconds) {
    const bool off = client::watch(
        context.connection(), vm.reference, {"runtime.powerState"},
        [](const client::Properties& now) {
            return now.text("runtime.powerState") == "poweredOff";
        },
        std::chrono::seconds(seconds));
    if (!off) {
        throw std::runtime_error(
            fmt::format("{} is still on after {} s\nTo switch it off without its guest: "
                        "drover vm stop {}",
                        vm.name, seconds, vm.name));
    }
}

void ask_guest(Context& context, const char* method, const char* done,
               const GuestOptions& options) {
    const std::int64_t seconds = options.wait.empty() ? 0 : parse_seconds("--wait", options.wait);
    auto& connection = context.connection();
    const auto machines = client::find_all(connection, vim::TypeId::VirtualMachine, options.names);
    bool any_failed = false;
    std::vector<client::Named> asked;
    for (const auto& vm : machines) {
        try {
            connection.call(method, vm.reference);
            asked.push_back(vm);
        } catch (const vim::Fault& fault) {
            context.warn(fmt::format("{}: {}", vm.name, fault_text(fault)));
            any_failed = true;
        }
    }
    Table table({{"name", "NAME"}, {"state", ""}});
    for (const auto& vm : asked) {
        if (seconds > 0) wait_until_off(context, vm, seconds);
        context.say(fmt::format("{}: {}", vm.name, seconds > 0 ? "powered off" : done));
        table.add({text_cell(vm.name), text_cell(seconds > 0 ? "poweredOff" : "asked")});
    }
    if (context.json()) context.print(table);
    if (any_failed) throw AlreadyReported{};
}

}  // namespace

void add_vm_power(CLI::App& parent, Context& context) {
    for (const Verb& verb : kTasks) {
        auto* command = parent.add_subcommand(verb.name, verb.help);
        auto names = std::make_shared<std::vector<std::string>>();
        command->add_option("VM", *names, "the machines")->required();
        command->footer(
            fmt::format("\nExamples:\n  drover vm {0} web1\n  drover vm {0} web1 web2 "
                        "--async",
                        verb.name));
        command->callback([&context, &verb, names] { run_task(context, verb, *names); });
    }
    auto shutdown = std::make_shared<GuestOptions>();
    auto* command = parent.add_subcommand("shutdown", "Ask guests to shut down");
    command->add_option("VM", shutdown->names, "the machines")->required();
    command->add_option("--wait", shutdown->wait, "wait so long until they are off, e.g. 90s or 5m")
        ->type_name("TIME");
    command->footer("\nExample:\n  drover vm shutdown web1 --wait 90s");
    command->callback([&context, shutdown] {
        ask_guest(context, "ShutdownGuest", "asked to shut down", *shutdown);
    });
    auto reboot = std::make_shared<GuestOptions>();
    command = parent.add_subcommand("reboot", "Ask guests to reboot");
    command->add_option("VM", reboot->names, "the machines")->required();
    command->callback(
        [&context, reboot] { ask_guest(context, "RebootGuest", "asked to reboot", *reboot); });
}

}  // namespace drover::cli
