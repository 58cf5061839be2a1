#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

Table named_table(client::Connection& connection, vim::TypeId type,
                  const std::vector<vim::MoRef>& references, const std::string& heading) {
    Table table({{"name", heading}, {"id", "REFERENCE"}});
    for (const auto& each : client::retrieve_objects(connection, type, references, {"name"})) {
        table.add({text_cell(each.text("name")), text_cell(each.object().id)});
    }
    table.sort_by(0);
    return table;
}

Table nic_table(const client::Properties& host) {
    Table table({{"name", "PHYSICAL NIC"},
                 {"mac_address", "MAC ADDRESS"},
                 {"driver", "DRIVER"},
                 {"speed_mbit", "MBIT/S"}});
    for (const auto& nic : host.objects<vim::PhysicalNic>("config.network.pnic")) {
        const auto link = nic.linkSpeed();
        table.add({text_cell(nic.device()), text_cell(nic.mac()),
                   text_cell(nic.driver().value_or("")),
                   number_cell(link ? std::optional<std::int64_t>(link.speedMb()) : std::nullopt)});
    }
    return table;
}

void run(Context& context, const std::string& wanted) {
    auto& connection = context.connection();
    std::string name = wanted;
    if (name.empty()) {
        const auto all = client::retrieve(connection, vim::TypeId::HostSystem, {"name"});
        if (all.size() != 1) throw UsageError("host info: say which HOST");
        name = "HostSystem:" + all.front().object().id;
    }
    const auto found = client::find(connection, vim::TypeId::HostSystem, name);
    const auto host = client::retrieve_object(
        connection, found.reference,
        {"name", "vm", "datastore", "network", "config.network.pnic", "config.product.fullName",
         "summary.hardware", "summary.quickStats", "summary.runtime.connectionState",
         "summary.runtime.inMaintenanceMode", "summary.runtime.bootTime"});
    const auto hardware = host.object<vim::HostHardwareSummary>("summary.hardware");
    const auto stats = host.object<vim::HostListSummaryQuickStats>("summary.quickStats");
    Report report;
    report.add("name", "Name", text_cell(host.text("name")));
    report.add("id", "Reference", text_cell(host.object().id));
    report.add("path", "Path", text_cell(client::inventory_path(connection, host.object())));
    report.add("product", "Product", text_cell(host.text("config.product.fullName")));
    report.add("connection_state", "State",
               text_cell(host.text("summary.runtime.connectionState")));
    report.add("maintenance", "Maintenance",
               yes_no_cell(host.boolean("summary.runtime.inMaintenanceMode")));
    report.add("boot_time", "Started", time_cell(host.time("summary.runtime.bootTime")));
    report.add("uptime_seconds", "Uptime", seconds_cell(stats.uptime()));
    if (hardware) {
        report.add("vendor", "Vendor", text_cell(hardware.vendor()));
        report.add("model", "Model", text_cell(hardware.model()));
        report.add("uuid", "UUID", text_cell(hardware.uuid()));
        report.add("cpu_model", "CPU", text_cell(hardware.cpuModel()));
        report.add("cpu_cores", "Cores", number_cell(hardware.numCpuCores()));
        report.add("cpu_threads", "Threads", number_cell(hardware.numCpuThreads()));
        report.add("cpu_mhz", "Clock", mhz_cell(hardware.cpuMhz()));
        report.add("memory_bytes", "Memory", bytes_cell(hardware.memorySize()));
    }
    report.add("cpu_usage_mhz", "CPU use", mhz_cell(stats.overallCpuUsage()));
    std::optional<std::int64_t> used;
    if (stats.overallMemoryUsage()) used = std::int64_t{*stats.overallMemoryUsage()} << 20;
    report.add("memory_usage_bytes", "Memory use", bytes_cell(used));
    report.add(
        "vms", "Machines",
        named_table(connection, vim::TypeId::VirtualMachine, host.references("vm"), "MACHINE"));
    report.add(
        "datastores", "Datastores",
        named_table(connection, vim::TypeId::Datastore, host.references("datastore"), "DATASTORE"));
    report.add(
        "networks", "Networks",
        named_table(connection, vim::TypeId::Network, host.references("network"), "NETWORK"));
    report.add("physical_nics", "Physical NICs", nic_table(host));
    context.print(report);
}

}  // namespace

void add_host_info(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("info", "Everything about one host");
    auto name = std::make_shared<std::string>();
    command->add_option("HOST", *name, "the host; may be left out if there is just one");
    command->callback([&context, name] { run(context, *name); });
}

}  // namespace drover::cli
