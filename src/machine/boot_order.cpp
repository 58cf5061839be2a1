#include "machine/boot_order.hpp"

#include <algorithm>
#include <string>

#include "machine/device_place.hpp"
#include "machine/property_text.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

std::vector<std::string> words_of(const vmx::VmxFile& file, std::string_view key) {
    std::vector<std::string> out;
    const std::string text = vmx::lower_case(file.get(key).value_or(""));
    std::string_view rest = text;
    while (!rest.empty() && out.size() < 64) {
        const auto comma = rest.find(',');
        out.emplace_back(vmx::trimmed(rest.substr(0, comma)));
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
    return out;
}

template <class T>
BootDevice boot_device(std::int32_t key) {
    T made = T::make();
    made.set_deviceKey(key);
    return BootDevice(made.raw());
}

void append_disks(std::vector<BootDevice>& out, const vmx::VmxFile& file,
                  const std::vector<vim::VirtualDevice>& devices) {
    const auto named = words_of(file, "bios.hddOrder");
    const auto add = [&](const vim::VirtualDevice& disk) {
        auto entry = boot_device<vim::VirtualMachineBootOptionsBootableDiskDevice>(disk.key());
        if (std::ranges::find(out, entry) == out.end()) out.push_back(entry);
    };
    for (const auto& word : named) {
        for (const auto& device : devices) {
            if (device.is<vim::VirtualDisk>() && vmx_prefix(device) == word) add(device);
        }
    }
    if (!named.empty()) return;
    for (const auto& device : devices) {
        if (device.is<vim::VirtualDisk>()) add(device);
    }
}

}  // namespace

std::vector<BootDevice> boot_order_from_vmx(const vmx::VmxFile& file,
                                            const std::vector<vim::VirtualDevice>& devices) {
    std::vector<BootDevice> out;
    const auto add = [&](const BootDevice& entry) {
        if (std::ranges::find(out, entry) == out.end()) out.push_back(entry);
    };
    for (const auto& word : words_of(file, "bios.bootOrder")) {
        if (word == "hdd") {
            append_disks(out, file, devices);
        } else if (word == "cdrom") {
            add(BootDevice(vim::VirtualMachineBootOptionsBootableCdromDevice::make().raw()));
        } else if (word == "floppy") {
            add(BootDevice(vim::VirtualMachineBootOptionsBootableFloppyDevice::make().raw()));
        } else {
            for (const auto& device : devices) {
                if (!device.is<vim::VirtualEthernetCard>() || vmx_prefix(device) != word) continue;
                add(boot_device<vim::VirtualMachineBootOptionsBootableEthernetDevice>(
                    device.key()));
            }
        }
    }
    return out;
}

bool is_boot_order_key(std::string_view key) {
    const std::string name = vmx::lower_case(key);
    return name == "bios.bootorder" || name == "bios.hddorder";
}

std::optional<std::vector<BootDevice>> boot_order_from_options(
    const std::vector<vim::OptionValue>& options, const vmx::VmxFile& file,
    const std::vector<vim::VirtualDevice>& devices) {
    std::optional<vmx::VmxFile> changed;
    for (const auto& option : options) {
        if (!is_boot_order_key(option.key())) continue;
        if (!changed) changed = file;
        changed->set(option.key(), value_to_text(option.value()));
    }
    if (!changed) return std::nullopt;
    return boot_order_from_vmx(*changed, devices);
}

void write_boot_order(vmx::VmxFile& file, const std::vector<BootDevice>& order,
                      const std::vector<vim::VirtualDevice>& devices) {
    if (boot_order_from_vmx(file, devices) == order) return;
    std::string words;
    std::string disks;
    const auto append = [](std::string& list, std::string_view word) {
        if (!list.empty()) list += ',';
        list += word;
    };
    const auto prefix_of = [&](std::int32_t key) {
        const auto found = std::ranges::find(devices, key, &vim::VirtualDevice::key);
        return found == devices.end() ? std::string{} : vmx_prefix(*found);
    };
    for (const auto& entry : order) {
        using namespace vim;
        if (const auto disk = entry.as<VirtualMachineBootOptionsBootableDiskDevice>()) {
            if (disks.empty()) append(words, "hdd");
            append(disks, prefix_of(disk.deviceKey()));
        } else if (const auto nic = entry.as<VirtualMachineBootOptionsBootableEthernetDevice>()) {
            append(words, prefix_of(nic.deviceKey()));
        } else if (entry.is<VirtualMachineBootOptionsBootableCdromDevice>()) {
            append(words, "cdrom");
        } else if (entry.is<VirtualMachineBootOptionsBootableFloppyDevice>()) {
            append(words, "floppy");
        }
    }
    if (words.empty()) {
        file.remove("bios.bootOrder");
    } else {
        file.set("bios.bootOrder", words);
    }
    if (disks.empty()) {
        file.remove("bios.hddOrder");
    } else {
        file.set("bios.hddOrder", disks);
    }
}

}  // namespace drover::machine
