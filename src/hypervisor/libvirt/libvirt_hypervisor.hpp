#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "hypervisor/hypervisor.hpp"

namespace drover::hypervisor {

struct LibvirtOptions {
    std::string uri = "qemu:///system";
    std::string emulator_path = "/usr/bin/qemu-system-x86_64";

    /// A connection whose peer gives no sign of life for about three times this is given up.
    std::chrono::seconds keepalive_interval{2};
    /// Longest pause between two attempts to connect again.
    std::chrono::milliseconds reconnect_backoff{1000};

    /// Deadlines of calls.
    std::chrono::seconds call_limit{45};
    std::chrono::seconds start_limit{180};
    std::chrono::seconds save_limit{3600};  ///< save and restore: memory goes through a disk
    std::chrono::seconds agent_limit{3};    ///< for one answer of a guest agent

    // Where the host describes itself; tests put their own here.
    std::filesystem::path cpuinfo_path = "/proc/cpuinfo";
    std::filesystem::path kvm_device_path = "/dev/kvm";
    std::filesystem::path firmware_descriptors = "/usr/share/qemu/firmware";
};

/// Machines on QEMU, through libvirt's daemon. Tries once to connect before it returns; if that
/// fails, it goes on trying (see ConnectionEvent). It connects again by itself, for ever, whenever
/// the daemon goes away. Throws only if the process can't make threads.
std::unique_ptr<Hypervisor> make_libvirt_hypervisor(LibvirtOptions options);

}  // namespace drover::hypervisor
