#include "machine/domain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "machine/device_place.hpp"
#include "machine/pinning.hpp"
#include "machine/refusal.hpp"
#include "machine/serial_uri.hpp"

namespace drover::machine {
namespace {

using namespace hypervisor;

template <class T>
[[noreturn]] void refuse(const vim::VirtualDevice& device, std::string_view reason) {
    T fault = T::make();
    fault.set_deviceIndex(device.key());
    fault.set_property(fmt::format("config.hardware.device[{}]", device.key()));
    throw vim::Fault(fault,
                     fmt::format("{} ({}): {}", device.deviceInfo().label(), device.key(), reason));
}

[[noreturn]] void refuse_config(std::string_view key, std::string_view reason) {
    auto fault = vim::GenericVmConfigFault::make();
    const std::string text = fmt::format("{}: {}", key, reason);
    fault.set_reason(text);
    throw vim::Fault(fault, text);
}

struct Builder {
    const vim::VirtualMachineConfigInfo& config;
    const vmx::VmxFile& file;
    const DomainFacts& facts;
    DomainSpec spec{};
    bool virtio = false;
    // Which DiskSpec or NicSpec a device became, for the boot order.
    std::map<std::int32_t, std::optional<std::uint32_t>*> boot{};
    std::vector<std::int32_t> hard_disks{}, drives{}, nics{}, floppies{};

