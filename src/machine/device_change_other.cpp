#include <algorithm>

#include "machine/device_change.hpp"
#include "machine/serial_uri.hpp"

namespace drover::machine {

using vim::VirtualDevice;

namespace {

[[noreturn]] void refuse_more(std::string_view path) {
    auto fault = vim::TooManyDevices::make();
    fault.set_property(path);
    throw vim::Fault(fault, fmt::format("{}: the machine has all devices of this kind that it can "
                                        "have",
                                        path));
}

vim::VirtualDevice like(const VirtualDevice& wanted, std::int32_t key, std::int32_t controller_key,
                        std::int32_t unit) {
    VirtualDevice device = wanted;
    device.set_key(key);
    device.set_controllerKey(controller_key);
    device.set_unitNumber(unit);
    device.clear_slotInfo();
    return device;
}

template <class Refuse>
void check_uri(const vim::VirtualSerialPortURIBackingInfo& backing, const Refuse& refuse) {
    const bool connects = backing.direction() == "client";
    if (!connects && backing.direction() != "server") {
        refuse("device.backing.direction", "must be client or server");
    }
    const auto uri = parse_serial_uri(backing.serviceURI());
    if (!uri) {
        refuse("device.backing.serviceURI", "must be tcp://address:port or telnet://:port");
    }
    if (connects && uri->port != 0 && !uri->is_possible_target()) {
        refuse("device.backing.serviceURI", "must have another host's numeric address");
    }
}

}  // namespace

std::int32_t DeviceChange::free_number(const Change& change, std::int32_t base_key,
                                       std::int32_t count) const {
    for (std::int32_t number = 0; number < count; ++number) {
        const auto taken = [&](const auto& device) { return device.key() == base_key + number; };
        if (std::ranges::none_of(devices_, taken)) return number;
    }
    refuse_more(change_path(change.index, "device"));
}

void DeviceChange::add_controller(const Change& change) {
    const auto wanted = change.device.as<vim::VirtualController>();
    if (wanted.is<vim::VirtualUSBController>() || wanted.is<vim::VirtualUSBXHCIController>()) {
        const bool xhci = wanted.is<vim::VirtualUSBXHCIController>();
        const std::int32_t key = xhci ? kXhciKey : kUsbKey;
        if (find(key) != nullptr) refuse_more(change_path(change.index, "device"));
        vim::VirtualController usb(like(wanted, key, kPciKey, xhci ? 23 : 22).raw());
        usb.set_busNumber(0);
        return store(change, usb);
    }
    const bool scsi = wanted.is<vim::VirtualLsiLogicController>() ||
                      wanted.is<vim::VirtualLsiLogicSASController>() ||
                      wanted.is<vim::ParaVirtualSCSIController>();
    const bool sata = wanted.is<vim::VirtualAHCIController>();
    if (!scsi && !sata) {
        refuse_device<vim::DeviceUnsupportedForVmPlatform>(
            change.index, "device",
            fmt::format("{} is not supported", vim::describe(wanted.dynamic_type()).name()));
    }
    if (scsi && change.device.as<vim::VirtualSCSIController>().sharedBus() !=
                    vim::VirtualSCSISharing::noSharing) {
        refuse_device<vim::DeviceUnsupportedForVmPlatform>(
            change.index, "device.sharedBus", "a bus that machines share is not supported");
    }
    const BusFacts& facts = facts_of(scsi ? Bus::scsi : Bus::sata);
    const std::int32_t number = wanted.busNumber();
    const bool free_left = [&] {
        for (std::int32_t i = 0; i < facts.controllers; ++i) {
            if (find(facts.controller_key + i) == nullptr) return true;
        }
        return false;
    }();
    if (!free_left) refuse_more(change_path(change.index, "device"));
    if (number < 0 || number >= facts.controllers) {
        refuse_device(change.index, "device.busNumber",
                      fmt::format("must be 0 to {}", facts.controllers - 1));
    }
    const std::int32_t key = facts.controller_key + number;
    if (find(key) != nullptr) {
        refuse_device(change.index, "device.busNumber",
                      fmt::format("another controller has bus number {}", number));
    }
    store(change, like(wanted, key, kPciKey, (scsi ? 3 : 24) + number));
}

// A medium that is an image must lie on a datastore: what the API names must not reach other files
// of the host.
void DeviceChange::check_media(const Change& change) const {
    const auto backing = change.device.backing();
    const bool drive = change.device.is<vim::VirtualCdrom>();
    const bool fits = drive ? backing.is<vim::VirtualCdromIsoBackingInfo>() ||
                                  backing.is<vim::VirtualCdromAtapiBackingInfo>() ||
                                  backing.is<vim::VirtualCdromPassthroughBackingInfo>() ||
                                  backing.is<vim::VirtualCdromRemoteAtapiBackingInfo>() ||
                                  backing.is<vim::VirtualCdromRemotePassthroughBackingInfo>()
                            : backing.is<vim::VirtualFloppyImageBackingInfo>() ||
                                  backing.is<vim::VirtualFloppyDeviceBackingInfo>() ||
                                  backing.is<vim::VirtualFloppyRemoteDeviceBackingInfo>();
    if (!fits) {
        refuse_device<vim::InvalidDeviceBacking>(change.index, "device.backing",
                                                 "is missing or of a kind that does not fit");
    }
    const auto image = backing.as<vim::VirtualDeviceFileBackingInfo>();
    if (!image || image.fileName().empty()) return;
    const auto parsed = DatastoreFile::parse(image.fileName());
    if (!parsed || parsed->outside() || parsed->relative.empty()) {
        refuse_device<vim::InvalidDeviceBacking>(change.index, "device.backing.fileName",
                                                 "is no file on a datastore");
    }
    if (!context_.datastores.contains(parsed->datastore) &&
        parsed->datastore != machine_directory(context_.vm_path).datastore) {
        refuse_device<vim::InvalidDeviceBacking>(
            change.index, "device.backing.fileName",
            fmt::format("there is no datastore \"{}\"", parsed->datastore));
    }
}

void DeviceChange::add_cdrom(const Change& change) {
    check_media(change);
    const Place place = place_for(change, Bus::ide);
    store(change, like(change.device, place.device_key(), place.controller_key(), place.unit));
}

void DeviceChange::add_floppy(const Change& change) {
    check_media(change);
    const std::int32_t number = free_number(change, kFloppyKey, kMaxFloppies);
    store(change, like(change.device, kFloppyKey + number, kSioKey, number));
}

void DeviceChange::check_serial(const Change& change) const {
    const auto refuse = [&](std::string_view property, std::string_view reason) {
        refuse_device<vim::InvalidDeviceBacking>(change.index, property, reason);
    };
    const auto backing = change.device.backing();
    if (const auto file = backing.as<vim::VirtualSerialPortFileBackingInfo>()) {
        const auto parsed = DatastoreFile::parse(file.fileName());
        if (!parsed || parsed->outside() || parsed->relative.empty()) {
            refuse("device.backing.fileName", "must be a file on a datastore");
        }
        const auto name = parsed->file_name();
        for (const char* own : {".vmx", ".vmdk", ".nvram", ".vmtx", ".raw", ".qcow2", ".lease"}) {
            if (name.ends_with(own))
                refuse("device.backing.fileName", "names a machine's own file");
        }
    } else if (const auto uri = backing.as<vim::VirtualSerialPortURIBackingInfo>()) {
        check_uri(uri, refuse);
    } else if (const auto pipe = backing.as<vim::VirtualSerialPortPipeBackingInfo>()) {
        if (pipe.endpoint() != "server") refuse("device.backing.endpoint", "must be server");
        const auto name = pipe.pipeName();
        if (name.empty() || name.size() > 64 || name.contains('/')) {
            refuse("device.backing.pipeName", "must be a plain name of up to 64 bytes");
        }
    } else {
        refuse("device.backing", "must be a file, a URI or a pipe");
    }
}

void DeviceChange::add_serial(const Change& change) {
    check_serial(change);
    const std::int32_t number = free_number(change, kSerialKey, kMaxSerialPorts);
    store(change, like(change.device, kSerialKey + number, kSioKey, number));
}

// Edits of everything else keep the place. Media and connections change while the machine runs.
void DeviceChange::edit_other(const Change& change) {
    const VirtualDevice present = existing(change);
    const VirtualDevice& wanted = change.device;
    VirtualDevice device = present;
    const bool removable = present.is<vim::VirtualCdrom>() || present.is<vim::VirtualFloppy>();
    if (removable || present.is<vim::VirtualSerialPort>()) {
        if (wanted.backing() && wanted.backing() != present.backing()) {
            if (removable) {
                check_media(change);
            } else {
                check_serial(change);
                require_off(change);
            }
            device.set_backing(wanted.backing());
        }
        if (wanted.connectable()) device.set_connectable(wanted.connectable());
        if (const auto port = wanted.as<vim::VirtualSerialPort>()) {
            auto changed = vim::VirtualSerialPort(device.raw());
            changed.set_yieldOnPoll(port.yieldOnPoll());
            device = changed;
        }
    } else if (const auto video = wanted.as<vim::VirtualMachineVideoCard>()) {
        const auto ram_kb = video.videoRamSizeInKB().value_or(4096);
        if (ram_kb < 1024 || ram_kb > 256 * 1024) {
            refuse_device(change.index, "device.videoRamSizeInKB", "must be 1024 to 262144");
        }
        auto changed = like(wanted, kVideoKey, kPciKey, 0);
        if (vim::VirtualMachineVideoCard(changed.raw()).videoRamSizeInKB() !=
            vim::VirtualMachineVideoCard(present.raw()).videoRamSizeInKB()) {
            require_off(change);
        }
        device = changed;
    } else if (const auto scsi = wanted.as<vim::VirtualSCSIController>()) {
        if (scsi.sharedBus() != vim::VirtualSCSISharing::noSharing) {
            refuse_device<vim::DeviceUnsupportedForVmPlatform>(
                change.index, "device.sharedBus", "a bus that machines share is not supported");
        }
    }
    store(change, device);
}

}  // namespace drover::machine
