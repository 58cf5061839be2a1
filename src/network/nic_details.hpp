#pragma once

#include <filesystem>

#include "network/virtual_switches.hpp"

namespace drover::network {

/// Fills in what ethtool and PCI know about a NIC of this thread's network namespace: driver, PCI
/// address and ids, speed, duplex. What the driver doesn't tell is left as it was. `sys_root`
/// stands for /sys.
void add_nic_details(PhysicalNic& nic, const std::filesystem::path& sys_root);

/// The PCI ids from <sys_root>/bus/pci/devices/<pci_address>, which is the same in every namespace.
void add_pci_ids(PhysicalNic& nic, const std::filesystem::path& sys_root);

/// True for 0000:03:00.0 and the like.
bool is_pci_address(std::string_view text);

}  // namespace drover::network
