#pragma once

// The boot order: bios.bootOrder = "ethernet0,hdd,cdrom" and bios.hddOrder = "scsi0:1,scsi0:0".

#include <optional>
#include <string_view>
#include <vector>

#include "vim/types.hpp"
#include "vmx/vmx_file.hpp"

namespace drover::machine {

using BootDevice = vim::VirtualMachineBootOptionsBootableDevice;

/// Empty if the file states none. Devices that the machine doesn't have are left out.
std::vector<BootDevice> boot_order_from_vmx(const vmx::VmxFile& file,
                                            const std::vector<vim::VirtualDevice>& devices);

/// Whether it is one of the file's two words, which clients also set as options.
bool is_boot_order_key(std::string_view key);

/// The order once these options of a ConfigSpec are taken over; nothing if none of them is about
/// it.
std::optional<std::vector<BootDevice>> boot_order_from_options(
    const std::vector<vim::OptionValue>& options, const vmx::VmxFile& file,
    const std::vector<vim::VirtualDevice>& devices);

/// The file can't say "disk, network, other disk": all disks come where the first one stands.
void write_boot_order(vmx::VmxFile& file, const std::vector<BootDevice>& order,
                      const std::vector<vim::VirtualDevice>& devices);

}  // namespace drover::machine
