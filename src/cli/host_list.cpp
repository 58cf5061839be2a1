#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

void run(Context& context) {
    const auto hosts = client::retrieve(
        context.connection(), vim::TypeId::HostSystem,
        {"name", "vm", "summary.runtime.connectionState", "summary.runtime.powerState",
         "summary.runtime.inMaintenanceMode", "summary.hardware", "summary.quickStats"});
    Table table({{"name", "NAME"},
                 {"id", ""},
                 {"connection_state", "STATE"},
                 {"power_state", ""},
                 {"maintenance", "MAINTENANCE"},
                 {"vms", "VMS"},
                 {"cpu_cores", "CORES"},
                 {"cpu_capacity_mhz", "CPU"},
                 {"cpu_usage_mhz", "CPU USE"},
                 {"memory_bytes", "MEMORY"},
                 {"memory_usage_bytes", "MEM USE"},
                 {"uptime_seconds", "UPTIME"}});
    for (const auto& host : hosts) {
        const auto hardware = host.object<vim::HostHardwareSummary>("summary.hardware");
        const auto stats = host.object<vim::HostListSummaryQuickStats>("summary.quickStats");
        std::optional<std::int64_t> capacity;
        std::optional<std::int64_t> memory;
        std::optional<std::int64_t> cores;
        if (hardware) {
            cores = hardware.numCpuCores();
            capacity = *cores * hardware.cpuMhz();
            memory = hardware.memorySize();
        }
        std::optional<std::int64_t> used;
        if (stats.overallMemoryUsage()) used = std::int64_t{*stats.overallMemoryUsage()} << 20;
        table.add({text_cell(host.text("name")), text_cell(host.object().id),
                   text_cell(host.text("summary.runtime.connectionState")),
                   text_cell(host.text("summary.runtime.powerState")),
                   yes_no_cell(host.boolean("summary.runtime.inMaintenanceMode")),
                   number_cell(static_cast<std::int64_t>(host.references("vm").size())),
                   number_cell(cores), mhz_cell(capacity), mhz_cell(stats.overallCpuUsage()),
                   bytes_cell(memory), bytes_cell(used), seconds_cell(stats.uptime())});
    }
    table.sort_by(0);
    context.print(table);
}

}  // namespace

void add_host_list(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("list", "All hosts");
    command->callback([&context] { run(context); });
}

}  // namespace drover::cli
