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
    std::string serial_directory;  ///< where sockets of serial pipes are made; absolute

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

/// Where the far end of a serial port is that listens on this host.
struct SerialEndpoint {
    std::string path;     ///< of a Unix socket; empty: TCP
    std::string address;  ///< numeric; all addresses of the host are named by the loopback's
    std::uint16_t port = 0;
};

/// Of a running machine's serial port (0 to 3), or of the first that listens. Nothing if there is
/// none: it writes a file, connects by itself, or isn't connected.
std::optional<SerialEndpoint> serial_endpoint(const vim::VirtualMachineConfigInfo& config,
                                              std::string_view serial_directory,
                                              std::optional<std::int32_t> number);

}  // namespace drover::machine
