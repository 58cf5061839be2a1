#include "host/environment/guest_options.hpp"

#include <algorithm>

#include "host/environment/device_options.hpp"
#include "host/host_system/capability.hpp"

namespace drover::host {
namespace {

using machine::GuestFamily;

constexpr std::int32_t kGiB = 1024;  // in MB

// A guest from before virtio and AHCI drivers came with systems: it starts from an IDE disk and
// speaks to an Intel NIC.
bool is_old(const machine::GuestOs& guest) {
    constexpr std::string_view old[] = {"win2000", "winXP",    "winNet",   "win98",   "win95",
                                        "win31",   "dos",      "winNT",    "winMe",   "os2",
                                        "netware", "solaris6", "solaris7", "solaris8"};
    return std::ranges::any_of(old, [&](auto start) { return guest.id.starts_with(start); });
}

void set_limits(vim::GuestOsDescriptor& made, const machine::GuestOs& guest,
                const Capacity& capacity) {
    const auto host_mb = static_cast<std::int64_t>(capacity.memory_bytes >> 20);
    // A guest that isn't 64-bit has no use for more than 64 GB (PAE); the host has what it has.
    const std::int64_t most = guest.is_64_bit() ? host_mb : std::min<std::int64_t>(host_mb, 65536);
    made.set_supportedMaxCPUs(kMostVcpus);
    made.set_numSupportedPhysicalSockets(kMostVcpus);
    made.set_numSupportedCoresPerSocket(kMostVcpus);
    made.set_supportedMinMemMB(4);
    made.set_supportedMaxMemMB(static_cast<std::int32_t>(std::min<std::int64_t>(most, INT32_MAX)));
    const bool windows = guest.family == GuestFamily::windows;
    made.set_recommendedMemMB(is_old(guest) ? 512 : windows ? 4 * kGiB : 2 * kGiB);
    made.set_recommendedColorDepth(24);
    made.set_supportedNumDisks(60);
    made.set_recommendedDiskSizeMB(windows && !is_old(guest) ? 48 * kGiB : 16 * kGiB);
    made.set_numSupportedFloppyDevices(2);
    made.set_vRAMSizeInKB(int_option(4096, 131072, 16384));
}

void set_devices(vim::GuestOsDescriptor& made, const machine::GuestOs& guest) {
    made.set_supportedDiskControllerList(
        {"VirtualIDEController", "VirtualAHCIController", "VirtualLsiLogicController",
         "VirtualLsiLogicSASController", "ParaVirtualSCSIController"});
    const bool windows = guest.family == GuestFamily::windows;
    const std::string_view scsi =
        windows ? "VirtualLsiLogicSASController" : "ParaVirtualSCSIController";
    made.set_recommendedSCSIController(scsi);
    made.set_recommendedDiskController(is_old(guest) ? "VirtualIDEController" : scsi);
    made.set_recommendedCdromController("VirtualIDEController");
    made.set_supportedEthernetCard(
        {"VirtualE1000", "VirtualE1000e", "VirtualVmxnet3", "VirtualPCNet32"});
    // Windows has no driver for vmxnet3 of its own.
    made.set_recommendedEthernetCard(is_old(guest) ? "VirtualE1000"
                                     : windows     ? "VirtualE1000e"
                                                   : "VirtualVmxnet3");
    made.set_supportsSlaveDisk(true);
    made.set_supportedUSBControllerList({"VirtualUSBController", "VirtualUSBXHCIController"});
    made.set_recommendedUSBController(is_old(guest) ? "VirtualUSBController"
                                                    : "VirtualUSBXHCIController");
}

}  // namespace

vim::GuestOsDescriptor describe_guest(const machine::GuestOs& guest, const Capacity& capacity,
                                      bool has_uefi) {
    auto made = vim::GuestOsDescriptor::make();
    made.set_id(guest.id);
    made.set_family(machine::to_string(guest.family));
    made.set_fullName(guest.full_name);
    set_limits(made, guest, capacity);
    set_devices(made, guest);
    made.set_smcRequired(false);
    made.set_smcRecommended(false);
    made.set_supportsWakeOnLan(false);
    made.set_supportsVMI(false);
    made.set_supportsMemoryHotAdd(false);
    made.set_supportsCpuHotAdd(false);
    made.set_supportsCpuHotRemove(false);
    std::vector<std::string_view> firmware{"bios"};
    if (has_uefi) firmware.emplace_back("efi");
    made.set_supportedFirmware(firmware);
    made.set_recommendedFirmware("bios");
    made.set_supports3D(false);
    made.set_recommended3D(false);
    made.set_ich7mRecommended(false);
    made.set_usbRecommended(false);
    made.set_supportLevel(is_old(guest) ? "legacy" : "supported");
    made.set_supportedForCreate(true);
    made.set_supportsPvscsiControllerForBoot(guest.family == GuestFamily::linux_);
    made.set_diskUuidEnabled(false);
    made.set_supportsHotPlugPCI(false);
    made.set_supportsSecureBoot(false);
    made.set_defaultSecureBoot(false);
    made.set_supportsTPM20(false);
    return made;
}

}  // namespace drover::host
