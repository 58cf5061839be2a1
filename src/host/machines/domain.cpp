#include "host/machines/domain.hpp"

#include <fnmatch.h>

#include <fstream>
#include <iterator>

#include "host/cpu/seen_cpu.hpp"
#include "host/networks.hpp"

namespace drover::host {

using hypervisor::DiskImage;
using hypervisor::ImageFormat;

namespace {

DiskImage image_of(const storage::DiskLayer& layer) {
    return {layer.host_path.string(),
            layer.format == vmx::DiskFormat::qcow2 ? ImageFormat::qcow2 : ImageFormat::raw};
}

machine::ResolvedDisk resolve_disk(storage::Datastore& store, const storage::DatastorePath& path) {
    const auto disk = store.volumes().describe_disk(path);
    machine::ResolvedDisk resolved;
    resolved.image = image_of(disk.chain.front());
    for (std::size_t i = 1; i < disk.chain.size(); ++i) {
        resolved.backing_chain.push_back(image_of(disk.chain[i]));
    }
    return resolved;
}

// Files that are named by devices and have to lie on a datastore.
void resolve_file(const Datastores& datastores, std::string_view name,
                  machine::DomainFacts& facts) {
    const auto path = storage::DatastorePath::parse(name);
    if (!path || path->is_root()) return;
    const DatastoreEntry* entry = datastores.find(path->datastore());
    if (entry != nullptr) facts.files[std::string(name)] = entry->store->host_path(*path).string();
}

// A serial port's log belongs to this process, so that clients can read it: QEMU appends to what is
// there, while a file that libvirt makes is root's alone.
void prepare_log(const Datastores& datastores, std::string_view name) {
    const auto path = storage::DatastorePath::parse(name);
    const DatastoreEntry* entry = path ? datastores.find(path->datastore()) : nullptr;
    if (entry == nullptr || path->is_root()) return;
    try {
        entry->store->blobs().create_exclusive(*path, "");
    } catch (const storage::StorageError& error) {
        if (error.kind() != storage::StorageErrorKind::already_exists) throw;
    }
}

// Likewise the firmware's variables, so that they can be copied with the machine's other files.
void prepare_nvram(const DatastoreEntry& home, const DomainInput& input,
                   const machine::DomainFacts& facts) {
    if (input.config.firmware() != "efi" || facts.uefi_nvram_template.empty()) return;
    std::ifstream source(facts.uefi_nvram_template, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(source), {}};
    if (content.empty()) return;  // the engine says what it lacks
    try {
        home.store->blobs().create_exclusive(nvram_of(input.path), content);
    } catch (const storage::StorageError& error) {
        if (error.kind() != storage::StorageErrorKind::already_exists) throw;
    }
}

void resolve_devices(const HostContext& context, const DomainInput& input,
                     machine::DomainFacts& facts) {
    for (const auto& device : input.config.hardware().device()) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (!backing) continue;
        const std::string name(backing.fileName());
        if (!device.is<vim::VirtualDisk>()) {
            resolve_file(context.datastores, name, facts);
            if (device.is<vim::VirtualSerialPort>()) prepare_log(context.datastores, name);
            continue;
        }
        const auto path = Datastores::parse_path(name);
        DatastoreEntry& entry = context.datastores.of_path(path);
        facts.disks[name] = resolve_disk(*entry.store, path);
    }
}

// The firmware that fits the machine's type; without secure boot unless that is asked for.
void choose_firmware(const HostContext& context, const DomainInput& input,
                     machine::DomainFacts& facts) {
    const std::string type(
        input.file.get("drover.machineType").value_or(context.host_info.default_machine_type));
    for (const auto& firmware : context.host_info.uefi_firmware) {
        if (firmware.enrolled_keys || firmware.secure_boot) continue;
        for (const std::string& pattern : firmware.machine_patterns) {
            if (::fnmatch(pattern.c_str(), type.c_str(), 0) != 0) continue;
            facts.uefi_loader = firmware.loader_path;
            facts.uefi_nvram_template = firmware.nvram_template;
            return;
        }
    }
}

}  // namespace

storage::DatastorePath nvram_of(const storage::DatastorePath& vmx) {
    std::string name = vmx.file_name();
    if (name.ends_with(".vmx")) name.resize(name.size() - 4);
    return *vmx.parent().child(name + ".nvram");
}

std::string serial_directory(const HostContext& context) {
    return (context.config.state_directory / "serial").string();
}

hypervisor::DomainSpec make_domain_spec(const HostContext& context, const DomainInput& input) {
    machine::DomainFacts facts;
    resolve_devices(context, input, facts);
    for (const NetworkEntry& network : context.networks.all()) {
        facts.bridges[network.name] = network.bridge;
    }
    facts.serial_directory = serial_directory(context);
    facts.accelerator = context.host_info.accelerator;
    facts.cpu.mode = facts.accelerator == hypervisor::Accelerator::kvm
                         ? hypervisor::CpuMode::host_model
                         : hypervisor::CpuMode::maximum;
    if (input.cpu) facts.cpu = *input.cpu;
    facts.cpu_mhz = context.host_info.cpu_mhz;
    choose_firmware(context, input, facts);
    const DatastoreEntry& home = context.datastores.of_path(input.path);
    facts.nvram_path = home.store->host_path(nvram_of(input.path)).string();
    prepare_nvram(home, input, facts);
    // A console that the machine's file opens is for the network; others are the host's own.
    if (input.file.get_bool("RemoteDisplay.vnc.enabled").value_or(false)) {
        facts.vnc_listen_address = context.config.management_address;
    }
    facts.cgroup_partition = context.config.cgroup_partition;
    facts.metadata[std::string(kMetadataVmx)] = input.path.to_string();
    facts.metadata[std::string(kMetadataGeneration)] = std::to_string(input.lease_generation);
    facts.metadata[std::string(kMetadataHost)] = context.host_uuid;
    if (!input.seen_cpu.empty()) facts.metadata[std::string(kMetadataCpu)] = input.seen_cpu;
    return machine::domain_spec_from_config(input.config, input.file, facts);
}

}  // namespace drover::host
