#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "machine/device_place.hpp"
#include "machine/device_vmx.hpp"
#include "machine/uuid_text.hpp"
#include "machine/vmx_section.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

using vim::VirtualDevice;

struct Target {
    vmx::VmxFile& file;
    DatastoreFile directory;
    const Datastores& datastores;
};

void write_connection(VmxWriter& section, const VirtualDevice& device) {
    const auto info = device.connectable();
    section.flag("startConnected", !info || info.startConnected(), true);
    section.flag("allowGuestConnectionControl", !info || info.allowGuestControl(), true);
}

void write_pci_slot(VmxWriter& section, const VirtualDevice& device) {
    const auto slot = device.slotInfo().as<vim::VirtualDevicePciBusSlotInfo>();
    if (slot) section.number("pciSlotNumber", slot.pciSlotNumber(), -1);
}

std::string_view scsi_model(const VirtualDevice& device) {
    if (device.is<vim::ParaVirtualSCSIController>()) return "pvscsi";
    if (device.is<vim::VirtualLsiLogicSASController>()) return "lsisas1068";
    if (device.is<vim::VirtualLsiLogicController>()) return "lsilogic";
    return "buslogic";
}

void write_controller(Target& target, const VirtualDevice& device) {
    VmxWriter section(target.file, vmx_prefix(device));
    section.flag("present", true, false);
    write_pci_slot(section, device);
    if (const auto scsi = device.as<vim::VirtualSCSIController>()) {
        const auto read = VmxReader(target.file, vmx_prefix(device));
        if (vmx::lower_case(read.text("virtualDev", "buslogic")) != scsi_model(device)) {
            section.text("virtualDev", scsi_model(device));
        }
        const auto sharing = scsi.sharedBus();
        section.text("sharedBus",
                     sharing == vim::VirtualSCSISharing::virtualSharing    ? "virtual"
                     : sharing == vim::VirtualSCSISharing::physicalSharing ? "physical"
                                                                           : "none",
                     "none");
    } else if (const auto usb = device.as<vim::VirtualUSBController>()) {
        section.flag("generic.autoconnect", usb.autoConnectDevices().value_or(false), false);
        VmxWriter(target.file, "ehci").flag("present", usb.ehciEnabled().value_or(false), false);
    } else if (const auto xhci = device.as<vim::VirtualUSBXHCIController>()) {
        section.flag("generic.autoconnect", xhci.autoConnectDevices().value_or(false), false);
    }
}

// Writes a file name unless the present text means the same file already.
void write_file_name(Target& target, const std::string& prefix, std::string_view name) {
    VmxWriter section(target.file, prefix);
    if (name.empty()) {
        section.text("fileName", "emptyBackingString", "emptyBackingString");
        return;
    }
    const auto old = target.file.get(prefix + ".fileName");
    if (old && file_from_vmx(*old, target.directory, target.datastores) == name) return;
    section.text("fileName", file_to_vmx(name, target.directory));
}

void write_disk(Target& target, const vim::VirtualDisk& disk) {
    const std::string prefix = vmx_prefix(disk);
    VmxWriter section(target.file, prefix);
    const bool is_new = !target.file.get_bool(prefix + ".present").value_or(false);
    section.flag("present", true, false);
    if (is_new) {
        const bool ide = prefix.starts_with("ide");
        const bool scsi = prefix.starts_with("scsi");
        section.text("deviceType", ide ? "ata-hardDisk" : scsi ? "scsi-hardDisk" : "disk");
    }
    const auto backing = disk.backing().as<vim::VirtualDiskFlatVer2BackingInfo>();
    write_file_name(target, prefix, backing.fileName());
    std::string mode(backing.diskMode());
    std::ranges::replace(mode, '_', '-');
    section.text("mode", mode, "persistent");
    section.flag("writeThrough", backing.writeThrough().value_or(false), false);
    const bool multi = backing.sharing() == "sharingMultiWriter";
    if (multi || target.file.contains(prefix + ".sharing")) {
        section.text("sharing", multi ? "multi-writer" : "none", "none");
    }
    VmxWriter scheduling(target.file, "sched." + prefix);
    const auto io = disk.storageIOAllocation();
    scheduling.text("shares", shares_to_text(io.shares()), "normal");
    const auto cap = io.limit().value_or(-1);
    if (cap < 0) {
        if (VmxReader(target.file, "sched." + prefix).number("throughputCap", -1) != -1) {
            scheduling.text("throughputCap", "off", "off");
        }
    } else {
        scheduling.number("throughputCap", cap, -1);
    }
}

