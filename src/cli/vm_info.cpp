#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/vm.hpp"

namespace drover::cli {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

std::optional<std::int64_t> mebibytes(std::optional<std::int64_t> count) {
    if (!count || *count < 0 || *count > (std::int64_t{1} << 40)) return std::nullopt;
    return *count * kMebibyte;
}

Table disk_table(const std::vector<vim::VirtualDevice>& devices) {
    Table table({{"label", "DISK"},
                 {"key", "KEY"},
                 {"capacity_bytes", "SIZE"},
                 {"thin", "THIN"},
                 {"file", "FILE"},
                 {"parent", ""}});
    for (const auto& device : devices) {
        const auto disk = device.as<vim::VirtualDisk>();
        if (!disk) continue;
        const auto backing = device.backing().as<vim::VirtualDiskFlatVer2BackingInfo>();
        const std::int64_t kilobytes = std::clamp<std::int64_t>(disk.capacityInKB(), 0, 1LL << 50);
        table.add({text_cell(label_of(device)), number_cell(device.key()),
                   bytes_cell(disk.capacityInBytes().value_or(kilobytes * 1024)),
                   yes_no_cell(backing ? backing.thinProvisioned() : std::nullopt),
                   text_cell(file_of(device)),
                   text_cell(backing && backing.parent() ? backing.parent().fileName() : "")});
    }
    return table;
}

std::string network_of(const vim::VirtualDevice& device) {
    const auto backing = device.backing().as<vim::VirtualDeviceDeviceBackingInfo>();
    return backing ? std::string(backing.deviceName()) : std::string{};
}

Table nic_table(const std::vector<vim::VirtualDevice>& devices,
                const std::vector<vim::GuestNicInfo>& guest) {
    Table table({{"label", "NETWORK CARD"},
                 {"key", "KEY"},
                 {"model", "MODEL"},
                 {"mac_address", "MAC ADDRESS"},
                 {"network", "NETWORK"},
                 {"connected", "CONNECTED"},
                 {"ip_addresses", "IP ADDRESSES"}});
    for (const auto& device : devices) {
        const auto card = device.as<vim::VirtualEthernetCard>();
        if (!card) continue;
        std::vector<std::string> addresses;
        for (const auto& seen : guest) {
            if (seen.deviceConfigId() != device.key()) continue;
            for (const auto address : seen.ipAddress()) addresses.emplace_back(address);
        }
        std::string model(vim::describe(device.dynamic_type()).name());
        if (model.starts_with("Virtual")) model.erase(0, 7);
        const auto plug = device.connectable();
        table.add({text_cell(label_of(device)), number_cell(device.key()), text_cell(model),
                   text_cell(card.macAddress().value_or("")), text_cell(network_of(device)),
                   yes_no_cell(plug ? std::optional<bool>(plug.connected()) : std::nullopt),
                   list_cell(std::move(addresses))});
    }
    return table;
}

Table other_table(const std::vector<vim::VirtualDevice>& devices) {
    Table table({{"label", "OTHER DEVICE"},
                 {"key", "KEY"},
                 {"connected", "CONNECTED"},
                 {"medium", "MEDIUM"}});
    for (const auto& device : devices) {
        if (!device.is<vim::VirtualCdrom>() && !device.is<vim::VirtualFloppy>() &&
            !device.is<vim::VirtualSerialPort>()) {
            continue;
        }
        const auto uri = device.backing().as<vim::VirtualDeviceURIBackingInfo>();
        const auto plug = device.connectable();
        table.add({text_cell(label_of(device)), number_cell(device.key()),
                   yes_no_cell(plug ? std::optional<bool>(plug.connected()) : std::nullopt),
                   text_cell(uri ? std::string(uri.serviceURI()) : file_of(device))});
    }
    return table;
}

void run(Context& context, const std::string& name) {
    auto& connection = context.connection();
    const auto machine = client::find(connection, vim::TypeId::VirtualMachine, name);
    const auto vm = client::retrieve_object(connection, machine.reference,
                                            {"name",
                                             "runtime.powerState",
                                             "runtime.connectionState",
                                             "runtime.host",
                                             "runtime.bootTime",
                                             "config.hardware.numCPU",
                                             "config.hardware.memoryMB",
                                             "config.firmware",
                                             "config.guestId",
                                             "config.guestFullName",
                                             "config.uuid",
                                             "config.instanceUuid",
                                             "config.annotation",
                                             "config.template",
                                             "config.version",
                                             "config.files.vmPathName",
                                             "config.hardware.device",
                                             "guest.ipAddress",
                                             "guest.hostName",
                                             "guest.net",
                                             "guest.toolsRunningStatus",
                                             "summary.quickStats"});
    const auto stats = vm.object<vim::VirtualMachineQuickStats>("summary.quickStats");
    std::string host;
    if (const auto reference = vm.reference("runtime.host")) {
        host = client::retrieve_object(connection, *reference, {"name"}).text("name");
    }
    const auto devices = vm.objects<vim::VirtualDevice>("config.hardware.device");

    Report report;
    report.add("name", "Name", text_cell(vm.text("name")));
    report.add("id", "Reference", text_cell(vm.object().id));
    report.add("path", "Path", text_cell(client::inventory_path(connection, vm.object())));
    report.add("power_state", "Power", text_cell(vm.text("runtime.powerState")));
    report.add("connection_state", "Connection", text_cell(vm.text("runtime.connectionState")));
    report.add("host", "Host", text_cell(host));
    report.add("boot_time", "Started", time_cell(vm.time("runtime.bootTime")));
    report.add("cpus", "CPUs", number_cell(vm.integer("config.hardware.numCPU")));
    report.add("memory_bytes", "Memory",
               bytes_cell(mebibytes(vm.integer("config.hardware.memoryMB"))));
    report.add("cpu_usage_mhz", "CPU use", mhz_cell(stats.overallCpuUsage()));
    report.add("memory_usage_bytes", "Memory use", bytes_cell(mebibytes(stats.hostMemoryUsage())));
    report.add("uptime_seconds", "Uptime", seconds_cell(stats.uptimeSeconds()));
    report.add("guest_id", "", text_cell(vm.text("config.guestId")));
    report.add("guest", "Guest", text_cell(vm.text("config.guestFullName")));
    report.add("host_name", "Host name", text_cell(vm.text("guest.hostName")));
    report.add("ip_address", "IP address", text_cell(vm.text("guest.ipAddress")));
    report.add("tools", "Guest agent", text_cell(vm.text("guest.toolsRunningStatus")));
    report.add("firmware", "Firmware", text_cell(vm.text("config.firmware")));
    report.add("hardware_version", "Hardware", text_cell(vm.text("config.version")));
    report.add("uuid", "UUID", text_cell(vm.text("config.uuid")));
    report.add("instance_uuid", "", text_cell(vm.text("config.instanceUuid")));
    report.add("template", "Template", yes_no_cell(vm.boolean("config.template")));
    report.add("vmx_path", "File", text_cell(vm.text("config.files.vmPathName")));
    report.add("notes", "Notes", text_cell(vm.text("config.annotation")));
    report.add("disks", "Disks", disk_table(devices));
    report.add("nics", "Network cards",
               nic_table(devices, vm.objects<vim::GuestNicInfo>("guest.net")));
    report.add("other_devices", "Other devices", other_table(devices));
    context.print(report);
}

}  // namespace

void add_vm_info(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("info", "Everything about one machine");
    auto name = std::make_shared<std::string>();
    command->add_option("VM", *name, "the machine")->required();
    command->callback([&context, name] { run(context, *name); });
}

}  // namespace drover::cli
