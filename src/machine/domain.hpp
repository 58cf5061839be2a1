#pragma once

// What the hypervisor starts: DomainSpec from a machine's configuration and what the host knows.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "hypervisor/domain_spec.hpp"
#include "machine/config.hpp"

namespace drover::machine {

/// A virtual disk as the host opens it.
struct ResolvedDisk {
    hypervisor::DiskImage image;
    std::vector<hypervisor::DiskImage> backing_chain;  ///< nearest first
};

/// The host's side of a machine. Names are in the API's form ("[ds] vm/disk.vmdk").
struct DomainFacts {
    std::map<std::string, ResolvedDisk, std::less<>> disks;
    std::map<std::string, std::string, std::less<>> files;    ///< media and serial logs: host paths
    std::map<std::string, std::string, std::less<>> bridges;  ///< by network name
    /// Joined, with the link down, by an adapter whose network the host doesn't have. Empty: such a
    /// machine can't start.
    std::string isolated_bridge;
    std::string runtime_directory;  ///< where sockets of serial pipes are made; absolute

    hypervisor::Accelerator accelerator = hypervisor::Accelerator::tcg;
    hypervisor::CpuSpec cpu;    ///< mode, model and features; the counts are the machine's
    std::uint32_t cpu_mhz = 0;  ///< of one core of the host; 0: limits in MHz can't be kept
    std::string uefi_loader;
    std::string uefi_nvram_template;
    std::string nvram_path;
    std::string cgroup_partition;
    std::string vnc_listen_address = "127.0.0.1";
    hypervisor::CacheMode cache = hypervisor::CacheMode::none;
    std::map<std::string, std::string> metadata;
};

/// Throws vim::Fault that names the device or setting which can't be had: FileNotFound,
/// InvalidDeviceBacking, DeviceUnsupportedForVmPlatform, InvalidVmConfig, GenericVmConfigFault.
/// The file must have been pinned (pin_hardware).
///
/// Models: LSI Logic and LSI Logic SAS are both presented as an LSI SAS 1068, the one that QEMU has
/// and that guests' drivers for both know how to find; older guests' adapters of VMware (vmxnet,
/// "flexible") begin life as a PCNet32 and are one here. `drover.paravirtual = "virtio"` presents
/// all SCSI controllers and adapters as virtio instead, at the same addresses.
hypervisor::DomainSpec domain_spec_from_config(const vim::VirtualMachineConfigInfo& config,
                                               const vmx::VmxFile& file, const DomainFacts& facts);

}  // namespace drover::machine
