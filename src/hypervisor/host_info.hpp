#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hypervisor/domain_spec.hpp"

namespace drover::hypervisor {

struct NumaCell {
    std::uint32_t id = 0;
    std::uint64_t memory_bytes = 0;
    std::vector<std::uint32_t> cpus{};
};

/// A UEFI firmware build that is installed on the host.
struct UefiFirmware {
    std::string loader_path{};
    std::string nvram_template{};
    bool secure_boot = false;                     ///< can enforce it (needs SMM, so q35)
    bool enrolled_keys = false;                   ///< the template holds the usual vendors' keys
    std::vector<std::string> machine_patterns{};  ///< e.g. "pc-i440fx-*", "pc-q35-*"
};

struct HostInfo {
    std::string host_name{};
    std::string host_uuid{};
    std::string libvirt_version{};  ///< "9.0.0"
    std::string qemu_version{};     ///< "7.2.22"
    /// kvm only if the CPU has vmx or svm *and* the hypervisor can use /dev/kvm: a /dev/kvm that
    /// opens is not enough on some nested hosts.
    Accelerator accelerator = Accelerator::tcg;
    std::string cpu_vendor{};  ///< "AMD", "Intel" (libvirt's model database)
    std::string cpu_model{};   ///< the nearest named model, e.g. "EPYC-Rome"
    std::string cpu_brand{};   ///< what the CPU calls itself
    std::uint32_t cpu_mhz = 0;
    std::uint32_t logical_cpus = 0;
    std::uint32_t sockets = 0;  ///< in all
    std::uint32_t cores = 0;    ///< in all
    std::uint32_t threads_per_core = 0;
    std::vector<std::string> cpu_features{};
    std::uint64_t memory_bytes = 0;
    std::vector<NumaCell> numa_cells{};
    std::vector<std::string> machine_types{};  ///< versioned ones, for x86_64
    std::string default_machine_type{};        ///< what QEMU's alias "pc" means here
    std::vector<UefiFirmware> uefi_firmware{};
};

/// Counters of the host as a whole.
struct HostStats {
    std::uint64_t cpu_user_ns = 0;
    std::uint64_t cpu_system_ns = 0;
    std::uint64_t cpu_idle_ns = 0;
    std::uint64_t cpu_iowait_ns = 0;
    std::uint64_t memory_total_bytes = 0;
    std::uint64_t memory_free_bytes = 0;
    std::uint64_t memory_cached_bytes =
        0;  ///< page cache and buffers, for the most part reclaimable
};

}  // namespace drover::hypervisor
