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
    /// By the hypervisor's name for the disk: its datastore's id.
    std::map<std::string, std::string, std::less<>> disk_datastores{};
    // What the kernel tells of the machine's process, where it may be asked.
    std::optional<std::uint64_t> shared_bytes{};
    std::optional<std::uint64_t> swapped_bytes{};
};

/// What is read and written in a second, and how long it takes.
struct DiskRates {
    double reads = 0;
    double writes = 0;
    double read_kilobytes = 0;
    double write_kilobytes = 0;
    double read_ns = 0;  ///< of all reads together
    double write_ns = 0;

    DiskRates& operator+=(const DiskRates& other);
    double read_latency_ms() const { return reads > 0 ? read_ns / reads / 1e6 : 0; }
    double write_latency_ms() const { return writes > 0 ? write_ns / writes / 1e6 : 0; }
    double latency_ms() const {
        return reads + writes > 0 ? (read_ns + write_ns) / (reads + writes) / 1e6 : 0;
    }
};

/// What a machine uses, in a few figures. What can't be known yet (rates at the first sight) is
/// unset.
struct MachineFigures {
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
    std::optional<std::uint64_t> shared_memory_bytes{};   ///< by KSM, where it may be seen
    std::optional<std::uint64_t> swapped_memory_bytes{};  ///< by the host, where it may be seen
    std::optional<std::chrono::seconds> uptime{};
    std::optional<std::uint64_t> disk_read_bytes_per_second{};
    std::optional<std::uint64_t> disk_write_bytes_per_second{};
    std::optional<std::uint64_t> net_received_bytes_per_second{};
    std::optional<std::uint64_t> net_sent_bytes_per_second{};
};

/// The same with everything that was measured.
struct MachineUsage : MachineFigures {
    std::map<std::string, DiskRates> datastores{};  ///< by the datastore's id
    std::vector<Reading> readings{};                ///< for the history
};

/// Figures of one datastore and, in the end, of the slowest.
void add_datastores(const std::map<std::string, DiskRates>& datastores,
                    std::vector<Reading>& readings);

/// What the machines of a pool use together: the readings that vSphere has for pools.
std::vector<Reading> sum_of_pool(std::span<const MachineUsage* const> machines);

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
    std::uint64_t rx_errors = 0;
    std::uint64_t rx_drops = 0;
    std::uint64_t tx_errors = 0;
    std::uint64_t tx_drops = 0;
};

/// One logical CPU of the host, in clock ticks: only their proportion counts.
struct CpuCounters {
    std::uint32_t index = 0;
    std::uint64_t busy = 0;
    std::uint64_t idle = 0;
};

/// The host at one moment.
struct HostCounters {
    hypervisor::HostStats stats{};
    std::vector<NicCounters> nics{};
    std::optional<std::uint64_t> shared_memory_bytes{};  ///< by KSM: what guests see
    std::optional<std::uint64_t> shared_copies_bytes{};  ///< by KSM: what it takes
    std::optional<std::uint64_t> swap_used_bytes{};
    std::vector<CpuCounters> cpus{};
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

/// Reads /proc/stat. Lines that are none of one CPU are passed over.
std::vector<CpuCounters> parse_stat(std::string_view text);

/// The number of a line such as "SwapFree:  123 kB" of /proc/meminfo or a process's status.
std::optional<std::uint64_t> kilobytes_of(std::string_view text, std::string_view name);

/// Reads /proc/net/dev. Lines that are none of a NIC are passed over.
std::vector<NicCounters> parse_net_dev(std::string_view text);

}  // namespace drover::host
