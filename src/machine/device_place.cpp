#include "machine/device_place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/check.hpp"

namespace drover::machine {

const std::vector<BusFacts>& all_buses() {
    static const std::vector<BusFacts> buses{
        {Bus::ide, "ide", kIdeKey, 2, 2},
        {Bus::scsi, "scsi", kScsiKey, 4, 64},
        {Bus::sata, "sata", kSataKey, 4, 30},
        {Bus::nvme, "nvme", kNvmeKey, 4, 64},
    };
    return buses;
}

const BusFacts& facts_of(Bus bus) {
    return all_buses()[static_cast<std::size_t>(bus)];
}

std::string Place::prefix() const {
    return fmt::format("{}{}:{}", facts_of(bus).name, controller, unit);
}

std::int32_t Place::controller_key() const {
    return facts_of(bus).controller_key + controller;
}

// SCSI keys leave 16 to each bus, as VMware's do; the paravirtual controller's further units follow
// behind those of all buses.
std::int32_t Place::device_key() const {
    switch (bus) {
        case Bus::ide:
            return 3000 + 2 * controller + unit;
        case Bus::scsi:
            return unit < 16 ? 2000 + 16 * controller + unit : 2064 + 48 * controller + (unit - 16);
        case Bus::sata:
            return 16000 + 30 * controller + unit;
        case Bus::nvme:
            return 32000 + 64 * controller + unit;
    }
    return 0;
}

std::optional<Place> controller_place(std::int32_t controller_key) {
    for (const BusFacts& facts : all_buses()) {
        const auto number = controller_key - facts.controller_key;
        if (number >= 0 && number < facts.controllers) return Place{facts.bus, number, 0};
    }
    return std::nullopt;
}

std::int32_t units_of(const vim::VirtualController& controller) {
    if (controller.is<vim::ParaVirtualSCSIController>()) return 64;
    if (controller.is<vim::VirtualSCSIController>()) return 16;
    if (controller.is<vim::VirtualSATAController>()) return 30;
    if (controller.is<vim::VirtualNVMEController>()) return 15;
    if (controller.is<vim::VirtualIDEController>()) return 2;
    return 0;
}

std::string vmx_prefix(const vim::VirtualDevice& device) {
    const std::int32_t key = device.key();
    if (device.is<vim::VirtualDisk>() || device.is<vim::VirtualCdrom>()) {
        auto place = controller_place(device.controllerKey().value_or(-1));
        if (!place) return {};
        place->unit = device.unitNumber().value_or(0);
        return place->prefix();
    }
    if (device.is<vim::VirtualEthernetCard>()) return fmt::format("ethernet{}", key - kEthernetKey);
    if (device.is<vim::VirtualSerialPort>()) return fmt::format("serial{}", key - kSerialKey);
    if (device.is<vim::VirtualFloppy>()) return fmt::format("floppy{}", key - kFloppyKey);
    if (device.is<vim::VirtualUSBController>()) return "usb";
    if (device.is<vim::VirtualUSBXHCIController>()) return "usb_xhci";
    if (device.is<vim::VirtualMachineVideoCard>()) return "svga";
    if (device.is<vim::VirtualMachineVMCIDevice>()) return "vmci0";
    if (device.is<vim::VirtualController>()) {
        const auto place = controller_place(key);
        if (place && place->bus != Bus::ide) {
            return fmt::format("{}{}", facts_of(place->bus).name, place->controller);
        }
    }
    return {};
}

namespace {

std::string with_commas(std::int64_t number) {
    std::string digits = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    }
    return digits;
}

std::string controller_summary(const vim::VirtualDevice& device) {
    if (device.is<vim::ParaVirtualSCSIController>()) return "VMware paravirtual SCSI";
    if (device.is<vim::VirtualLsiLogicSASController>()) return "LSI Logic SAS";
    if (device.is<vim::VirtualLsiLogicController>()) return "LSI Logic";
    if (device.is<vim::VirtualBusLogicController>()) return "BusLogic";
    if (device.is<vim::VirtualAHCIController>()) return "AHCI";
    return {};
}

std::string drive_summary(const vim::VirtualDeviceBackingInfo& backing) {
    if (const auto file = backing.as<vim::VirtualDeviceFileBackingInfo>()) {
        const bool iso = backing.is<vim::VirtualCdromIsoBackingInfo>();
        return fmt::format("{}{}", iso ? "ISO " : "Image ", file.fileName());
    }
    if (backing.is<vim::VirtualCdromAtapiBackingInfo>()) {
        return fmt::format("ATAPI {}",
                           backing.as<vim::VirtualDeviceDeviceBackingInfo>().deviceName());
    }
    if (backing.is<vim::VirtualDeviceRemoteDeviceBackingInfo>()) return "Remote device";
    if (const auto host = backing.as<vim::VirtualDeviceDeviceBackingInfo>()) {
        return std::string(host.deviceName());
    }
    return "No media";
}

std::string nic_summary(const vim::VirtualDeviceBackingInfo& backing) {
    if (const auto network = backing.as<vim::VirtualDeviceDeviceBackingInfo>()) {
        return std::string(network.deviceName());
    }
    return backing ? "DVSwitch" : "None";
}

std::string serial_summary(const vim::VirtualDeviceBackingInfo& backing) {
    if (const auto file = backing.as<vim::VirtualDeviceFileBackingInfo>()) {
        return fmt::format("File {}", file.fileName());
    }
    if (const auto pipe = backing.as<vim::VirtualDevicePipeBackingInfo>()) {
        return fmt::format("Named pipe {}", pipe.pipeName());
    }
    if (const auto uri = backing.as<vim::VirtualDeviceURIBackingInfo>()) {
        return fmt::format("Remote {}", uri.serviceURI());
    }
    if (const auto host = backing.as<vim::VirtualDeviceDeviceBackingInfo>()) {
        return fmt::format("Device {}", host.deviceName());
    }
    return "None";
}

struct Labels {
    std::string label;
    std::string summary;
};

// `nth` counts the devices of the same kind that came before.
Labels controller_labels(const vim::VirtualController& device) {
    const auto number = device.busNumber();
    std::string label;
    if (device.is<vim::VirtualSCSIController>()) {
        label = fmt::format("SCSI controller {}", number);
    } else if (device.is<vim::VirtualSATAController>()) {
        label = fmt::format("SATA controller {}", number);
    } else if (device.is<vim::VirtualNVMEController>()) {
        label = fmt::format("NVME controller {}", number);
    } else if (device.is<vim::VirtualIDEController>()) {
        label = fmt::format("IDE {}", number);
    } else if (device.is<vim::VirtualPCIController>()) {
        label = fmt::format("PCI controller {}", number);
    } else if (device.is<vim::VirtualPS2Controller>()) {
        label = fmt::format("PS2 controller {}", number);
    } else if (device.is<vim::VirtualSIOController>()) {
        label = fmt::format("SIO controller {}", number);
    } else if (const auto usb = device.as<vim::VirtualUSBController>()) {
        const bool automatic = usb.autoConnectDevices().value_or(false);
        return {"USB controller", automatic ? "Auto connect Enabled" : "Auto connect Disabled"};
    } else {
        label = "USB xHCI controller";
    }
    const std::string summary = controller_summary(device);
    return {label, summary.empty() ? label : summary};
}

Labels labels_of(const vim::VirtualDevice& device, int nth) {
    if (const auto controller = device.as<vim::VirtualController>()) {
        return controller_labels(controller);
    }
    if (const auto disk = device.as<vim::VirtualDisk>()) {
        return {fmt::format("Hard disk {}", nth + 1),
                fmt::format("{} KB", with_commas(disk.capacityInKB()))};
    }
    if (device.is<vim::VirtualCdrom>()) {
        return {fmt::format("CD/DVD drive {}", nth + 1), drive_summary(device.backing())};
    }
    if (device.is<vim::VirtualFloppy>()) {
        return {fmt::format("Floppy drive {}", device.key() - kFloppyKey + 1),
                drive_summary(device.backing())};
    }
    if (device.is<vim::VirtualEthernetCard>()) {
        return {fmt::format("Network adapter {}", device.key() - kEthernetKey + 1),
                nic_summary(device.backing())};
    }
    if (device.is<vim::VirtualSerialPort>()) {
        return {fmt::format("Serial port {}", device.key() - kSerialKey + 1),
                serial_summary(device.backing())};
    }
    if (device.is<vim::VirtualKeyboard>()) return {"Keyboard", "Keyboard"};
    if (device.is<vim::VirtualPointingDevice>()) {
        return {"Pointing device", "Pointing device; Device"};
    }
    if (device.is<vim::VirtualMachineVideoCard>()) return {"Video card", "Video card"};
    if (device.is<vim::VirtualMachineVMCIDevice>()) {
        return {"VMCI device",
                "Device on the virtual machine PCI bus that provides support for the virtual "
                "machine communication interface"};
    }
    return {};
}

int rank_of(const vim::VirtualDevice& device) {
    using vim::TypeId;
    constexpr TypeId order[] = {
        TypeId::VirtualIDEController,
        TypeId::VirtualPS2Controller,
        TypeId::VirtualPCIController,
        TypeId::VirtualSIOController,
        TypeId::VirtualKeyboard,
        TypeId::VirtualPointingDevice,
        TypeId::VirtualMachineVideoCard,
        TypeId::VirtualMachineVMCIDevice,
        TypeId::VirtualSCSIController,
        TypeId::VirtualSATAController,
        TypeId::VirtualNVMEController,
        TypeId::VirtualUSBController,
        TypeId::VirtualUSBXHCIController,
        TypeId::VirtualCdrom,
        TypeId::VirtualDisk,
        TypeId::VirtualFloppy,
        TypeId::VirtualEthernetCard,
        TypeId::VirtualSerialPort,
    };
    int rank = 0;
    for (const TypeId type : order) {
        if (is_a(device.dynamic_type(), type)) return rank;
        ++rank;
    }
    return rank;
}

}  // namespace

std::vector<vim::VirtualDevice> arranged(std::vector<vim::VirtualDevice> devices) {
    std::ranges::sort(devices, {}, [](const vim::VirtualDevice& device) {
        return std::tuple(rank_of(device), device.key());
    });
    std::map<std::int32_t, std::vector<std::int32_t>> children;
    std::map<int, int> seen;  // by rank
    for (auto& device : devices) {
        if (const auto parent = device.controllerKey()) children[*parent].push_back(device.key());
        const Labels text = labels_of(device, seen[rank_of(device)]++);
        auto description = vim::Description::make();
        description.set_label(text.label);
        description.set_summary(text.summary);
        device.set_deviceInfo(description);
    }
    for (auto& device : devices) {
        auto controller = device.as<vim::VirtualController>();
        if (!controller) continue;
        const auto found = children.find(controller.key());
        if (found == children.end()) {
            controller.clear_device();
        } else {
            std::ranges::sort(found->second);
            controller.set_device(found->second);
        }
        device = vim::VirtualDevice(controller.raw());
    }
    return devices;
}

}  // namespace drover::machine
