// Devices as commands name and make them.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "cli/vm.hpp"

namespace drover::cli {

using vim::VirtualDevice;

MachineDevices read_devices(Context& context, const std::string& name) {
    MachineDevices out;
    out.machine = client::find(context.connection(), vim::TypeId::VirtualMachine, name);
    const auto found =
        client::retrieve_object(context.connection(), out.machine.reference,
                                {"config.hardware.device", "config.files.vmPathName"});
    out.vm_path = found.text("config.files.vmPathName");
    out.devices = found.objects<VirtualDevice>("config.hardware.device");
    return out;
}

std::string label_of(const VirtualDevice& device) {
    const auto info = device.deviceInfo();
    if (info && !info.label().empty()) return std::string(info.label());
    return fmt::format("{}", device.key());
}

std::string file_of(const VirtualDevice& device) {
    const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
    return backing ? std::string(backing.fileName()) : std::string{};
}

std::size_t choose_device(std::string_view kind, const std::vector<VirtualDevice>& devices,
                          std::string_view text) {
    for (std::size_t i = 0; i < devices.size(); ++i) {
        if (label_of(devices[i]) == text) return i;
    }
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) {
        if (number >= 1 && static_cast<std::size_t>(number) <= devices.size()) {
            return static_cast<std::size_t>(number) - 1;
        }
        for (std::size_t i = 0; i < devices.size(); ++i) {
            if (devices[i].key() == number) return i;
        }
    }
    std::vector<std::string> labels;
    for (const auto& device : devices) labels.push_back(label_of(device));
    throw client::LookupError(labels.empty()
                                  ? fmt::format("the machine has no {}", kind)
                                  : fmt::format("the machine has no {} \"{}\"; it has: {}", kind,
                                                text, fmt::join(labels, ", ")));
}

void reconfigure(Context& context, const client::Named& machine,
                 const vim::VirtualMachineConfigSpec& spec, std::string_view done) {
    auto request = vim::ReconfigVM_TaskRequest::make();
    request.set_spec(spec);
    run_jobs(context, done, {{machine.name, [&] {
                                  return context.connection().start("ReconfigVM_Task",
                                                                    machine.reference, request);
                              }}});
}

namespace {

vim::VirtualDeviceConfigSpec change(const VirtualDevice& device,
                                    vim::VirtualDeviceConfigSpecOperation operation) {
    auto spec = vim::VirtualDeviceConfigSpec::make();
    spec.set_operation(operation);
    spec.set_device(device);
    return spec;
}

template <class T>
VirtualDevice as_device(const T& device) {
    return VirtualDevice(device.raw());
}

}  // namespace

vim::VirtualDeviceConfigSpec add_device(const VirtualDevice& device) {
    return change(device, vim::VirtualDeviceConfigSpecOperation::add);
}
vim::VirtualDeviceConfigSpec edit_device(const VirtualDevice& device) {
    return change(device, vim::VirtualDeviceConfigSpecOperation::edit);
}
vim::VirtualDeviceConfigSpec remove_device(const VirtualDevice& device) {
    return change(device, vim::VirtualDeviceConfigSpecOperation::remove);
}

vim::VirtualDeviceConnectInfo connected_info(bool connected) {
    auto info = vim::VirtualDeviceConnectInfo::make();
    info.set_startConnected(connected);
    info.set_connected(connected);
    info.set_allowGuestControl(true);
    return info;
}

VirtualDevice new_controller(std::int32_t key, std::int32_t bus_number) {
    auto controller = vim::ParaVirtualSCSIController::make();
    controller.set_key(key);
    controller.set_busNumber(bus_number);
    controller.set_sharedBus(vim::VirtualSCSISharing::noSharing);
    return as_device(controller);
}

vim::VirtualDisk new_disk(std::int32_t key, std::int32_t controller_key, std::int32_t unit,
                          const std::string& file, const DiskArgument& disk) {
    auto backing = vim::VirtualDiskFlatVer2BackingInfo::make();
    backing.set_fileName(file);
    backing.set_diskMode("persistent");
    backing.set_thinProvisioned(disk.provisioning == Provisioning::thin);
    if (disk.provisioning == Provisioning::eager) backing.set_eagerlyScrub(true);
    auto out = vim::VirtualDisk::make();
    out.set_key(key);
    out.set_controllerKey(controller_key);
    out.set_unitNumber(unit);
    out.set_capacityInKB((disk.bytes + 1023) / 1024);
    out.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));
    return out;
}

VirtualDevice new_nic(std::int32_t key, const NicArgument& nic) {
    vim::VirtualEthernetCard card;
    if (nic.model == "e1000") {
        card = vim::VirtualE1000::make();
    } else if (nic.model == "e1000e") {
        card = vim::VirtualE1000e::make();
    } else if (nic.model == "pcnet32") {
        card = vim::VirtualPCNet32::make();
    } else {
        card = vim::VirtualVmxnet3::make();
    }
    auto backing = vim::VirtualEthernetCardNetworkBackingInfo::make();
    backing.set_deviceName(nic.network);
    card.set_key(key);
    card.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));
    card.set_connectable(connected_info(true));
    card.set_addressType(nic.mac_address.empty() ? "generated" : "manual");
    if (!nic.mac_address.empty()) card.set_macAddress(nic.mac_address);
    return as_device(card);
}

vim::VirtualCdrom new_cdrom(std::int32_t key, std::optional<std::int32_t> controller_key,
                            const std::string& iso) {
    auto drive = vim::VirtualCdrom::make();
    drive.set_key(key);
    if (controller_key) drive.set_controllerKey(*controller_key);
    auto backing = vim::VirtualCdromIsoBackingInfo::make();
    backing.set_fileName(iso);
    drive.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));
    drive.set_connectable(connected_info(true));
    return drive;
}

VirtualDevice new_serial_port(std::int32_t key, const std::string& target) {
    auto port = vim::VirtualSerialPort::make();
    port.set_key(key);
    port.set_yieldOnPoll(true);
    if (target.starts_with("tcp://") || target.starts_with("telnet://")) {
        auto backing = vim::VirtualSerialPortURIBackingInfo::make();
        backing.set_serviceURI(target);
        backing.set_direction("server");
        port.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));
    } else {
        auto backing = vim::VirtualSerialPortFileBackingInfo::make();
        backing.set_fileName(target);
        port.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));
    }
    port.set_connectable(connected_info(true));
    return as_device(port);
}

std::optional<DiskPlace> free_disk_place(const std::vector<VirtualDevice>& devices) {
    for (const auto& device : devices) {
        const bool scsi = device.is<vim::VirtualSCSIController>();
        if (!scsi && !device.is<vim::VirtualSATAController>()) continue;
        std::set<std::int32_t> taken;
        for (const auto& other : devices) {
            if (other.controllerKey() == device.key())
                taken.insert(other.unitNumber().value_or(-1));
        }
        if (scsi) taken.insert(7);  // the controller itself
        // LSI Logic as drover has it takes 8, AHCI 6.
        const std::int32_t units = !scsi ? 6 : device.is<vim::ParaVirtualSCSIController>() ? 16 : 8;
        for (std::int32_t unit = 0; unit < units; ++unit) {
            if (!taken.contains(unit)) return DiskPlace{device.key(), unit};
        }
    }
    return std::nullopt;
}

}  // namespace drover::cli
