#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/vm.hpp"

namespace drover::cli {
namespace {

constexpr std::int32_t kNewController = -101;
constexpr std::int32_t kNewDisk = -102;

struct AddOptions {
    std::string vm;
    std::string size;
    std::string file;
    std::string datastore;
};

void add(Context& context, const AddOptions& options) {
    if (options.size.empty() == options.file.empty()) {
        throw UsageError("vm disk add: give either the new disk's SIZE or an existing --file");
    }
    DiskArgument wanted;
    std::string file;
    if (options.file.empty()) {
        wanted = parse_disk(options.size);
    } else {
        file = require_datastore_path("--file", options.file, ".vmdk").to_string();
    }
    const auto machine = read_devices(context, options.vm);
    if (file.empty()) {
        std::string datastore = options.datastore;
        if (datastore.empty()) {
            datastore = require_datastore_path("vm", machine.vm_path, ".vmx").datastore;
        }
        file = DatastorePath{datastore, {}}.to_string();
    }
    std::vector<vim::VirtualDeviceConfigSpec> changes;
    auto place = free_disk_place(machine.devices);
    if (!place) {
        const auto controllers = machine.of<vim::VirtualSCSIController>();
        changes.push_back(add_device(
            new_controller(kNewController, static_cast<std::int32_t>(controllers.size()))));
        place = DiskPlace{kNewController, 0};
    }
    auto disk = new_disk(kNewDisk, place->controller_key, place->unit, file, wanted);
    auto change = add_device(vim::VirtualDevice(disk.raw()));
    if (options.file.empty()) {
        change.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::create);
    }
    changes.push_back(change);
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_deviceChange(changes);
    reconfigure(context, machine.machine, spec, "disk added");
}

struct RemoveOptions {
    std::string vm;
    std::string disk;
    bool keep_file = false;
    bool yes = false;
};

void remove(Context& context, const RemoveOptions& options) {
    const auto machine = read_devices(context, options.vm);
    std::vector<vim::VirtualDevice> disks;
    for (const auto& disk : machine.of<vim::VirtualDisk>()) {
        disks.emplace_back(disk.raw());
    }
    const auto disk = disks[choose_device("disk", disks, options.disk)];
    auto change = remove_device(disk);
    if (!options.keep_file) {
        confirm(context, options.yes,
                fmt::format("Destroy {} of {} ({}) with all its data?", label_of(disk),
                            machine.machine.name, file_of(disk)));
        change.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::destroy);
    }
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_deviceChange({change});
    reconfigure(context, machine.machine, spec,
                options.keep_file ? "disk removed, its file kept" : "disk destroyed");
}

}  // namespace

void add_vm_disk(CLI::App& parent, Context& context) {
    auto& group = *parent.add_subcommand("disk", "Add and remove disks");
    group.require_subcommand(1);
    auto added = std::make_shared<AddOptions>();
    auto* command = group.add_subcommand("add", "Add a new disk, or an existing one");
    command->add_option("VM", added->vm, "the machine")->required();
    command->add_option("SIZE", added->size, "such as 10G or 10G,thick (thin, thick, eager)");
    command->add_option("--file", added->file, "an existing disk, \"[datastore] x/x.vmdk\"")
        ->type_name("FILE");
    command->add_option("--datastore", added->datastore, "for a new disk, if not the machine's own")
        ->type_name("NAME");
    command->footer(
        "\nExamples:\n  drover vm disk add web1 20G\n"
        "  drover vm disk add web1 --file \"[shared] data/data.vmdk\"");
    command->callback([&context, added] { add(context, *added); });

    auto removed = std::make_shared<RemoveOptions>();
    command = group.add_subcommand("remove", "Remove a disk, with its file unless told otherwise");
    command->add_option("VM", removed->vm, "the machine")->required();
    command->add_option("DISK", removed->disk, "its label (\"Hard disk 2\"), number (2) or key")
        ->required();
    command->add_flag("--keep-file", removed->keep_file, "leave the file on the datastore");
    command->add_flag("-y,--yes", removed->yes, "don't ask");
    command->footer("\nExample:\n  drover vm disk remove web1 2 --keep-file");
    command->callback([&context, removed] { remove(context, *removed); });
}

}  // namespace drover::cli
