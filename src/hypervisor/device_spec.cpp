#include "hypervisor/device_spec.hpp"

#include <algorithm>

namespace drover::hypervisor {
namespace {

// 0 -> a, 25 -> z, 26 -> aa: how Linux and libvirt count disks.
std::string letters(std::uint32_t index) {
    std::string text;
    for (std::uint64_t rest = std::uint64_t{index} + 1; rest > 0; rest = (rest - 1) / 26)
        text.push_back(static_cast<char>('a' + (rest - 1) % 26));
    std::ranges::reverse(text);
    return text;
}

}  // namespace

std::string disk_target(const DiskSpec& disk) {
    // SCSI, SATA and USB share the prefix "sd", so each family has a range of its own.
    constexpr std::uint32_t scsi_units = 256;
    constexpr std::uint32_t sata_base = 16 * scsi_units;
    constexpr std::uint32_t sata_units = 32;
    constexpr std::uint32_t usb_base = sata_base + 32 * sata_units;
    constexpr std::uint32_t usb_units = 32;
    switch (disk.bus) {
        case DiskBus::ide:
            return "hd" + letters(disk.channel * 2 + disk.unit);
        case DiskBus::floppy:
            return "fd" + letters(disk.unit);
        case DiskBus::virtio:
            return "vd" + letters(disk.unit);
        case DiskBus::scsi:
            return "sd" + letters(disk.controller * scsi_units + disk.unit);
        case DiskBus::sata:
            return "sd" + letters(sata_base + disk.controller * sata_units + disk.unit);
        case DiskBus::usb:
            return "sd" + letters(usb_base + disk.controller * usb_units + disk.unit);
    }
    return {};
}

}  // namespace drover::hypervisor
