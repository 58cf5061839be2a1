#include "hypervisor/libvirt/device_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace drover::hypervisor::libvirt {
namespace {

using pugi::xml_node;

// Sets an attribute to a text or number.
template <class T>
xml_node with(xml_node node, const char* name, const T& value) {
    if constexpr (std::is_convertible_v<T, const char*>)
        node.append_attribute(name).set_value(value);
    else if constexpr (std::is_same_v<T, std::string>)
        node.append_attribute(name).set_value(value.c_str());
    else
        node.append_attribute(name).set_value(fmt::to_string(value).c_str());
    return node;
}

void append_address(xml_node node, const std::optional<PciAddress>& address) {
    if (!address) return;
    auto element = with(node.append_child("address"), "type", "pci");
    with(element, "domain", "0x0000");
    with(element, "bus", fmt::format("0x{:02x}", address->bus));
    with(element, "slot", fmt::format("0x{:02x}", address->slot));
    with(element, "function", fmt::format("0x{:x}", address->function));
}

void append_boot(xml_node node, const std::optional<std::uint32_t>& index) {
    if (index) with(node.append_child("boot"), "order", *index);
}

struct ControllerNames {
    const char* type;
    const char* model;  ///< null: none to be given
};

ControllerNames names_of(ControllerKind kind) {
    switch (kind) {
        case ControllerKind::ide:
            return {"ide", nullptr};
        case ControllerKind::sata_ahci:
            return {"sata", nullptr};
        case ControllerKind::scsi_lsilogic:
            return {"scsi", "lsilogic"};
        case ControllerKind::scsi_lsisas1068:
            return {"scsi", "lsisas1068"};
        case ControllerKind::scsi_pvscsi:
            return {"scsi", "vmpvscsi"};
        case ControllerKind::scsi_virtio:
            return {"scsi", "virtio-scsi"};
        case ControllerKind::usb_uhci:
            return {"usb", "piix3-uhci"};
        case ControllerKind::usb_ehci:
            return {"usb", "ehci"};
        case ControllerKind::usb_xhci:
            return {"usb", "qemu-xhci"};
        case ControllerKind::virtio_serial:
            return {"virtio-serial", nullptr};
        case ControllerKind::pci_bridge:
            return {"pci", "pci-bridge"};
        case ControllerKind::pcie_root_port:
            return {"pci", "pcie-root-port"};
        case ControllerKind::pcie_to_pci_bridge:
            return {"pci", "pcie-to-pci-bridge"};
    }
    return {"", nullptr};
}

void append_controllers(xml_node devices, const DomainSpec& spec) {
    bool usb = false;
    for (const auto& controller : spec.controllers) {
        const auto names = names_of(controller.kind);
        auto node = with(devices.append_child("controller"), "type", names.type);
        with(node, "index", controller.index);
        if (names.model) with(node, "model", names.model);
        append_address(node, controller.address);
        usb = usb || std::string_view(names.type) == "usb";
    }
    if (usb) return;
    // libvirt adds a controller of its own choice unless told not to.
    auto none = with(devices.append_child("controller"), "type", "usb");
    with(with(none, "index", 0), "model", "none");
}

const char* name_of(DiskDevice device) {
    switch (device) {
        case DiskDevice::disk:
            return "disk";
        case DiskDevice::cdrom:
            return "cdrom";
        case DiskDevice::floppy:
            return "floppy";
    }
    return "";
}

const char* name_of(DiskBus bus) {
    switch (bus) {
        case DiskBus::ide:
            return "ide";
        case DiskBus::sata:
            return "sata";
        case DiskBus::scsi:
            return "scsi";
        case DiskBus::usb:
            return "usb";
        case DiskBus::virtio:
            return "virtio";
        case DiskBus::floppy:
            return "fdc";
    }
    return "";
}

const char* name_of(CacheMode cache) {
    switch (cache) {
        case CacheMode::none:
            return "none";
        case CacheMode::writeback:
            return "writeback";
        case CacheMode::writethrough:
            return "writethrough";
        case CacheMode::directsync:
            return "directsync";
        case CacheMode::unsafe:
            return "unsafe";
    }
    return "";
}

const char* name_of(IoMode io) {
    switch (io) {
        case IoMode::threads:
            return "threads";
        case IoMode::native:
            return "native";
        case IoMode::io_uring:
            return "io_uring";
    }
    return "";
}

void append_driver(xml_node node, const DiskSpec& disk) {
    auto driver = with(node.append_child("driver"), "name", "qemu");
    with(driver, "type", libvirt::name_of(disk.image ? disk.image->format : ImageFormat::raw));
    with(driver, "cache", name_of(disk.cache));
    // A floppy drive has no error policy in QEMU.
    if (disk.device != DiskDevice::floppy) {
        const bool stop = disk.on_io_error == IoErrorPolicy::stop;
        with(driver, "error_policy", stop ? "stop" : "report");
        with(driver, "rerror_policy", stop ? "stop" : "report");
    }
    with(driver, "io", name_of(disk.io));
    if (disk.device == DiskDevice::disk)
        with(driver, "discard", disk.discard == DiscardMode::unmap ? "unmap" : "ignore");
}

// An empty <backingStore/> ends the chain: nothing below is looked for, whatever a header says.
void append_images(xml_node node, const DiskSpec& disk) {
    if (!disk.image) return;
    with(node.append_child("source"), "file", disk.image->path);
    auto at = node.append_child("backingStore");
    for (const auto& image : disk.backing_chain) {
        with(at, "type", "file");
        with(at.append_child("format"), "type", libvirt::name_of(image.format));
        with(at.append_child("source"), "file", image.path);
        at = at.append_child("backingStore");
    }
}

void append_drive_address(xml_node node, const DomainSpec& spec, const DiskSpec& disk) {
    if (disk.bus == DiskBus::virtio) return append_address(node, disk.address);
    auto address = node.append_child("address");
    if (disk.bus == DiskBus::usb) {
        with(address, "type", "usb");
        with(with(address, "bus", disk.controller), "port", disk.unit);
        return;
    }
    // The real adapters see a disk's number as its SCSI target. libvirt's model of the 53c895a
    // counts units instead and allows no target but 0.
    const bool by_target =
        disk.bus == DiskBus::scsi &&
        std::ranges::none_of(spec.controllers, [&](const ControllerSpec& controller) {
            return controller.kind == ControllerKind::scsi_lsilogic &&
                   controller.index == disk.controller;
        });
    with(address, "type", "drive");
    with(address, "controller", disk.controller);
    with(address, "bus", disk.channel);
    with(address, "target", by_target ? disk.unit : 0);
    with(address, "unit", by_target ? 0 : disk.unit);
}

void append_disk(xml_node devices, const DomainSpec& spec, const DiskSpec& disk) {
    auto node = with(devices.append_child("disk"), "type", "file");
    with(node, "device", name_of(disk.device));
    append_driver(node, disk);
    append_images(node, disk);
    auto target = with(node.append_child("target"), "dev", disk_target(disk));
    with(target, "bus", name_of(disk.bus));
    if (disk.read_only || disk.device == DiskDevice::cdrom) node.append_child("readonly");
    if (disk.shareable) node.append_child("shareable");
    if (!disk.serial.empty()) node.append_child("serial").text().set(disk.serial.c_str());
    if (!disk.wwn.empty()) node.append_child("wwn").text().set(disk.wwn.c_str());
    append_boot(node, disk.boot_index);
    append_drive_address(node, spec, disk);
}

const char* name_of(NicModel model) {
    switch (model) {
        case NicModel::e1000:
            return "e1000";
        case NicModel::e1000e:
            return "e1000e";
        case NicModel::vmxnet3:
            return "vmxnet3";
        case NicModel::pcnet:
            return "pcnet";
        case NicModel::virtio:
            return "virtio";
    }
    return "";
}

void append_nic(xml_node devices, const NicSpec& nic) {
    auto node = with(devices.append_child("interface"), "type", "bridge");
    with(node.append_child("mac"), "address", nic.mac);
    with(node.append_child("source"), "bridge", nic.bridge);
    with(node.append_child("model"), "type", name_of(nic.model));
    with(node.append_child("link"), "state", nic.link_up ? "up" : "down");
    append_boot(node, nic.boot_index);
    append_address(node, nic.address);
}

void append_serial(xml_node devices, const SerialPortSpec& port) {
    auto node = devices.append_child("serial");
    switch (port.backend) {
        case SerialBackend::file: {
            with(node, "type", "file");
            auto source = with(node.append_child("source"), "path", port.path);
            with(source, "append", port.append ? "on" : "off");
            break;
        }
        case SerialBackend::unix_listen: {
            with(node, "type", "unix");
            with(with(node.append_child("source"), "mode", "bind"), "path", port.path);
            break;
        }
        case SerialBackend::tcp_listen: {
            with(node, "type", "tcp");
            auto source = with(node.append_child("source"), "mode", "bind");
            with(with(source, "host", port.host), "service", port.tcp_port);
            with(node.append_child("protocol"), "type", "raw");
            break;
        }
        case SerialBackend::tcp_connect: {
            with(node, "type", "tcp");
            auto source = with(node.append_child("source"), "mode", "connect");
            with(with(source, "host", port.host), "service", port.tcp_port);
            // Whether the other end is there is no condition of starting.
            with(with(source.append_child("reconnect"), "enabled", "yes"), "timeout", 5);
            with(node.append_child("protocol"), "type", "raw");
            break;
        }
        case SerialBackend::pty:
            with(node, "type", "pty");
            break;
    }
    with(with(node.append_child("target"), "type", "isa-serial"), "port", port.port);
}

void append_console(xml_node devices, const DomainSpec& spec) {
    if (spec.vnc) {
        auto node = with(devices.append_child("graphics"), "type", "vnc");
        if (spec.vnc->port)
            with(with(node, "port", *spec.vnc->port), "autoport", "no");
        else
            with(with(node, "port", "-1"), "autoport", "yes");
        if (!spec.vnc->password.empty()) with(node, "passwd", spec.vnc->password);
        auto listen = with(node.append_child("listen"), "type", "address");
        with(listen, "address", spec.vnc->listen_address);
    }
    auto video = devices.append_child("video");
    auto model = video.append_child("model");
    if (!spec.video) {
        with(model, "type", "none");
        return;
    }
    with(model, "type", spec.video->model == VideoModel::vga ? "vga" : "vmvga");
    with(model, "vram", spec.video->memory_bytes >> 10);
    with(model, "heads", 1);
    append_address(video, spec.video->address);
}

void append_inputs(xml_node devices, const DomainSpec& spec) {
    if (spec.usb_tablet) {
        auto node = with(with(devices.append_child("input"), "type", "tablet"), "bus", "usb");
        auto address = with(node.append_child("address"), "type", "usb");
        with(with(address, "bus", 0), "port", 1);
    }
    if (spec.guest_agent) {
        auto node = with(devices.append_child("channel"), "type", "unix");
        auto target = with(node.append_child("target"), "type", "virtio");
        with(target, "name", "org.qemu.guest_agent.0");
        auto address = with(node.append_child("address"), "type", "virtio-serial");
        with(with(with(address, "controller", 0), "bus", 0), "port", 1);
    }
}

void append_balloon_and_rng(xml_node devices, const DomainSpec& spec) {
    auto balloon = devices.append_child("memballoon");
    with(balloon, "model", spec.balloon ? "virtio" : "none");
    if (spec.balloon) {
        with(balloon.append_child("stats"), "period", spec.balloon->stats_period_s);
        append_address(balloon, spec.balloon->address);
    }
    if (spec.rng) {
        auto rng = with(devices.append_child("rng"), "model", "virtio");
        auto backend = with(rng.append_child("backend"), "model", "random");
        backend.text().set("/dev/urandom");
        append_address(rng, spec.rng->address);
    }
}

}  // namespace

const char* name_of(ImageFormat format) {
    switch (format) {
        case ImageFormat::raw:
            return "raw";
        case ImageFormat::qcow2:
            return "qcow2";
    }
    return "";
}

void append_devices(pugi::xml_node devices, const DomainSpec& spec) {
    append_controllers(devices, spec);
    for (const auto& disk : spec.disks) append_disk(devices, spec, disk);
    for (const auto& nic : spec.nics) append_nic(devices, nic);
    for (const auto& port : spec.serial_ports) append_serial(devices, port);
    append_inputs(devices, spec);
    append_console(devices, spec);
    append_balloon_and_rng(devices, spec);
}

std::string to_disk_xml(const DomainSpec& spec, const DiskSpec& disk) {
    DiskSpec plugged = disk;
    plugged.boot_index.reset();
    pugi::xml_document document;
    append_disk(document, spec, plugged);
    std::ostringstream text;
    document.first_child().print(text);
    return text.str();
}

std::string to_nic_xml(const NicSpec& nic) {
    NicSpec plugged = nic;
    plugged.boot_index.reset();
    pugi::xml_document document;
    append_nic(document, plugged);
    std::ostringstream text;
    document.first_child().print(text);
    return text.str();
}

}  // namespace drover::hypervisor::libvirt
