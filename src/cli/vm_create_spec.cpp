#include "cli/vm_create_spec.hpp"

#include <fmt/format.h>

#include "cli/vm.hpp"

namespace drover::cli {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::int32_t kIdeController = 200;  // every machine has it, under this key
constexpr std::size_t kMaxDisks = 15;         // on one controller
constexpr std::size_t kMaxDrives = 4;

// New devices have negative keys, all different.
class Keys {
public:
    std::int32_t next() { return --last_; }

private:
    std::int32_t last_ = -100;
};

vim::VirtualDeviceConfigSpec created(const vim::VirtualDisk& disk) {
    auto spec = add_device(vim::VirtualDevice(disk.raw()));
    spec.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::create);
    return spec;
}

vim::VirtualDisk linked_disk(std::int32_t key, std::int32_t controller_key, std::int32_t unit,
                             const std::string& file, const BaseDisk& base) {
    auto disk =
        new_disk(key, controller_key, unit, file, {base.capacity_bytes, Provisioning::thin});
    auto parent = vim::VirtualDiskFlatVer2BackingInfo::make();
    parent.set_fileName(base.file.to_string());
    parent.set_diskMode("persistent");
    auto backing = disk.backing().as<vim::VirtualDiskFlatVer2BackingInfo>();
    backing.set_parent(parent);
    disk.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));
    return disk;
}

void add_disks(const NewMachine& machine, Keys& keys,
               std::vector<vim::VirtualDeviceConfigSpec>& changes) {
    const std::size_t count = machine.disks.size() + (machine.base ? 1 : 0);
    if (count == 0) return;
    if (count > kMaxDisks) throw UsageError(fmt::format("at most {} disks", kMaxDisks));
    const std::int32_t controller = keys.next();
    changes.push_back(add_device(new_controller(controller, 0)));
    const std::string place = DatastorePath{machine.datastore, {}}.to_string();
    std::int32_t unit = 0;
    const auto next_unit = [&unit] {
        if (unit == 7) ++unit;  // the controller itself
        return unit++;
    };
    if (machine.base) {
        changes.push_back(
            created(linked_disk(keys.next(), controller, next_unit(), place, *machine.base)));
    }
    for (const auto& disk : machine.disks) {
        changes.push_back(created(new_disk(keys.next(), controller, next_unit(), place, disk)));
    }
}

// A plain file name means one in the machine's own directory.
std::string serial_target(const NewMachine& machine, const std::string& text) {
    if (text.contains("://")) return text;
    if (const auto path = parse_datastore_path(text)) {
        if (path->path.empty()) {
            throw UsageError(fmt::format("serial: \"{}\" names no file", text));
        }
        return path->to_string();
    }
    if (text.empty() || text.contains('/')) {
        throw UsageError(fmt::format(
            "serial: \"{}\" is neither a file's name, nor \"[datastore] directory/file\", nor "
            "telnet://ADDRESS:PORT",
            text));
    }
    const std::string file = text == "file" ? "serial.log" : text;
    return DatastorePath{machine.datastore, machine.name + "/" + file}.to_string();
}

}  // namespace

std::string parse_firmware(std::string_view text) {
    if (text == "bios") return "bios";
    if (text == "uefi" || text == "efi") return "efi";
    throw UsageError(fmt::format("firmware: \"{}\" is neither bios nor uefi", text));
}

vim::VirtualMachineConfigSpec make_spec(const NewMachine& machine) {
    if (machine.name.empty() || machine.name.size() > 80) {
        throw UsageError("a machine's name has 1 to 80 characters");
    }
    if (machine.memory_bytes < 4 * kMebibyte) throw UsageError("memory: at least 4M");
    auto files = vim::VirtualMachineFileInfo::make();
    const std::string place = DatastorePath{machine.datastore, {}}.to_string();
    files.set_vmPathName(place);
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_name(machine.name);
    spec.set_files(files);
    spec.set_numCPUs(machine.cpus);
    spec.set_memoryMB((machine.memory_bytes + kMebibyte - 1) / kMebibyte);
    spec.set_guestId(machine.guest_id);
    spec.set_firmware(machine.firmware);
    if (!machine.notes.empty()) spec.set_annotation(machine.notes);

    Keys keys;
    std::vector<vim::VirtualDeviceConfigSpec> changes;
    add_disks(machine, keys, changes);
    if (machine.isos.size() > kMaxDrives) {
        throw UsageError(fmt::format("at most {} CD-ROM drives", kMaxDrives));
    }
    for (std::size_t i = 0; i < machine.isos.size(); ++i) {
        const std::string iso = require_datastore_path("iso", machine.isos[i], "").to_string();
        auto drive = new_cdrom(keys.next(), kIdeController + static_cast<std::int32_t>(i / 2), iso);
        drive.set_unitNumber(static_cast<std::int32_t>(i % 2));
        changes.push_back(add_device(vim::VirtualDevice(drive.raw())));
    }
    for (const auto& nic : machine.nics) changes.push_back(add_device(new_nic(keys.next(), nic)));
    for (const auto& port : machine.serial_ports) {
        changes.push_back(add_device(new_serial_port(keys.next(), serial_target(machine, port))));
    }
    spec.set_deviceChange(changes);
    return spec;
}

}  // namespace drover::cli
