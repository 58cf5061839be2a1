#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace drover::host {

/// A disk of the computer, as the kernel shows it.
struct BlockDevice {
    std::string name;  ///< "sda", "nvme0n1", "vda"
    std::uint64_t size_bytes = 0;
    std::uint32_t block_bytes = 512;  ///< of a logical block
    std::string vendor;               ///< this and the next three are empty where it has none
    std::string model;
    std::string revision;
    std::string serial;
    std::string pci_address;  ///< of its adapter ("0000:00:05.0"); empty if that is on no PCI bus
    std::string driver;       ///< of its adapter: "virtio-pci", "ahci", "nvme"
    bool is_rotational = false;
    bool is_removable = false;
};

/// The disks below a /sys; what is made of other disks or of files (dm, md, loop, ram, zram, nbd)
/// is none. In order of their names. What can't be read is left out. Blocks.
std::vector<BlockDevice> read_block_devices(const std::filesystem::path& sys = "/sys");

}  // namespace drover::host
