#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <set>

#include "cli/commands.hpp"
#include "cli/vm.hpp"

namespace drover::cli {
namespace {

constexpr std::int32_t kNewDrive = -101;

struct Options {
    std::string vm;
    std::string iso;
    std::string drive = "1";
};

void change(Context& context, const MachineDevices& machine,
            const vim::VirtualDeviceConfigSpec& change, std::string_view done) {
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_deviceChange({change});
    reconfigure(context, machine.machine, spec, done);
}

vim::VirtualCdrom chosen(const MachineDevices& machine, const std::string& text) {
    std::vector<vim::VirtualDevice> drives;
    for (const auto& drive : machine.of<vim::VirtualCdrom>()) drives.emplace_back(drive.raw());
    return drives[choose_device("CD-ROM drive", drives, text)].as<vim::VirtualCdrom>();
}

// A drive for a machine that has none: at the first free place of an IDE controller.
vim::VirtualDevice added_drive(const MachineDevices& machine, const std::string& iso) {
    for (const auto& controller : machine.of<vim::VirtualIDEController>()) {
        std::set<std::int32_t> taken;
        for (const auto& device : machine.devices) {
            if (device.controllerKey() == controller.key()) {
                taken.insert(device.unitNumber().value_or(0));
            }
        }
        for (std::int32_t unit = 0; unit < 2; ++unit) {
            if (taken.contains(unit)) continue;
            auto drive = new_cdrom(kNewDrive, controller.key(), iso);
            drive.set_unitNumber(unit);
            return vim::VirtualDevice(drive.raw());
        }
    }
    return vim::VirtualDevice(new_cdrom(kNewDrive, std::nullopt, iso).raw());
}

void insert(Context& context, const Options& options) {
    const auto iso = require_datastore_path("iso", options.iso, "").to_string();
    const auto machine = read_devices(context, options.vm);
    if (machine.of<vim::VirtualCdrom>().empty()) {
        return change(context, machine, add_device(added_drive(machine, iso)),
                      "drive with the image added");
    }
    auto drive = chosen(machine, options.drive);
    const auto wanted = new_cdrom(drive.key(), drive.controllerKey(), iso);
    drive.set_backing(wanted.backing());
    drive.set_connectable(wanted.connectable());
    change(context, machine, edit_device(vim::VirtualDevice(drive.raw())), "image inserted");
}

void eject(Context& context, const Options& options) {
    const auto machine = read_devices(context, options.vm);
    auto drive = chosen(machine, options.drive);
    auto empty = vim::VirtualCdromRemotePassthroughBackingInfo::make();
    empty.set_deviceName("");
    empty.set_exclusive(false);
    drive.set_backing(vim::VirtualDeviceBackingInfo(empty.raw()));
    drive.set_connectable(connected_info(false));
    change(context, machine, edit_device(vim::VirtualDevice(drive.raw())), "image ejected");
}

}  // namespace

void add_vm_cdrom(CLI::App& parent, Context& context) {
    auto& group = *parent.add_subcommand("cdrom", "Insert and eject CD-ROM images");
    group.require_subcommand(1);
    auto inserted = std::make_shared<Options>();
    auto* command = group.add_subcommand("insert", "Put an image into a drive; adds one if needed");
    command->add_option("VM", inserted->vm, "the machine")->required();
    command->add_option("ISO", inserted->iso, "\"[datastore] iso/x.iso\"")->required();
    command->add_option("--drive", inserted->drive, "label, number or key")->capture_default_str();
    command->footer("\nExample:\n  drover vm cdrom insert web1 \"[shared] iso/debian.iso\"");
    command->callback([&context, inserted] { insert(context, *inserted); });

    auto ejected = std::make_shared<Options>();
    command = group.add_subcommand("eject", "Take the image out of a drive");
    command->add_option("VM", ejected->vm, "the machine")->required();
    command->add_option("--drive", ejected->drive, "label, number or key")->capture_default_str();
    command->callback([&context, ejected] { eject(context, *ejected); });
}

}  // namespace drover::cli