struct DriveText {
    std::string_view type;
    bool client = false;
    std::string_view device{};
    bool automatic = false;
    bool exclusive = false;
};

DriveText drive_text(const vim::VirtualDeviceBackingInfo& backing) {
    if (const auto b = backing.as<vim::VirtualCdromRemoteAtapiBackingInfo>()) {
        return {"atapi-cdrom", true, b.deviceName(), b.useAutoDetect().value_or(false)};
    }
    if (const auto b = backing.as<vim::VirtualCdromRemotePassthroughBackingInfo>()) {
        return {"cdrom-raw", true, b.deviceName(), b.useAutoDetect().value_or(false),
                b.exclusive()};
    }
    if (const auto b = backing.as<vim::VirtualCdromAtapiBackingInfo>()) {
        return {"atapi-cdrom", false, b.deviceName(), b.useAutoDetect().value_or(false)};
    }
    if (const auto b = backing.as<vim::VirtualCdromPassthroughBackingInfo>()) {
        return {"cdrom-raw", false, b.deviceName(), b.useAutoDetect().value_or(false),
                b.exclusive()};
    }
    return {"cdrom-image"};
}

void write_cdrom(Target& target, const vim::VirtualCdrom& drive) {
    const std::string prefix = vmx_prefix(drive);
    VmxWriter section(target.file, prefix);
    section.flag("present", true, false);
    const DriveText text = drive_text(drive.backing());
    const auto old_type = vmx::lower_case(target.file.get(prefix + ".deviceType").value_or(""));
    if (old_type != text.type) section.text("deviceType", text.type);
    if (text.type == "cdrom-image") {
        const auto iso = drive.backing().as<vim::VirtualDeviceFileBackingInfo>();
        write_file_name(target, prefix, iso ? iso.fileName() : std::string_view{});
        section.remove("clientDevice");
        section.remove("autodetect");
        section.remove("exclusive");
    } else {
        const auto old = target.file.get(prefix + ".fileName").value_or("");
        const bool old_automatic =
            VmxReader(target.file, prefix).flag("autodetect", old == "auto detect");
        const auto old_device = old == "auto detect" ? std::string{} : old;
        if (old_device != text.device) section.text("fileName", text.device);
        if (old_automatic != text.automatic || old == "auto detect") {
            section.flag("autodetect", text.automatic, old == "auto detect");
        }
        section.flag("clientDevice", text.client, false);
        section.flag("exclusive", text.exclusive, false);
    }
    write_connection(section, drive);
}

std::string_view nic_model(const VirtualDevice& device) {
    if (device.is<vim::VirtualVmxnet3>()) return "vmxnet3";
    if (device.is<vim::VirtualE1000>()) return "e1000";
    if (device.is<vim::VirtualE1000e>()) return "e1000e";
    if (device.is<vim::VirtualVmxnet>()) return "vmxnet";
    return "vlance";
}

void write_nic(Target& target, const vim::VirtualEthernetCard& nic) {
    const std::string prefix = vmx_prefix(nic);
    VmxWriter section(target.file, prefix);
    const VmxReader old(target.file, prefix);
    section.flag("present", true, false);
    if (vmx::lower_case(old.text("virtualDev", "vlance")) != nic_model(nic)) {
        section.text("virtualDev", nic_model(nic));
    }
    if (const auto network = nic.backing().as<vim::VirtualEthernetCardNetworkBackingInfo>()) {
        section.text("networkName", network.deviceName());
        target.file.remove_prefix(prefix + ".dvs.");
    }
    const auto type = nic.addressType().value_or("generated");
    const bool fixed = type == "manual";
    const std::string_view vmx_type = fixed ? "static" : type == "assigned" ? "vpx" : "generated";
    if (vmx::lower_case(old.text("addressType", "generated")) != vmx_type) {
        section.text("addressType", vmx_type);
    }
    const std::string mac(nic.macAddress().value_or(""));
    const std::string_view key = fixed ? "address" : "generatedAddress";
    if (parse_mac(old.text(key)).value_or("") != mac) section.text(key, mac);
    section.remove(fixed ? "generatedAddress" : "address");
    if (fixed) section.remove("generatedAddressOffset");
    section.flag("wakeOnPcktRcv", nic.wakeOnLanEnabled().value_or(true), true);
    section.flag("uptCompatibility", nic.uptCompatibilityEnabled().value_or(false), false);
    if (const auto id = nic.externalId()) section.text("externalId", *id);
    write_connection(section, nic);
    write_pci_slot(section, nic);
}

