#pragma once

// The guest PCI address of every device, kept with the machine, so that it meets identical hardware
// after a power cycle, on another host and under a newer QEMU.
//
// `drover.<device>.pciAddress = "00:06.0"` (bus:slot.function on the i440fx root bus) is what
// counts. VMware's own `<device>.pciSlotNumber` is left as it is found: numbers such as 160 or 224
// mean slots behind bridges that our machine doesn't have. At first sight of such a machine the
// devices are placed in the order of those numbers, so the guest finds them in the order it knows.
// A device of ours has the plain slot as its pciSlotNumber.
//
// Slots: 0 host bridge, 1 PIIX3 (ISA, IDE, UHCI), 2 display, 3 virtio-serial, 4 balloon, 5 random
// numbers, 6 to 31 controllers and network adapters: more than VMware's limits can fill.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/device_spec.hpp"
#include "vim/types.hpp"
#include "vmx/vmx_file.hpp"

namespace drover::machine {

/// Gives each of `devices` that needs one an address in the file, and the machine its type unless
/// it has one already. Addresses that are there stay. `machine_type` is versioned
/// ("pc-i440fx-7.2").
void pin_hardware(vmx::VmxFile& file, const std::vector<vim::VirtualDevice>& devices,
                  std::string_view machine_type);

/// The address of a device by its name in the file: "scsi0", "ethernet1", "usb", "ehci",
/// "usb_xhci", "svga", "virtioSerial", "balloon", "rng".
std::optional<hypervisor::PciAddress> pinned_address(const vmx::VmxFile& file,
                                                     std::string_view device);

/// The pinned machine type; empty before pin_hardware().
std::string pinned_machine_type(const vmx::VmxFile& file);

}  // namespace drover::machine