    std::vector<vim::VirtualDevice> devices() const {
        return config.hardware().device().to_vector();
    }
};

std::optional<PciAddress> address_of(const Builder& b, const vim::VirtualDevice& device,
                                     std::string_view name) {
    auto address = pinned_address(b.file, name);
    if (!address) refuse<vim::InvalidDeviceSpec>(device, "has no PCI address");
    return address;
}

void build_cpu(Builder& b) {
    const auto hardware = b.config.hardware();
    b.spec.accelerator = b.facts.accelerator;
    b.spec.cpu = b.facts.cpu;
    b.spec.cpu.vcpus = static_cast<std::uint32_t>(hardware.numCPU());
    const auto cores = static_cast<std::uint32_t>(hardware.numCoresPerSocket().value_or(1));
    b.spec.cpu.cores_per_socket = b.spec.cpu.vcpus % cores == 0 ? cores : 1;
    if (b.spec.cpu.vcpus > 255) refuse_config("numvcpus", "more than 255 are not supported");
    b.spec.memory_bytes = static_cast<std::uint64_t>(hardware.memoryMB()) << 20;

    // One normal vCPU weighs 1000 with VMware and 100 in a cgroup.
    const auto allocation = b.config.cpuAllocation();
    b.spec.cpu_tuning.shares =
        static_cast<std::uint32_t>(std::clamp(allocation.shares().shares() / 10, 2, 10000));
    const auto limit_mhz = allocation.limit().value_or(-1);
    if (limit_mhz >= 0 && b.facts.cpu_mhz > 0) {
        const double cores_wanted =
            static_cast<double>(limit_mhz) / static_cast<double>(b.facts.cpu_mhz);
        if (cores_wanted < b.spec.cpu.vcpus) {
            b.spec.cpu_tuning.limit_cores = std::max(cores_wanted, 0.01);
        }
    }
}

void build_firmware(Builder& b) {
    auto& firmware = b.spec.firmware;
    const auto boot = b.config.bootOptions();
    const auto delay = boot.bootDelay().value_or(0);
    if (delay > 0 || boot.enterBIOSSetup().value_or(false)) {
        firmware.boot_menu = true;
        firmware.boot_menu_timeout_ms =
            delay > 0 ? static_cast<std::uint32_t>(std::min<std::int64_t>(delay, 65535)) : 10000;
    }
    if (b.config.firmware() != "efi") return;
    if (b.facts.uefi_loader.empty()) refuse_config("firmware", "this host has no UEFI firmware");
    if (boot.efiSecureBootEnabled().value_or(false)) {
        refuse_config("uefi.secureBoot.enabled", "is not supported on this machine type");
    }
    firmware.kind = FirmwareKind::uefi;
    firmware.loader_path = b.facts.uefi_loader;
    firmware.nvram_template = b.facts.uefi_nvram_template;
    firmware.nvram_path = b.facts.nvram_path;
}

ControllerKind scsi_kind(const Builder& b, const vim::VirtualDevice& device) {
    if (b.virtio) return ControllerKind::scsi_virtio;
    if (device.is<vim::ParaVirtualSCSIController>()) return ControllerKind::scsi_pvscsi;
    if (device.is<vim::VirtualBusLogicController>()) {
        refuse<vim::DeviceUnsupportedForVmPlatform>(
            device, "BusLogic is not supported; make it LSI Logic or paravirtual");
    }
    return ControllerKind::scsi_lsisas1068;
}

void build_controllers(Builder& b) {
    const auto add = [&](ControllerKind kind, std::uint32_t index,
                         std::optional<PciAddress> address) {
        b.spec.controllers.push_back({kind, index, address});
    };
    add(ControllerKind::ide, 0, PciAddress{0, 1, 1});
    std::uint32_t usb_count = 0;
    // The tablet that gives the console an absolute pointer sits on USB controller 0; on xHCI it
    // costs an idle machine nothing.
    for (const auto& device : b.devices()) {
        if (!device.is<vim::VirtualUSBXHCIController>()) continue;
        add(ControllerKind::usb_xhci, usb_count++, address_of(b, device, "usb_xhci"));
    }
    for (const auto& device : b.devices()) {
        const std::string name = vmx_prefix(device);
        if (const auto usb = device.as<vim::VirtualUSBController>()) {
            add(ControllerKind::usb_uhci, usb_count++, address_of(b, device, "usb"));
            if (usb.ehciEnabled().value_or(false)) {
                add(ControllerKind::usb_ehci, usb_count++, address_of(b, device, "ehci"));
            }
        } else if (const auto scsi = device.as<vim::VirtualSCSIController>()) {
            if (scsi.sharedBus() != vim::VirtualSCSISharing::noSharing) {
                refuse<vim::DeviceUnsupportedForVmPlatform>(device,
                                                            "a shared bus is not supported");
            }
            add(scsi_kind(b, device), static_cast<std::uint32_t>(scsi.busNumber()),
                address_of(b, device, name));
        } else if (const auto sata = device.as<vim::VirtualSATAController>()) {
            add(ControllerKind::sata_ahci, static_cast<std::uint32_t>(sata.busNumber()),
                address_of(b, device, name));
        } else if (device.is<vim::VirtualNVMEController>()) {
            refuse<vim::DeviceUnsupportedForVmPlatform>(device, "NVMe is not supported");
        }
    }
    add(ControllerKind::virtio_serial, 0, pinned_address(b.file, "virtioSerial"));
    b.spec.guest_agent = true;
    b.spec.usb_tablet = usb_count > 0;
}

void set_place(const Builder& b, DiskSpec& disk, const vim::VirtualDevice& device) {
    const auto place = controller_place(device.controllerKey().value_or(-1));
    if (!place) refuse<vim::InvalidController>(device, "has no controller");
    const auto unit = static_cast<std::uint32_t>(device.unitNumber().value_or(0));
    disk.controller = static_cast<std::uint32_t>(place->controller);
    disk.unit = unit;
    if (place->bus == Bus::ide) {
        disk.bus = DiskBus::ide;
        disk.channel = disk.controller;
        disk.controller = 0;
        return;
    }
    disk.bus = place->bus == Bus::scsi ? DiskBus::scsi : DiskBus::sata;
    for (const auto& other : b.devices()) {
        if (other.key() != place->controller_key()) continue;
        const bool wide = b.virtio || other.is<vim::ParaVirtualSCSIController>();
        const std::uint32_t units = place->bus == Bus::sata ? 6 : wide ? 64 : 8;
        if (unit >= units) {
            refuse<vim::InvalidDeviceSpec>(
                device,
                fmt::format("unit {} is not supported: this controller has {}", unit, units));
        }
    }
}

// The same for a disk at every start, on every host: NAA 5 with VMware's company id, and 36 bits
// made of the machine and the disk's place by FNV-1a (Fowler, Noll, Vo).
std::string world_wide_name(const Builder& b, std::int32_t key) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : fmt::format("{}:{}", b.config.uuid(), key)) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return fmt::format("5000c29{:09x}", hash & 0xfffffffff);
}