void write_serial(Target& target, const vim::VirtualSerialPort& port) {
    const std::string prefix = vmx_prefix(port);
    VmxWriter section(target.file, prefix);
    section.flag("present", true, false);
    section.flag("yieldOnMsrRead", port.yieldOnPoll(), false);
    const auto set_type = [&](std::string_view type) {
        if (VmxReader(target.file, prefix).text("fileType", "device") != type) {
            section.text("fileType", type);
        }
    };
    if (const auto file = port.backing().as<vim::VirtualSerialPortFileBackingInfo>()) {
        set_type("file");
        write_file_name(target, prefix, file.fileName());
    } else if (const auto pipe = port.backing().as<vim::VirtualSerialPortPipeBackingInfo>()) {
        set_type("pipe");
        section.text("fileName", pipe.pipeName());
        section.text("pipe.endPoint", pipe.endpoint(), "client");
        section.flag("tryNoRxLoss", pipe.noRxLoss().value_or(false), false);
    } else if (const auto uri = port.backing().as<vim::VirtualSerialPortURIBackingInfo>()) {
        set_type("network");
        section.text("fileName", uri.serviceURI());
        section.text("network.endPoint", uri.direction(), "client");
        if (const auto proxy = uri.proxyURI()) section.text("vspc", *proxy);
    } else if (const auto host = port.backing().as<vim::VirtualSerialPortDeviceBackingInfo>()) {
        set_type("device");
        section.text("fileName", host.deviceName());
        section.flag("autodetect", host.useAutoDetect().value_or(false), false);
    }
    write_connection(section, port);
}

void write_floppy(Target& target, const vim::VirtualFloppy& floppy) {
    const std::string prefix = vmx_prefix(floppy);
    VmxWriter section(target.file, prefix);
    section.flag("present", true, false);
    const auto set_type = [&](std::string_view type) {
        if (VmxReader(target.file, prefix).text("fileType", "device") != type) {
            section.text("fileType", type);
        }
    };
    const auto backing = floppy.backing();
    if (const auto image = backing.as<vim::VirtualFloppyImageBackingInfo>()) {
        set_type("file");
        write_file_name(target, prefix, image.fileName());
    } else if (const auto remote = backing.as<vim::VirtualFloppyRemoteDeviceBackingInfo>()) {
        set_type("device");
        section.text("fileName", remote.deviceName());
        section.flag("clientDevice", true, false);
        section.flag("autodetect", remote.useAutoDetect().value_or(false), false);
    } else if (const auto host = backing.as<vim::VirtualFloppyDeviceBackingInfo>()) {
        set_type("device");
        section.text("fileName", host.deviceName());
        section.flag("clientDevice", false, false);
        section.flag("autodetect", host.useAutoDetect().value_or(false), false);
    }
    write_connection(section, floppy);
}

void write_video_and_vmci(Target& target, const VirtualDevice& device) {
    if (const auto video = device.as<vim::VirtualMachineVideoCard>()) {
        VmxWriter svga(target.file, "svga");
        const auto ram_kb = video.videoRamSizeInKB().value_or(4096);
        const auto old = VmxReader(target.file, "svga").number("vramSize", 4 << 20);
        if (old / 1024 != ram_kb) svga.number("vramSize", ram_kb * 1024, 4 << 20);
        svga.number("numDisplays", video.numDisplays().value_or(1), 1);
        svga.flag("autodetect", video.useAutoDetect().value_or(false), false);
        svga.number("graphicsMemoryKB", video.graphicsMemorySizeInKB().value_or(262144), 262144);
        VmxWriter mks(target.file, "mks");
        mks.flag("enable3d", video.enable3DSupport().value_or(false), false);
        mks.text("use3dRenderer", video.use3dRenderer().value_or("automatic"), "automatic");
    } else if (const auto vmci = device.as<vim::VirtualMachineVMCIDevice>()) {
        VmxWriter section(target.file, "vmci0");
        section.number("id", vmci.id().value_or(-1), -1);
        section.flag("unrestricted", vmci.allowUnrestrictedCommunication().value_or(false), false);
        VmxWriter(target.file, "vmci")
            .flag("filter.enable", vmci.filterEnable().value_or(true), true);
        write_pci_slot(section, device);
    }
}

