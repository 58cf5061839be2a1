#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <set>
#include <string_view>
#include <tuple>

#include "hypervisor/domain_spec.hpp"
#include "hypervisor/hypervisor_error.hpp"
#include "hypervisor/text.hpp"

namespace drover::hypervisor {
namespace {

constexpr std::size_t path_limit = 4095;
constexpr std::size_t text_limit = 4095;

template <class... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
    throw HypervisorError(ErrorKind::invalid_spec,
                          fmt::format(format, std::forward<Args>(args)...));
}

void require(bool condition, std::string_view field, std::string_view reason) {
    if (!condition) refuse("{}: {}", field, reason);
}

void check_text(std::string_view text, std::string_view field, std::size_t limit = text_limit) {
    if (text.size() > limit) refuse("{}: longer than {} bytes", field, limit);
    require(is_plain_text(text), field, "has control characters or is not UTF-8");
}

void check_path(std::string_view path, std::string_view field) {
    check_text(path, field, path_limit);
    require(path.starts_with('/'), field, "must be an absolute path");
}

void check_name(std::string_view name, std::string_view field, std::size_t limit = 64) {
    require(!name.empty() && name.size() <= limit, field, "must have 1 to 64 characters");
    require(std::ranges::all_of(name,
                                [](unsigned char c) {
                                    return std::isalnum(c) || c == '-' || c == '_' || c == '.';
                                }),
            field, "may have letters, digits, '-', '_' and '.' only");
}

void check_uuid(const std::string& uuid) {
    bool ok = uuid.size() == 36;
    for (std::size_t i = 0; ok && i < uuid.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char c = uuid[i];
        ok = dash ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
    require(ok, "uuid", "must be a lower-case uuid with dashes");
    require(uuid.find_first_not_of("0-") != std::string::npos, "uuid", "must not be all zeros");
}

void check_mac(const std::string& mac, const std::string& field) {
    bool ok = mac.size() == 17;
    for (std::size_t i = 0; ok && i < mac.size(); ++i)
        ok = i % 3 == 2 ? mac[i] == ':' : std::isxdigit(static_cast<unsigned char>(mac[i])) != 0;
    require(ok, field, "must look like 00:50:56:01:02:03");
    const bool multicast = (std::stoi(mac.substr(0, 2), nullptr, 16) & 1) != 0;
    require(!multicast, field, "must not be a multicast address");
}

void check_machine_type(const std::string& type) {
    check_name(type, "machine_type");
    const auto dash = type.rfind('-');
    const bool versioned = dash != std::string::npos && dash + 1 < type.size() &&
                           std::isdigit(static_cast<unsigned char>(type[dash + 1]));
    require(versioned, "machine_type", "must name a version, e.g. pc-i440fx-7.2");
}

void check_cpu(const CpuSpec& cpu) {
    require(cpu.vcpus >= 1 && cpu.vcpus <= 255, "cpu.vcpus", "must be 1 to 255");
    require(cpu.cores_per_socket >= 1 && cpu.vcpus % cpu.cores_per_socket == 0,
            "cpu.cores_per_socket", "must divide cpu.vcpus");
    if (cpu.mode == CpuMode::named) check_name(cpu.model, "cpu.model");
    require(cpu.required_features.size() + cpu.disabled_features.size() <= 1024, "cpu features",
            "are too many");
    for (const auto& feature : cpu.required_features) check_name(feature, "cpu.required_features");
    for (const auto& feature : cpu.disabled_features) check_name(feature, "cpu.disabled_features");
}

void check_firmware(const DomainSpec& spec) {
    const auto& firmware = spec.firmware;
    require(firmware.boot_menu_timeout_ms <= 65535, "firmware.boot_menu_timeout_ms",
            "must be at most 65535");
    if (firmware.kind == FirmwareKind::bios) {
        require(!firmware.secure_boot, "firmware.secure_boot", "needs UEFI");
        return;
    }
    check_path(firmware.loader_path, "firmware.loader_path");
    check_path(firmware.nvram_path, "firmware.nvram_path");
    if (!firmware.nvram_template.empty())
        check_path(firmware.nvram_template, "firmware.nvram_template");
    if (firmware.secure_boot)
        require(spec.machine_type.find("q35") != std::string::npos, "firmware.secure_boot",
                "needs a q35 machine (system management mode)");
}

std::string_view family(ControllerKind kind) {
    switch (kind) {
        case ControllerKind::ide:
            return "ide";
        case ControllerKind::sata_ahci:
            return "sata";
        case ControllerKind::scsi_lsilogic:
        case ControllerKind::scsi_lsisas1068:
        case ControllerKind::scsi_pvscsi:
        case ControllerKind::scsi_virtio:
            return "scsi";
        case ControllerKind::usb_uhci:
        case ControllerKind::usb_ehci:
        case ControllerKind::usb_xhci:
            return "usb";
        case ControllerKind::virtio_serial:
            return "virtio-serial";
        case ControllerKind::pci_bridge:
        case ControllerKind::pcie_root_port:
        case ControllerKind::pcie_to_pci_bridge:
            return "pci";
    }
    return "";
}

std::uint32_t units_of(ControllerKind kind) {
    switch (kind) {
        case ControllerKind::sata_ahci:
            return 6;
        case ControllerKind::scsi_lsilogic:
            return 7;
        case ControllerKind::scsi_lsisas1068:
            return 8;
        case ControllerKind::scsi_pvscsi:
            return 64;
        default:
            return 256;
    }
}

// Collects what must be unique in the whole machine.
struct Seen {
    std::set<std::tuple<int, int, int>> pci{};
    std::set<std::uint32_t> boot_indexes{};
    std::set<std::string> targets{}, macs{};

    void address(const std::optional<PciAddress>& address, const std::string& field) {
        if (!address) return;
        require(address->slot <= 31 && address->function <= 7, field, "is no PCI address");
        require(pci.emplace(address->bus, address->slot, address->function).second, field,
                "is taken by another device");
    }
    void boot_index(const std::optional<std::uint32_t>& index, const std::string& field) {
        if (!index) return;
        require(*index >= 1 && *index <= 1024, field, "must be 1 to 1024");
        require(boot_indexes.insert(*index).second, field, "is used by another device");
    }
};

const ControllerSpec* find_controller(const DomainSpec& spec, std::string_view kind,
                                      std::uint32_t index) {
    for (const auto& controller : spec.controllers)
        if (family(controller.kind) == kind && controller.index == index) return &controller;
    return nullptr;
}

void check_controllers(const DomainSpec& spec, Seen& seen) {
    require(spec.controllers.size() <= 256, "controllers", "are more than 256");
    std::set<std::pair<std::string_view, std::uint32_t>> indexes;
    for (std::size_t i = 0; i < spec.controllers.size(); ++i) {
        const auto& controller = spec.controllers[i];
        const auto field = fmt::format("controllers[{}]", i);
        const auto kind = family(controller.kind);
        const std::uint32_t limit = kind == "ide" ? 1 : kind == "pci" ? 256 : 16;
        require(controller.index < limit, field + ".index", "is too large");
        if (kind == "pci") require(controller.index > 0, field + ".index", "0 is the root bus");
        require(indexes.emplace(kind, controller.index).second, field + ".index", "is used twice");
        seen.address(controller.address, field + ".address");
    }
}

void check_disk_place(const DomainSpec& spec, const DiskSpec& disk, const std::string& field) {
    require(disk.device != DiskDevice::floppy || disk.bus == DiskBus::floppy, field + ".bus",
            "must be floppy for a floppy drive");
    switch (disk.bus) {
        case DiskBus::ide:
            require(disk.controller == 0 && disk.channel < 2 && disk.unit < 2, field,
                    "has no such IDE place (controller 0, channel 0-1, unit 0-1)");
            return;
        case DiskBus::floppy:
            require(disk.device == DiskDevice::floppy && disk.controller == 0 && disk.unit < 2,
                    field, "must be a floppy drive with unit 0 or 1");
            return;
        case DiskBus::virtio:
            require(disk.device == DiskDevice::disk && disk.controller == 0 && disk.unit < 256,
                    field, "must be a plain disk with unit 0 to 255");
            return;
        case DiskBus::usb:
            require(disk.unit >= 1 && disk.unit < 16, field + ".unit", "must be a port, 1 to 15");
            require(find_controller(spec, "usb", disk.controller), field + ".controller",
                    "names no usb controller");
            return;
        case DiskBus::sata:
        case DiskBus::scsi: {
            const auto* controller =
                find_controller(spec, disk.bus == DiskBus::sata ? "sata" : "scsi", disk.controller);
            require(controller != nullptr, field + ".controller", "names no such controller");
            const auto units = units_of(controller->kind);
            if (disk.unit >= units) refuse("{}.unit: must be below {}", field, units);
            return;
        }
    }
}

void check_image(const DiskImage& image, const std::string& field) {
    check_path(image.path, field + ".path");
}

void check_disk(const DomainSpec& spec, const DiskSpec& disk, const std::string& field,
                Seen& seen) {
    check_disk_place(spec, disk, field);
    require(disk.image || disk.device != DiskDevice::disk, field + ".image", "is missing");
    if (disk.image) check_image(*disk.image, field + ".image");
    require(disk.backing_chain.size() <= 128, field + ".backing_chain", "is longer than 128");
    for (const auto& image : disk.backing_chain) check_image(image, field + ".backing_chain");
    // Only a qcow2 layer can have another below it.
    if (!disk.backing_chain.empty()) {
        bool ok = disk.image && disk.image->format == ImageFormat::qcow2;
        for (std::size_t i = 0; i + 1 < disk.backing_chain.size(); ++i)
            ok = ok && disk.backing_chain[i].format == ImageFormat::qcow2;
        require(ok, field + ".backing_chain", "lies below an image that is not qcow2");
    }
    require(disk.serial.size() <= 36 &&
                std::ranges::all_of(disk.serial,
                                    [](unsigned char c) {
                                        return std::isalnum(c) ||
                                               std::string_view("_ .+-").find(
                                                   static_cast<char>(c)) != std::string_view::npos;
                                    }),
            field + ".serial", "may have up to 36 of [A-Za-z0-9_ .+-]");
    require(disk.io != IoMode::native || disk.cache == CacheMode::none ||
                disk.cache == CacheMode::directsync,
            field + ".io", "native needs cache none or directsync");
    require(!disk.shareable || (disk.image && disk.image->format == ImageFormat::raw),
            field + ".shareable", "needs a raw image");
    require(!disk.address || disk.bus == DiskBus::virtio, field + ".address",
            "is for virtio disks only");
    require(seen.targets.insert(disk_target(disk)).second, field, "sits where another disk sits");
    seen.address(disk.address, field + ".address");
    seen.boot_index(disk.boot_index, field + ".boot_index");
}

void check_nic(const NicSpec& nic, const std::string& field, Seen& seen) {
    check_mac(nic.mac, field + ".mac");
    std::string lower = nic.mac;
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    require(seen.macs.insert(lower).second, field + ".mac", "is used twice");
    check_name(nic.bridge, field + ".bridge", 15);
    seen.address(nic.address, field + ".address");
    seen.boot_index(nic.boot_index, field + ".boot_index");
}

void check_serial_ports(const std::vector<SerialPortSpec>& ports) {
    std::set<std::uint32_t> seen;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const auto& port = ports[i];
        const auto field = fmt::format("serial_ports[{}]", i);
        require(port.port < 4 && seen.insert(port.port).second, field + ".port",
                "must be 0 to 3 and unique");
        if (port.backend == SerialBackend::file || port.backend == SerialBackend::unix_listen)
            check_path(port.path, field + ".path");
        if (port.backend == SerialBackend::unix_listen)
            require(port.path.size() <= 107, field + ".path", "is longer than 107 bytes");
        if (port.backend == SerialBackend::tcp_listen ||
            port.backend == SerialBackend::tcp_connect) {
            check_text(port.host, field + ".host", 64);
            require(!port.host.empty(), field + ".host", "is missing");
            require(port.tcp_port != 0, field + ".tcp_port", "is missing");
        }
    }
}

void check_other_devices(const DomainSpec& spec, Seen& seen) {
    if (spec.video) {
        const auto mib = spec.video->memory_bytes >> 20;
        require(spec.video->memory_bytes == mib << 20 && std::has_single_bit(mib) && mib >= 4 &&
                    mib <= 256,
                "video.memory_bytes", "must be a power of two from 4 MiB to 256 MiB");
        seen.address(spec.video->address, "video.address");
    }
    if (spec.vnc) {
        check_text(spec.vnc->listen_address, "vnc.listen_address", 64);
        require(!spec.vnc->listen_address.empty(), "vnc.listen_address", "is missing");
        require(!spec.vnc->port || *spec.vnc->port >= 5900, "vnc.port", "must be 5900 or more");
        // VNC's own authentication looks at 8 bytes and no more: refuse what it would cut off.
        check_text(spec.vnc->password, "vnc.password", 8);
    }
    if (spec.usb_tablet)
        require(find_controller(spec, "usb", 0), "usb_tablet", "needs usb controller 0");
    if (spec.guest_agent)
        require(find_controller(spec, "virtio-serial", 0), "guest_agent",
                "needs virtio_serial controller 0");
    if (spec.balloon) seen.address(spec.balloon->address, "balloon.address");
    if (spec.rng) seen.address(spec.rng->address, "rng.address");
}

}  // namespace

