#include "host/migration/description.hpp"

#include <fmt/format.h>

#include "host/cpu/seen_cpu.hpp"
#include "host/machines/live_devices.hpp"
#include "machine/datastore_file.hpp"

namespace drover::host {

using storage::DatastorePath;

namespace {

const DatastoreEntry& place_of(const HostContext& context, const DatastorePath& path) {
    const DatastoreEntry& entry = context.datastores.of_path(path);
    if (entry.info.uuid.empty() || !entry.info.accessible) {
        auto fault = vim::InaccessibleDatastore::make();
        fault.set_name(entry.name);
        fault.set_datastore(entry.ref);
        throw vim::Fault(fault, fmt::format("The datastore {} can't be reached.", entry.name));
    }
    return entry;
}

// The key of the .vmx file that names a file; empty if none does.
std::string setting_of(const Machine& machine, std::string_view file) {
    const auto directory = machine::machine_directory(machine.path.to_string());
    for (const std::string& key : machine.file.keys()) {
        if (!key.ends_with(".fileName") && !key.ends_with(".filename")) continue;
        const std::string name = machine.file.get(key).value_or("");
        if (machine::file_from_vmx(name, directory, machine.datastores) == file) return key;
    }
    return {};
}

std::string provisioning_of(const Machine& machine, std::string_view file) {
    const auto at = machine.disks.find(file);
    if (at == machine.disks.end()) return "thin";
    switch (at->second.provisioning) {
        case machine::Provisioning::thin:
            return "thin";
        case machine::Provisioning::thick_lazy:
            return "thick";
        case machine::Provisioning::thick_eager:
            return "eagerZeroedThick";
    }
    return "thin";
}

vim::DroverMigrationDisk describe_disk(const HostContext& context, const Machine& machine,
                                       const vim::VirtualDisk& disk, const DatastorePath& path) {
    auto made = vim::DroverMigrationDisk::make();
    made.set_key(disk.key());
    made.set_setting(setting_of(machine, path.to_string()));
    made.set_target(target_of(disk));
    made.set_datastoreUuid(place_of(context, path).info.uuid);
    made.set_path(path.relative());
    made.set_capacityInBytes(disk.capacityInKB() * 1024);
    made.set_provisioning(provisioning_of(machine, path.to_string()));
    const auto facts = machine.disks.find(path.to_string());
    made.set_adapterType(facts == machine.disks.end() ? "lsilogic" : facts->second.adapter);
    return made;
}

void describe_devices(const HostContext& context, const Machine& machine,
                      vim::DroverMigrationSpec& spec) {
    std::vector<vim::DroverMigrationDisk> disks;
    std::vector<vim::DroverMigrationFile> files;
    std::vector<std::string> networks;
    for (const auto& device : machine.config.hardware().device()) {
        if (const auto nic = device.backing().as<vim::VirtualEthernetCardNetworkBackingInfo>()) {
            networks.emplace_back(nic.deviceName());
            continue;
        }
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        const auto path =
            backing ? DatastorePath::parse(backing.fileName()) : std::unexpected(std::string());
        if (!path || path->is_root()) continue;
        if (const auto disk = device.as<vim::VirtualDisk>()) {
            disks.push_back(describe_disk(context, machine, disk, *path));
            continue;
        }
        // An ejected medium keeps its name, wherever that may be.
        const DatastoreEntry* entry = context.datastores.find(path->datastore());
        if (entry == nullptr || entry->info.uuid.empty()) continue;
        auto file = vim::DroverMigrationFile::make();
        file.set_key(device.key());
        file.set_setting(setting_of(machine, path->to_string()));
        file.set_datastoreUuid(entry->info.uuid);
        file.set_path(path->relative());
        files.push_back(file);
    }
    spec.set_disk(disks);
    spec.set_file(files);
    spec.set_network(std::vector<std::string_view>(networks.begin(), networks.end()));
}

}  // namespace

vim::DroverMigrationSpec describe_machine(const HostContext& context, const Machine& machine) {
    require_usable(machine);
    const DatastoreEntry& home = place_of(context, machine.path);
    auto spec = vim::DroverMigrationSpec::make();
    spec.set_sourceHostUuid(context.host_uuid);
    spec.set_sourceHostName(context.config.host_name);
    spec.set_sourceCa("");
    spec.set_name(machine.name());
    spec.set_uuid(machine.config.uuid());
    spec.set_instanceUuid(machine.config.instanceUuid().value_or(""));
    spec.set_datastoreUuid(home.info.uuid);
    spec.set_path(machine.path.relative());
    spec.set_vmx(machine.file.to_string());
    spec.set_powerState(machine.power_state());
    spec.set_template(machine.is_template);
    const auto hardware = machine.config.hardware();
    spec.set_memoryInBytes(std::int64_t{hardware.memoryMB()} << 20);
    spec.set_numCPUs(hardware.numCPU());
    const auto cpu = machine.config.cpuAllocation();
    const auto memory = machine.config.memoryAllocation();
    spec.set_cpuReservationMhz(cpu ? cpu.reservation().value_or(0) : 0);
    spec.set_memoryReservationMB(memory ? memory.reservation().value_or(0) : 0);
    if (const auto seen = seen_cpu(machine)) {
        spec.set_cpuVendor(plan::text_of(seen->vendor));
        const auto& names = seen->features.names();
        spec.set_cpuFeature(std::vector<std::string_view>(names.begin(), names.end()));
    }
    describe_devices(context, machine, spec);
    if (machine.domain) {
        if (machine.boot_time) spec.set_bootTime(*machine.boot_time);
        spec.set_connected({machine.connected.begin(), machine.connected.end()});
    }
    return spec;
}

}  // namespace drover::host
