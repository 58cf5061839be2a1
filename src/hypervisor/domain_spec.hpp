#pragma once

// What it takes to start a machine: the whole of its virtual hardware and of its host-side limits,
// as plain values. The same specification always gives the same hardware, so that a machine meets
// nothing new after a power cycle, a migration or a restart on another host.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "hypervisor/device_spec.hpp"

namespace drover::hypervisor {

/// A machine's uuid in lower case with dashes. It names the domain for the hypervisor.
using DomainUuid = base::StrongId<struct DomainUuidTag>;

enum class Accelerator { tcg, kvm };

enum class CpuMode {
    host_model,  ///< what the host has, as a named model; fit for migration between like hosts
    maximum,     ///< everything that the accelerator can do; the usual choice for TCG
    named,       ///< `model`, e.g. "qemu64" or "EPYC-v2"
};

struct CpuSpec {
    CpuMode mode = CpuMode::maximum;
    std::string model{};                           ///< named only
    std::vector<std::string> required_features{};  ///< libvirt's names, e.g. "avx2"
    std::vector<std::string> disabled_features{};
    std::uint32_t vcpus = 1;             ///< 1 to 255, a multiple of cores_per_socket
    std::uint32_t cores_per_socket = 1;  ///< sockets = vcpus / cores_per_socket
};

/// Share of the host's CPUs. Changeable while the machine runs.
struct CpuTuning {
    /// Weight against other machines in the same partition, 2 to 10000 (what both cgroup versions
    /// take); none: the kernel's default.
    std::optional<std::uint32_t> shares{};
    /// Most CPU that the whole machine may use, in cores of this host (0.01 or more; 1.5 is one
    /// core and a half, on whichever vCPUs); none: no limit.
    std::optional<double> limit_cores{};
};

enum class FirmwareKind { bios, uefi };

struct FirmwareSpec {
    FirmwareKind kind = FirmwareKind::bios;
    bool secure_boot = false;      ///< uefi on q35 only; needs a loader built for it
    std::string loader_path{};     ///< uefi: OVMF's code image
    std::string nvram_path{};      ///< uefi: the machine's own variables
    std::string nvram_template{};  ///< made into nvram_path if that does not exist; may be empty
    bool boot_menu = false;
    std::uint32_t boot_menu_timeout_ms = 0;  ///< up to 65535
};

/// What the guest reads as its DMI "system" record. Empty fields keep QEMU's own text.
struct SmbiosSpec {
    std::string manufacturer{};
    std::string product{};
    std::string version{};
    std::string serial{};
};

struct DomainSpec {
    DomainUuid uuid{};
    std::string display_name{};  ///< any text; shown, never used as a name
    std::string machine_type{};  ///< versioned, e.g. "pc-i440fx-7.2": QEMU's alias "pc" is refused
    Accelerator accelerator = Accelerator::tcg;
    CpuSpec cpu{};
    CpuTuning cpu_tuning{};
    std::uint64_t memory_bytes = 0;  ///< a multiple of 1 MiB
    FirmwareSpec firmware{};
    std::optional<SmbiosSpec> smbios{};

    std::vector<ControllerSpec> controllers{};  ///< a machine without a usb controller has no usb
    std::vector<DiskSpec> disks{};
    std::vector<NicSpec> nics{};
    std::vector<SerialPortSpec> serial_ports{};
    std::optional<VideoSpec> video{};
    std::optional<VncSpec> vnc{};
    bool usb_tablet = false;   ///< absolute pointer for the console; needs usb controller 0, port 1
    bool guest_agent = false;  ///< qemu-guest-agent's channel; needs virtio_serial controller 0
    std::optional<BalloonSpec> balloon{};
    std::optional<RngSpec> rng{};

    /// Parent cgroup of the machine, e.g. "/drover". Without systemd the caller must have made it:
    /// a directory "drover.partition" in every hierarchy that is mounted. Empty: libvirt's default.
    std::string cgroup_partition{};

    /// The caller's own notes, kept with the running domain and handed back by `list`: the path of
    /// the .vmx, the generation of its lease. Keys are XML names ([A-Za-z_][A-Za-z0-9_.-]*).
    std::map<std::string, std::string> metadata{};
};

/// Throws HypervisorError(invalid_spec) that names the first field that is wrong and why. Pure.
/// It finds what libvirt would accept and do differently, or would refuse without saying where;
/// it does not repeat all of libvirt's own checks.
void validate(const DomainSpec& spec);

// Its parts, for changes to a running domain.
void validate_metadata(const std::map<std::string, std::string>& metadata);
void validate_cpu_tuning(const CpuTuning& tuning);
void validate_image(const DiskImage& image);

}  // namespace drover::hypervisor