void build_disk(Builder& b, const vim::VirtualDisk& device) {
    const auto backing = device.backing().as<vim::VirtualDiskFlatVer2BackingInfo>();
    const auto mode = backing.diskMode();
    if (mode != "persistent" && mode != "independent_persistent") {
        refuse<vim::DeviceUnsupportedForVmPlatform>(
            device, fmt::format("disk mode {} is not supported", mode));
    }
    const auto found = b.facts.disks.find(backing.fileName());
    if (found == b.facts.disks.end()) {
        refuse_file<vim::FileNotFound>(
            backing.fileName(),
            fmt::format("{}: the disk is not there", device.deviceInfo().label()));
    }
    DiskSpec disk;
    set_place(b, disk, device);
    disk.image = found->second.image;
    disk.backing_chain = found->second.backing_chain;
    disk.cache = b.facts.cache;
    disk.shareable = backing.sharing() == "sharingMultiWriter";
    if (b.config.flags().diskUuidEnabled().value_or(false)) {
        std::string serial(backing.uuid().value_or(""));
        std::erase(serial, '-');
        disk.serial = serial;
    }
    if (disk.bus == hypervisor::DiskBus::scsi) disk.wwn = world_wide_name(b, device.key());
    b.hard_disks.push_back(device.key());
    b.spec.disks.push_back(std::move(disk));
}

// An image that is not there, and a drive of the host or of a client, make an empty drive: the
// machine starts without the medium, as VMware's do.
void build_drive(Builder& b, const vim::VirtualDevice& device) {
    DiskSpec drive;
    if (device.is<vim::VirtualFloppy>()) {
        drive.device = DiskDevice::floppy;
        drive.bus = DiskBus::floppy;
        drive.unit = static_cast<std::uint32_t>(device.key() - kFloppyKey);
    } else {
        drive.device = DiskDevice::cdrom;
        drive.read_only = true;
        set_place(b, drive, device);
    }
    const auto image = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
    if (image && !image.fileName().empty() && device.connectable().startConnected()) {
        const auto found = b.facts.files.find(image.fileName());
        if (found != b.facts.files.end()) {
            drive.image = DiskImage{found->second, ImageFormat::raw};
        }
    }
    const bool floppy = drive.device == DiskDevice::floppy;
    if (!floppy || drive.image) (floppy ? b.floppies : b.drives).push_back(device.key());
    b.spec.disks.push_back(std::move(drive));
}

NicModel nic_model(const Builder& b, const vim::VirtualDevice& device) {
    if (b.virtio) return NicModel::virtio;
    if (device.is<vim::VirtualVmxnet3>()) return NicModel::vmxnet3;
    if (device.is<vim::VirtualE1000>()) return NicModel::e1000;
    if (device.is<vim::VirtualE1000e>()) return NicModel::e1000e;
    return NicModel::pcnet;
}

void build_nic(Builder& b, const vim::VirtualEthernetCard& device) {
    NicSpec nic;
    nic.mac = device.macAddress().value_or("");
    if (nic.mac.empty()) refuse<vim::InvalidDeviceSpec>(device, "has no MAC address");
    nic.model = nic_model(b, device);
    nic.address = address_of(b, device, vmx_prefix(device));
    nic.link_up = device.connectable().startConnected();
    const auto network = device.backing().as<vim::VirtualEthernetCardNetworkBackingInfo>();
    const auto found = network ? b.facts.bridges.find(network.deviceName()) : b.facts.bridges.end();
    if (found != b.facts.bridges.end()) {
        nic.bridge = found->second;
    } else if (!b.facts.isolated_bridge.empty()) {
        nic.bridge = b.facts.isolated_bridge;
        nic.link_up = false;
    } else {
        refuse<vim::InvalidDeviceBacking>(
            device, fmt::format("this host has no network \"{}\"",
                                network ? network.deviceName() : std::string_view{}));
    }
    b.nics.push_back(device.key());
    b.spec.nics.push_back(std::move(nic));
}

