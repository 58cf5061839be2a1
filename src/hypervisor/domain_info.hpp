#pragma once

// What a running domain looks like, and what it has used.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hypervisor/domain_spec.hpp"

namespace drover::hypervisor {

enum class DomainState { running, paused, shutting_down, crashed, stopped };

enum class PausedReason {
    none,              ///< not paused
    user,              ///< by a call, or started paused
    io_error,          ///< a disk with IoErrorPolicy::stop failed; resume tries again
    migration,         ///< between two hosts: on its way in, or about to be let go there
    post_copy,         ///< it runs on the other host and fetches its memory from here
    post_copy_failed,  ///< on both sides: part of its memory is lost
    saving,            ///< its memory is being written
    starting,          ///< not yet let go
    other,
};

enum class IoErrorReason { none, no_space, other };

struct DomainInfo {
    DomainUuid uuid{};
    int libvirt_id = -1;  ///< of this run; -1 if it is not running
    std::string display_name{};
    DomainState state = DomainState::running;
    PausedReason paused_reason = PausedReason::none;
    IoErrorReason io_error = IoErrorReason::none;  ///< only with PausedReason::io_error
    bool agent_connected = false;
    std::string vnc_address{};  ///< empty: no console
    std::optional<std::uint16_t> vnc_port{};
    std::map<std::uint32_t, std::string> serial_ptys{};  ///< port -> /dev/pts/N
    /// DomainSpec::metadata; none for a domain that was not started by this software.
    std::optional<std::map<std::string, std::string>> metadata{};
};

struct VcpuStats {
    std::uint32_t index = 0;
    std::uint64_t time_ns = 0;   ///< on a CPU
    std::uint64_t wait_ns = 0;   ///< waiting for I/O
    std::uint64_t ready_ns = 0;  ///< runnable, but no CPU was free: vSphere's "CPU ready"
    bool halted = false;
};

struct BalloonStats {
    std::uint64_t current_bytes = 0;  ///< what the guest has now
    std::uint64_t maximum_bytes = 0;
    std::uint64_t rss_bytes = 0;  ///< of the QEMU process on the host
    /// From the guest's driver; none until it has reported once.
    std::optional<std::uint64_t> unused_bytes{};
    std::optional<std::uint64_t> available_bytes{};
    std::optional<std::uint64_t> usable_bytes{};
    std::optional<std::uint64_t> swap_in_bytes{};
    std::optional<std::uint64_t> swap_out_bytes{};
};

struct BlockStats {
    std::string target{};  ///< see disk_target()
    std::string path{};
    std::uint64_t read_requests = 0;
    std::uint64_t read_bytes = 0;
    std::uint64_t read_time_ns = 0;
    std::uint64_t write_requests = 0;
    std::uint64_t write_bytes = 0;
    std::uint64_t write_time_ns = 0;
    std::uint64_t flush_requests = 0;
    std::uint64_t flush_time_ns = 0;
    std::uint64_t allocation_bytes = 0;  ///< highest offset written, of an image file
    std::uint64_t capacity_bytes = 0;    ///< what the guest sees
    std::uint64_t physical_bytes = 0;    ///< size of the file
};

struct NicStats {
    std::uint32_t index = 0;  ///< position in DomainSpec::nics
    std::string tap{};        ///< the host's interface
    std::uint64_t rx_bytes = 0;
    std::uint64_t rx_packets = 0;
    std::uint64_t rx_drops = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_packets = 0;
    std::uint64_t tx_drops = 0;
};

/// Counters since the domain's start on this host; they may fall back to 0 after a migration.
struct DomainStats {
    DomainUuid uuid{};
    DomainState state = DomainState::running;
    std::chrono::steady_clock::time_point taken_at{};
    std::uint64_t cpu_time_ns = 0;  ///< all threads of the QEMU process
    std::uint64_t cpu_user_ns = 0;
    std::uint64_t cpu_system_ns = 0;
    std::vector<VcpuStats> vcpus{};
    BalloonStats balloon{};
    std::vector<BlockStats> disks{};
    std::vector<NicStats> nics{};
};

struct GuestInterface {
    std::string name{};
    std::string mac{};
    struct Address {
        std::string ip{};
        std::uint32_t prefix = 0;
    };
    std::vector<Address> addresses{};
};

struct GuestFilesystem {
    std::string mount_point{};
    std::string device{};
    std::string type{};
    std::uint64_t total_bytes = 0;  ///< 0: the agent didn't say
    std::uint64_t used_bytes = 0;
};

/// What the guest agent told. The guest is not trusted: texts and counts are bounded, contents are
/// not to be believed.
struct GuestInfo {
    std::string host_name{};
    std::string os_id{};       ///< "debian", "mswindows"
    std::string os_name{};     ///< "Debian GNU/Linux"
    std::string os_pretty{};   ///< "Debian GNU/Linux 12 (bookworm)"
    std::string os_version{};  ///< "12 (bookworm)"
    std::string kernel_release{};
    std::string machine{};  ///< "x86_64"
    std::vector<GuestInterface> interfaces{};
    std::vector<GuestFilesystem> filesystems{};
};

struct Screenshot {
    std::string mime_type{};  ///< "image/png" or "image/x-portable-pixmap"
    std::vector<std::uint8_t> bytes{};
};

}  // namespace drover::hypervisor