void remove_device(vmx::VmxFile& file, const std::string& prefix) {
    file.remove_prefix(prefix + ".");
    file.remove_prefix("sched." + prefix + ".");
    file.remove_prefix("drover." + prefix + ".");
    if (prefix == "usb") file.remove_prefix("ehci.");
    // Without an entry VMware's desktop products take a floppy drive to be there.
    if (prefix.starts_with("floppy")) file.set_bool(prefix + ".present", false);
}

// The kind of thing at a disk's place, so that a drive that became a disk leaves nothing behind.
bool is_drive_type(std::string_view type) {
    const std::string lower = vmx::lower_case(type);
    return lower.starts_with("cdrom") || lower == "atapi-cdrom";
}

}  // namespace

std::int32_t level_shares(vim::SharesLevel level, std::int64_t normal_shares) {
    std::int64_t shares = normal_shares;
    if (level == vim::SharesLevel::low) shares /= 2;
    if (level == vim::SharesLevel::high) shares *= 2;
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(shares, 0, INT32_MAX));
}

vim::SharesInfo shares_from_text(std::string_view text, std::int64_t normal_shares) {
    auto shares = vim::SharesInfo::make();
    std::int32_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    auto level =
        vim::parse_enum<vim::SharesLevel>(vmx::lower_case(text)).value_or(vim::SharesLevel::normal);
    if (error == std::errc{} && stop == text.data() + text.size() && number > 0) {
        level = vim::SharesLevel::custom;
    } else if (level == vim::SharesLevel::custom) {
        level = vim::SharesLevel::normal;
    }
    shares.set_level(level);
    shares.set_shares(level == vim::SharesLevel::custom ? number
                                                        : level_shares(level, normal_shares));
    return shares;
}

std::string shares_to_text(const vim::SharesInfo& shares) {
    if (!shares) return "normal";
    if (shares.level() == vim::SharesLevel::custom) return std::to_string(shares.shares());
    return std::string(vim::to_string(shares.level()));
}

void write_devices(vmx::VmxFile& file, const std::vector<VirtualDevice>& devices,
                   const std::string& vm_path, const Datastores& datastores) {
    std::set<std::string> wanted;
    for (const auto& device : devices) wanted.insert(vmx_prefix(device));
    ReadContext context;
    context.vm_path = vm_path;
    for (const auto& device : devices_from_vmx(file, context)) {
        const std::string prefix = vmx_prefix(device);
        if (!prefix.empty() && prefix != "svga" && prefix != "vmci0" && !wanted.contains(prefix)) {
            remove_device(file, prefix);
        }
    }
    Target target{file, machine_directory(vm_path), datastores};
    for (const auto& device : devices) {
        const std::string prefix = vmx_prefix(device);
        const bool drive = device.is<vim::VirtualCdrom>();
        if (drive || device.is<vim::VirtualDisk>()) {
            const auto type = file.get(prefix + ".deviceType");
            if (type && is_drive_type(*type) != drive) remove_device(file, prefix);
            if (drive) write_cdrom(target, device.as<vim::VirtualCdrom>());
            if (!drive) write_disk(target, device.as<vim::VirtualDisk>());
        } else if (device.is<vim::VirtualEthernetCard>()) {
            write_nic(target, device.as<vim::VirtualEthernetCard>());
        } else if (device.is<vim::VirtualSerialPort>()) {
            write_serial(target, device.as<vim::VirtualSerialPort>());
        } else if (device.is<vim::VirtualFloppy>()) {
            write_floppy(target, device.as<vim::VirtualFloppy>());
        } else if (device.is<vim::VirtualController>() && !prefix.empty()) {
            write_controller(target, device);
        } else {
            write_video_and_vmci(target, device);
        }
    }
}

}  // namespace drover::machine