void set_uri(Builder& b, SerialPortSpec& port, const vim::VirtualSerialPort& device,
             const vim::VirtualSerialPortURIBackingInfo& backing) {
    const auto uri = parse_serial_uri(backing.serviceURI());
    if (!uri) {
        refuse<vim::InvalidDeviceBacking>(device,
                                          "the URI must be tcp://address:port or telnet://:port");
    }
    if (uri->port == 0) return;  // clients' way to say that nothing is plugged in
    const bool listens = backing.direction() == "server";
    if (!listens && !uri->is_possible_target()) {
        refuse<vim::InvalidDeviceBacking>(device, "a client's URI needs another host's address");
    }
    port.backend = listens ? SerialBackend::tcp_listen : SerialBackend::tcp_connect;
    port.host = uri->host.empty() ? "0.0.0.0" : uri->host;
    port.tcp_port = uri->port;
    b.spec.serial_ports.push_back(std::move(port));
}

// Not the pipe's name: machines must neither meet each other's sockets nor files of the host.
std::string serial_socket(const vim::VirtualMachineConfigInfo& config, std::string_view directory,
                          std::int32_t key) {
    return fmt::format("{}/{}-{}", directory, config.uuid(), key - kSerialKey);
}

void build_serial(Builder& b, const vim::VirtualSerialPort& device) {
    if (!device.connectable().startConnected()) return;
    SerialPortSpec port;
    port.port = static_cast<std::uint32_t>(device.key() - kSerialKey);
    const auto backing = device.backing();
    if (const auto file = backing.as<vim::VirtualSerialPortFileBackingInfo>()) {
        const auto found = b.facts.files.find(file.fileName());
        if (found == b.facts.files.end()) {
            refuse_file<vim::FileNotFound>(file.fileName(), "the serial port's file can't be had");
        }
        port.path = found->second;
    } else if (const auto uri = backing.as<vim::VirtualSerialPortURIBackingInfo>()) {
        return set_uri(b, port, device, uri);
    } else if (const auto pipe = backing.as<vim::VirtualSerialPortPipeBackingInfo>()) {
        if (pipe.endpoint() != "server" || pipe.pipeName().contains('/') ||
            pipe.pipeName().empty()) {
            refuse<vim::InvalidDeviceBacking>(device, "must be a plain name, endpoint server");
        }
        port.backend = SerialBackend::unix_listen;
        port.path = serial_socket(b.config, b.facts.serial_directory, device.key());
    } else {
        return;  // a port of the host: nothing is plugged in
    }
    b.spec.serial_ports.push_back(std::move(port));
}

// Without an order of the machine's own: a floppy with a medium, disks, CD-ROMs, network, as
// VMware's BIOS has it. A blank disk is passed over by the firmware.
void set_boot_order(Builder& b) {
    std::size_t at_disk = 0;
    std::size_t at_nic = 0;
    for (const auto& device : b.devices()) {
        const bool disk = device.is<vim::VirtualDisk>() || device.is<vim::VirtualCdrom>() ||
                          device.is<vim::VirtualFloppy>();
        if (disk) b.boot[device.key()] = &b.spec.disks[at_disk++].boot_index;
        if (device.is<vim::VirtualEthernetCard>()) {
            b.boot[device.key()] = &b.spec.nics[at_nic++].boot_index;
        }
    }
    std::uint32_t next = 1;
    const auto take = [&](std::int32_t key) {
        const auto found = b.boot.find(key);
        if (found != b.boot.end() && !*found->second) *found->second = next++;
    };
    const auto order = b.config.bootOptions().bootOrder();
    for (const auto& entry : order) {
        using namespace vim;
        if (const auto disk = entry.as<VirtualMachineBootOptionsBootableDiskDevice>()) {
            take(disk.deviceKey());
        } else if (const auto nic = entry.as<VirtualMachineBootOptionsBootableEthernetDevice>()) {
            take(nic.deviceKey());
        } else if (entry.is<VirtualMachineBootOptionsBootableCdromDevice>()) {
            for (const auto key : b.drives) take(key);
        } else {
            for (const auto key : b.floppies) take(key);
        }
    }
    if (!order.empty()) return;
    for (const auto* list : {&b.floppies, &b.hard_disks, &b.drives, &b.nics}) {
        for (const auto key : *list) take(key);
    }
}

