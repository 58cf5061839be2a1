#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/vm.hpp"
#include "cli/vm_create_spec.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string vm;
    std::optional<std::int32_t> cpus;
    std::string memory;
    std::string name;
    std::optional<std::string> notes;
    std::string firmware;
    std::string guest;
    std::string boot;
    std::vector<std::string> extra;
};

template <class T>
vim::VirtualMachineBootOptionsBootableDevice bootable(const T& device) {
    return vim::VirtualMachineBootOptionsBootableDevice(device.raw());
}

// The order in the API's words: disks and cards one by one.
vim::VirtualMachineBootOptions boot_options(const std::vector<BootDevice>& order,
                                            const MachineDevices& machine) {
    std::vector<vim::VirtualMachineBootOptionsBootableDevice> out;
    for (const BootDevice each : order) {
        if (each == BootDevice::cdrom) {
            out.push_back(bootable(vim::VirtualMachineBootOptionsBootableCdromDevice::make()));
        } else if (each == BootDevice::floppy) {
            out.push_back(bootable(vim::VirtualMachineBootOptionsBootableFloppyDevice::make()));
        } else if (each == BootDevice::disk) {
            for (const auto& disk : machine.of<vim::VirtualDisk>()) {
                auto entry = vim::VirtualMachineBootOptionsBootableDiskDevice::make();
                entry.set_deviceKey(disk.key());
                out.push_back(bootable(entry));
            }
        } else {
            for (const auto& card : machine.of<vim::VirtualEthernetCard>()) {
                auto entry = vim::VirtualMachineBootOptionsBootableEthernetDevice::make();
                entry.set_deviceKey(card.key());
                out.push_back(bootable(entry));
            }
        }
    }
    if (out.empty()) throw UsageError("--boot: the machine has no such device");
    auto options = vim::VirtualMachineBootOptions::make();
    options.set_bootOrder(out);
    return options;
}

std::vector<vim::OptionValue> extra_config(const std::vector<std::string>& settings) {
    std::vector<vim::OptionValue> out;
    for (const auto& setting : settings) {
        const auto equals = setting.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw UsageError("--extra: \"" + setting + "\" is not KEY=VALUE");
        }
        auto option = vim::OptionValue::make();
        option.set_key(setting.substr(0, equals));
        option.set_value(vim::Value::string(setting.substr(equals + 1)));
        out.push_back(option);
    }
    return out;
}

vim::VirtualMachineConfigSpec spec_from(const Options& options) {
    constexpr std::int64_t kMebibyte = 1 << 20;
    auto spec = vim::VirtualMachineConfigSpec::make();
    if (options.cpus) spec.set_numCPUs(*options.cpus);
    if (!options.memory.empty()) {
        spec.set_memoryMB((parse_size("memory", options.memory) + kMebibyte - 1) / kMebibyte);
    }
    if (!options.name.empty()) spec.set_name(options.name);
    if (options.notes) spec.set_annotation(*options.notes);
    if (!options.firmware.empty()) spec.set_firmware(parse_firmware(options.firmware));
    if (!options.guest.empty()) spec.set_guestId(options.guest);
    if (!options.extra.empty()) spec.set_extraConfig(extra_config(options.extra));
    return spec;
}

void run(Context& context, const Options& options) {
    auto spec = spec_from(options);
    if (options.boot.empty()) {
        if (spec == vim::VirtualMachineConfigSpec::make()) {
            throw UsageError("vm set: say what to change; see drover vm set --help");
        }
        const auto vm = client::find(context.connection(), vim::TypeId::VirtualMachine, options.vm);
        return reconfigure(context, vm, spec, "changed");
    }
    const auto order = parse_boot_order(options.boot);
    const auto machine = read_devices(context, options.vm);
    spec.set_bootOptions(boot_options(order, machine));
    reconfigure(context, machine.machine, spec, "changed");
}

}  // namespace

void add_vm_set(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("set", "Change a machine");
    auto options = std::make_shared<Options>();
    command->add_option("VM", options->vm, "the machine")->required();
    command->add_option("--cpus", options->cpus, "virtual CPUs")->check(CLI::Range(1, 768));
    command->add_option("--memory", options->memory, "such as 512M or 4G")->type_name("SIZE");
    command->add_option("--name", options->name, "a new name")->type_name("NAME");
    command->add_option("--notes", options->notes, "a note for people")->type_name("TEXT");
    command->add_option("--firmware", options->firmware, "bios or uefi")->type_name("KIND");
    command->add_option("--guest", options->guest, "the guest's kind, such as debian11_64Guest")
        ->type_name("ID");
    command->add_option("--boot", options->boot, "boot order, of disk, cdrom, net, floppy")
        ->type_name("LIST");
    command
        ->add_option("--extra", options->extra,
                     "a line of the machine's file; an empty value removes it; may be repeated")
        ->type_name("KEY=VALUE")
        ->expected(1)
        ->take_all();
    command->footer(R"(
Most changes need the machine to be powered off.

Examples:
  drover vm set web1 --cpus 4 --memory 8G
  drover vm set web1 --boot cdrom,disk --notes "installing")");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace drover::cli
