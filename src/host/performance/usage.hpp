#pragma once

// From counters that only grow to figures that people read. Pure: no clock, no I/O.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/performance/history.hpp"
#include "hypervisor/domain_info.hpp"
#include "hypervisor/host_info.hpp"
#include "vim/value.hpp"

namespace drover::host {

/// The interval that summation counters (milliseconds, numbers of packets) refer to.
inline constexpr std::chrono::seconds kSampleInterval{20};

/// What must be known of a machine beside its counters.
struct MachineShape {
    std::uint32_t vcpus = 1;
    std::uint64_t memory_bytes = 0;  ///< as configured
    std::optional<std::chrono::seconds> uptime{};
    /// By the hypervisor's name for the disk ("sda"): the interface's ("scsi0:0"). Disks that are
    /// not named here count for the whole only.
    std::map<std::string, std::string, std::less<>> disk_names{};
    /// By the NIC's position: its device key ("4000").
    std::vector<std::string> nic_names{};
};

/// What a machine uses. What can't be known yet (rates at the first sight) is unset.
struct MachineUsage {
    vim::MoRef ref;
    std::optional<std::uint32_t> cpu_mhz{};
    std::optional<std::uint32_t> cpu_demand_mhz{};  ///< used, and what it would have used
    /// How much of the time a vCPU waited for a physical CPU, on average over the vCPUs, 0 to 100.
    std::optional<std::uint32_t> cpu_readiness_percent{};
    std::uint64_t guest_memory_bytes = 0;  ///< what the guest is using ("active")
    std::uint64_t host_memory_bytes = 0;   ///< what it costs the host, overhead included
    std::uint64_t granted_memory_bytes = 0;
    std::uint64_t ballooned_memory_bytes = 0;
    std::uint64_t overhead_memory_bytes = 0;
    std::optional<std::uint64_t> shared_memory_bytes{};  ///< never known for one machine so far
    std::optional<std::chrono::seconds> uptime{};
    std::optional<std::uint64_t> disk_read_bytes_per_second{};
    std::optional<std::uint64_t> disk_write_bytes_per_second{};
    std::optional<std::uint64_t> net_received_bytes_per_second{};
    std::optional<std::uint64_t> net_sent_bytes_per_second{};
    std::vector<Reading> readings{};  ///< for the history
};

/// `before` is an earlier look at the same machine, null if there is none.
MachineUsage measure_machine(const hypervisor::DomainStats* before,
                             const hypervisor::DomainStats& now, const MachineShape& shape,
                             std::uint32_t host_cpu_mhz);

/// One physical NIC's counters.
struct NicCounters {
    std::string name;
    std::uint64_t rx_bytes = 0;
    std::uint64_t rx_packets = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_packets = 0;
};

/// The host at one moment.
struct HostCounters {
    hypervisor::HostStats stats{};
    std::vector<NicCounters> nics{};
    std::optional<std::uint64_t> shared_memory_bytes{};  ///< by KSM
    std::chrono::steady_clock::time_point taken_at{};
    std::chrono::seconds uptime{};
};

/// What the host has for its machines.
struct HostCapacity {
    std::uint32_t cpu_mhz = 0;  ///< of one core
    double cores = 1;
    std::uint64_t memory_bytes = 0;
    /// The host is only a part of the computer it runs on (a limit on cores or memory was set).
    /// Then the computer's own counters say nothing about it, and what its machines use counts.
    bool is_slice = false;
};

struct HostUsage {
    std::optional<std::uint32_t> cpu_mhz{};
    std::uint64_t memory_bytes = 0;
    std::chrono::seconds uptime{};
    std::vector<Reading> readings{};
};

/// `machines` are all that run on the host.
HostUsage measure_host(const HostCounters* before, const HostCounters& now,
                       std::span<const MachineUsage> machines, const HostCapacity& capacity);

/// Reads /proc/net/dev. Lines that are none of a NIC are passed over.
std::vector<NicCounters> parse_net_dev(std::string_view text);

}  // namespace drover::host
