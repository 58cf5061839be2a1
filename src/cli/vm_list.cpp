#include <CLI/CLI.hpp>
#include <map>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

std::optional<std::int64_t> mebibytes(std::optional<std::int64_t> count) {
    if (!count || *count < 0 || *count > (std::int64_t{1} << 40)) return std::nullopt;
    return *count * kMebibyte;
}

void run(Context& context) {
    auto& connection = context.connection();
    std::map<std::string, std::string> hosts;
    for (const auto& host : client::retrieve(connection, vim::TypeId::HostSystem, {"name"})) {
        hosts[host.object().id] = host.text("name");
    }
    const auto machines = client::retrieve(
        connection, vim::TypeId::VirtualMachine,
        {"name", "runtime.powerState", "runtime.host", "runtime.connectionState",
         "summary.config.numCpu", "summary.config.memorySizeMB", "summary.config.template",
         "summary.config.vmPathName", "summary.guest.ipAddress", "summary.guest.hostName",
         "summary.quickStats.overallCpuUsage", "summary.quickStats.hostMemoryUsage"});
    Table table({{"name", "NAME"},
                 {"id", ""},
                 {"power_state", "POWER"},
                 {"connection_state", ""},
                 {"host", "HOST"},
                 {"cpus", "CPUS"},
                 {"memory_bytes", "MEMORY"},
                 {"cpu_usage_mhz", "CPU USE"},
                 {"memory_usage_bytes", "MEM USE"},
                 {"ip_address", "IP ADDRESS"},
                 {"host_name", ""},
                 {"template", ""},
                 {"vmx_path", ""}});
    for (const auto& vm : machines) {
        const auto host = vm.reference("runtime.host");
        table.add({text_cell(vm.text("name")), text_cell(vm.object().id),
                   text_cell(vm.text("runtime.powerState")),
                   text_cell(vm.text("runtime.connectionState")),
                   text_cell(host ? hosts[host->id] : ""),
                   number_cell(vm.integer("summary.config.numCpu")),
                   bytes_cell(mebibytes(vm.integer("summary.config.memorySizeMB"))),
                   mhz_cell(vm.integer("summary.quickStats.overallCpuUsage")),
                   bytes_cell(mebibytes(vm.integer("summary.quickStats.hostMemoryUsage"))),
                   text_cell(vm.text("summary.guest.ipAddress")),
                   text_cell(vm.text("summary.guest.hostName")),
                   yes_no_cell(vm.boolean("summary.config.template")),
                   text_cell(vm.text("summary.config.vmPathName"))});
    }
    table.sort_by(0);
    context.print(table);
}

}  // namespace

void add_vm_list(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("list", "All machines");
    command->callback([&context] { run(context); });
}

}  // namespace drover::cli
