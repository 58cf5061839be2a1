#pragma once

// How a running domain moves to another host: what the engine is told, and what it tells meanwhile.
//
// The source drives. Control goes through a local socket that somebody else joins to the engine of
// the other host; memory (and disks that are copied) go straight from engine to engine, encrypted.
// At the end exactly one of the two engines runs the domain, as far as both are alive to see to it;
// who may run it otherwise is decided elsewhere (the machine's lease).

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/device_spec.hpp"
#include "hypervisor/domain_spec.hpp"

namespace drover::hypervisor {

/// A disk that is not on storage which both hosts see: its content is copied while the guest runs.
struct DiskCopy {
    std::string target{};  ///< "sda": see disk_target()
    /// The file at the destination, made by the caller with at least the disk's capacity.
    std::string destination_path{};
    ImageFormat destination_format = ImageFormat::raw;
    /// Copy only the top layer. The layers below are at the destination already, with the same
    /// content, where `MigrationSpec::paths` puts them. Otherwise the copy is one flat image.
    bool top_layer_only = false;
};

struct MigrationSpec {
    /// Unix socket on this host that leads to the other engine's `migration_socket()`.
    std::string destination_socket{};
    /// Numeric address where the other host's engine listens for memory and disks; the engine
    /// picks the ports.
    std::string destination_address{};
    /// The name that the other host's migration certificate must bear.
    std::string tls_name{};
    /// Memory in the clear. Without it an empty tls_name is refused (invalid_spec).
    bool unencrypted = false;

    /// Prefix here -> prefix there, for every file of the machine (disks, media, NVRAM, logs).
    /// Whole path components; the longest prefix that fits wins; a file that none fits keeps its
    /// path.
    std::map<std::string, std::string> paths{};
    /// Bridge here -> bridge there; one that is not named keeps its name.
    std::map<std::string, std::string> bridges{};
    std::vector<DiskCopy> disks_to_copy{};
    /// Replaces DomainSpec::metadata and the cgroup partition of the arriving domain, if set.
    std::optional<std::map<std::string, std::string>> metadata{};
    std::optional<std::string> cgroup_partition{};

    /// Connections for memory, 1 to 16. More than one is faster on a fast network, but such a
    /// migration can't be cancelled while the network is dead: it ends when TCP gives up. With
    /// post_copy it is always one, since QEMU can't do both.
    unsigned parallel_connections = 1;
    /// Slow the guest down, step by step, when it writes memory faster than it can be sent.
    bool auto_converge = true;
    /// Allow `start_post_copy`. From its start on the domain is lost if either host is.
    bool post_copy = true;
    std::optional<std::uint64_t> bandwidth_bytes_per_s{};  ///< none: as fast as it goes
    /// How long the guest may stand still for the last piece, 1 ms to 2000 s.
    std::chrono::milliseconds downtime_limit{300};
    /// Given up (`stalled`) after so long without a single byte of progress.
    std::chrono::milliseconds stall_limit{30000};
};

/// Throws HypervisorError(invalid_spec) that names the first field that is wrong and why. Pure.
void validate(const MigrationSpec& spec);

/// `path` with the longest prefix that fits replaced. Whole components: "/a/b" fits "/a/b/c" and
/// "/a/b", not "/a/bc".
std::string map_path(std::string_view path, const std::map<std::string, std::string>& prefixes);

enum class MigrationPhase {
    preparing,      ///< the other engine is being asked
    copying_disks,  ///< until each copy has caught up with the guest; `..._bytes` are of the disks
    copying_memory,
    post_copy,   ///< the guest runs there and fetches its memory from here: no way back
    completing,  ///< the guest stands still, or both sides clean up
};

struct MigrationProgress {
    MigrationPhase phase = MigrationPhase::preparing;
    /// Memory and disks together. `total` may grow: what the guest writes again is sent again.
    std::uint64_t total_bytes = 0;
    std::uint64_t transferred_bytes = 0;
    std::uint64_t remaining_bytes = 0;
    std::uint64_t memory_total_bytes = 0;
    std::uint64_t memory_remaining_bytes = 0;
    std::uint64_t dirty_bytes_per_s = 0;       ///< memory that the guest writes; 0 until known
    std::uint64_t throughput_bytes_per_s = 0;  ///< of memory
    std::uint32_t iteration = 0;               ///< passes over the memory, the first is 1
    std::uint32_t throttle_percent = 0;        ///< by which auto_converge slows the guest
    std::chrono::milliseconds elapsed{};
    std::optional<std::chrono::milliseconds> expected_downtime{};
};

/// Of a migration that succeeded.
struct MigrationResult {
    std::chrono::milliseconds total{};
    /// How long the guest stood still, if the engine knows.
    std::optional<std::chrono::milliseconds> downtime{};
    std::uint64_t transferred_bytes = 0;  ///< memory and disks
    std::uint64_t memory_bytes = 0;       ///< size of the guest's memory
    std::uint32_t iterations = 0;
    bool post_copy = false;  ///< it was switched to post-copy
};

/// What the destination's engine is told before a domain comes.
struct IncomingDomain {
    DomainUuid uuid{};
    std::string display_name{};
};

}  // namespace drover::hypervisor
