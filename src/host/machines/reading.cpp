#include "host/machines/reading.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "host/machines/machines.hpp"

namespace drover::host {
namespace {

machine::Provisioning provisioning_of(storage::Provisioning provisioning) {
    switch (provisioning) {
        case storage::Provisioning::thin:
            return machine::Provisioning::thin;
        case storage::Provisioning::thick_lazy:
            return machine::Provisioning::thick_lazy;
        case storage::Provisioning::thick_eager:
            return machine::Provisioning::thick_eager;
    }
    return machine::Provisioning::thin;
}

machine::DiskFacts facts_of(const storage::DiskDescription& disk) {
    machine::DiskFacts facts;
    facts.capacity_bytes = static_cast<std::int64_t>(disk.capacity_bytes);
    facts.provisioning = provisioning_of(disk.provisioning);
    facts.uuid = disk.uuid;
    facts.content_id = fmt::format("{:08x}", disk.content_id);
    if (disk.chain.size() > 1) facts.parent = disk.chain[1].descriptor.to_string();
    facts.adapter = disk.adapter_type;
    facts.used_bytes = static_cast<std::int64_t>(disk.allocated_bytes);
    facts.extent_file = disk.chain.front().data.to_string();
    return facts;
}

// VirtualMachineFileLayoutExFileType of what lies in a machine's directory; empty for disks, which
// are listed by what the machine says of them, and for what is none of its files.
std::string_view file_type(std::string_view name) {
    if (name.ends_with(".vmx")) return "config";
    if (name.ends_with(".nvram")) return "nvram";
    if (name.ends_with(".log")) return "log";
    if (name.ends_with(".vmss")) return "suspend";
    return {};
}

}  // namespace

vmx::VmxFile read_vmx(storage::Datastore& home, const storage::DatastorePath& path) {
    auto parsed = vmx::VmxFile::parse(home.blobs().read(path, Machines::kVmxLimitBytes));
    if (!parsed) {
        auto fault = vim::InvalidVmConfig::make();
        fault.set_property("config.files.vmPathName");
        throw vim::Fault(fault, fmt::format("{}: line {}: {}", path.to_string(),
                                            parsed.error().line, parsed.error().reason));
    }
    return *std::move(parsed);
}

machine::Disks describe_disks(storage::Datastore& store, const storage::DatastorePath& path) {
    machine::Disks found;
    storage::DatastorePath at = path;
    for (std::size_t depth = 0; depth < storage::VolumeStore::kMaxChain; ++depth) {
        try {
            const auto disk = store.volumes().describe_disk(at);
            found[at.to_string()] = facts_of(disk);
            if (disk.chain.size() < 2) break;
            at = disk.chain[1].descriptor;
        } catch (const storage::StorageError& error) {
            base::log_warning("disk {}: {}", at.to_string(), error.what());
            break;
        }
    }
    return found;
}

std::vector<machine::MachineFile> list_machine_files(storage::Datastore& home,
                                                     const storage::DatastorePath& vmx) {
    std::vector<machine::MachineFile> files;
    for (const auto& info : home.blobs().list(vmx.parent())) {
        const std::string_view type = file_type(info.name);
        const auto child = vmx.parent().child(info.name);
        if (type.empty() || !child || info.kind != storage::FileKind::file) continue;
        files.push_back({child->to_string(), std::string(type),
                         static_cast<std::int64_t>(info.allocated_bytes)});
    }
    return files;
}

std::optional<MachineReading> read_machine(storage::Datastore& home,
                                           const storage::DatastorePath& path,
                                           machine::ReadContext context) {
    MachineReading reading;
    reading.file = read_vmx(home, path);
    reading.context = std::move(context);
    reading.context.vm_path = path.to_string();
    for (const std::string& name : machine::disk_files(reading.file, reading.context)) {
        const auto disk = storage::DatastorePath::parse(name);
        if (!name.ends_with(".vmdk") || !disk || reading.context.disks.contains(name)) continue;
        if (disk->datastore() != path.datastore()) return std::nullopt;
        reading.context.disks.merge(describe_disks(home, *disk));
    }
    reading.files = list_machine_files(home, path);
    reading.config = machine::config_from_vmx(reading.file, reading.context);
    return reading;
}

}  // namespace drover::host