// Every machine has a console. Unless its file opens one to the network (RemoteDisplay.vnc.*), it
// listens where the host says and on any free port.
void build_console(Builder& b) {
    VncSpec vnc;
    vnc.listen_address = b.facts.vnc_listen_address;
    if (b.file.get_bool("RemoteDisplay.vnc.enabled").value_or(false)) {
        if (b.file.contains("RemoteDisplay.vnc.port")) {
            const auto port = b.file.get_integer("RemoteDisplay.vnc.port", 5900, 65535);
            if (!port) refuse_config("RemoteDisplay.vnc.port", "must be 5900 to 65535");
            vnc.port = static_cast<std::uint16_t>(*port);
        }
        if (const auto address = b.file.get("RemoteDisplay.vnc.ip")) vnc.listen_address = *address;
        vnc.password = b.file.get("RemoteDisplay.vnc.password").value_or("");
        if (vnc.password.size() > 8) {
            refuse_config("RemoteDisplay.vnc.password", "VNC knows 8 bytes at most");
        }
    }
    b.spec.vnc = vnc;
    VideoSpec video;
    video.address = pinned_address(b.file, "svga");
    b.spec.video = video;
    b.spec.balloon = BalloonSpec{.address = pinned_address(b.file, "balloon")};
    b.spec.rng = RngSpec{.address = pinned_address(b.file, "rng")};
}

}  // namespace

DomainSpec domain_spec_from_config(const vim::VirtualMachineConfigInfo& config,
                                   const vmx::VmxFile& file, const DomainFacts& facts) {
    Builder b{.config = config, .file = file, .facts = facts};
    b.virtio = file.get("drover.paravirtual") == "virtio";
    b.spec.uuid = DomainUuid(std::string(config.uuid()));
    b.spec.display_name = config.name();
    b.spec.machine_type = pinned_machine_type(file);
    if (b.spec.machine_type.empty()) refuse_config("drover.machineType", "is not set");
    b.spec.cgroup_partition = facts.cgroup_partition;
    b.spec.metadata = facts.metadata;
    build_cpu(b);
    build_firmware(b);
    build_controllers(b);
    for (const auto& device : b.devices()) {
        if (device.is<vim::VirtualDisk>()) build_disk(b, device.as<vim::VirtualDisk>());
        if (device.is<vim::VirtualCdrom>() || device.is<vim::VirtualFloppy>()) {
            build_drive(b, device);
        }
        if (device.is<vim::VirtualEthernetCard>()) {
            build_nic(b, device.as<vim::VirtualEthernetCard>());
        }
        if (device.is<vim::VirtualSerialPort>()) {
            build_serial(b, device.as<vim::VirtualSerialPort>());
        }
    }
    set_boot_order(b);
    build_console(b);
    return b.spec;
}

std::optional<SerialEndpoint> serial_endpoint(const vim::VirtualMachineConfigInfo& config,
                                              std::string_view serial_directory,
                                              std::optional<std::int32_t> number) {
    for (const auto& device : config.hardware().device()) {
        if (!device.is<vim::VirtualSerialPort>()) continue;
        if (number && device.key() != kSerialKey + *number) continue;
        if (!device.connectable().startConnected()) continue;
        const auto backing = device.backing();
        if (backing.is<vim::VirtualSerialPortPipeBackingInfo>()) {
            return SerialEndpoint{serial_socket(config, serial_directory, device.key()), {}, 0};
        }
        const auto uri = backing.as<vim::VirtualSerialPortURIBackingInfo>();
        if (!uri || uri.direction() != "server") continue;
        const auto place = parse_serial_uri(uri.serviceURI());
        if (!place || place->port == 0) continue;
        std::string address = place->host;
        if (address.empty() || address == "0.0.0.0") address = "127.0.0.1";
        if (address == "::") address = "::1";
        return SerialEndpoint{{}, std::move(address), place->port};
    }
    return std::nullopt;
}

}  // namespace drover::machine