void validate_metadata(const std::map<std::string, std::string>& metadata) {
    require(metadata.size() <= 64, "metadata", "has more than 64 entries");
    for (const auto& [key, value] : metadata) {
        check_name(key, "metadata key");
        check_text(value, "metadata." + key);
    }
}

void validate_cpu_tuning(const CpuTuning& tuning) {
    if (tuning.shares)
        require(*tuning.shares >= 2 && *tuning.shares <= 10000, "cpu_tuning.shares",
                "must be 2 to 10000");
    if (tuning.limit_cores)
        require(std::isfinite(*tuning.limit_cores) && *tuning.limit_cores >= 0.01 &&
                    *tuning.limit_cores <= 4096,
                "cpu_tuning.limit_cores", "must be 0.01 to 4096");
}

void validate_image(const DiskImage& image) {
    check_image(image, "image");
}

void validate(const DomainSpec& spec) {
    check_uuid(spec.uuid.value());
    check_machine_type(spec.machine_type);
    check_cpu(spec.cpu);
    validate_cpu_tuning(spec.cpu_tuning);
    constexpr std::uint64_t mib = 1ULL << 20;
    require(spec.memory_bytes >= mib && spec.memory_bytes % mib == 0 &&
                spec.memory_bytes <= (1ULL << 44),
            "memory_bytes", "must be a multiple of 1 MiB, at most 16 TiB");
    check_firmware(spec);
    if (spec.smbios)
        for (const auto* text : {&spec.smbios->manufacturer, &spec.smbios->product,
                                 &spec.smbios->version, &spec.smbios->serial})
            check_text(*text, "smbios", 255);
    if (!spec.cgroup_partition.empty()) check_path(spec.cgroup_partition, "cgroup_partition");

    Seen seen;
    check_controllers(spec, seen);
    require(spec.disks.size() <= 256, "disks", "are more than 256");
    for (std::size_t i = 0; i < spec.disks.size(); ++i)
        check_disk(spec, spec.disks[i], fmt::format("disks[{}]", i), seen);
    require(spec.nics.size() <= 64, "nics", "are more than 64");
    for (std::size_t i = 0; i < spec.nics.size(); ++i)
        check_nic(spec.nics[i], fmt::format("nics[{}]", i), seen);
    check_serial_ports(spec.serial_ports);
    check_other_devices(spec, seen);
    validate_metadata(spec.metadata);
}

}  // namespace drover::hypervisor
