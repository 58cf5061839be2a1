#pragma once

// What the planner knows of a cluster: plain values, taken once, never changed while it thinks.
// Hosts, machines, pools and rules name each other by their place in these vectors.
//
// Memory is in bytes and CPU in MHz, both as double: sums of whole numbers stay exact below 2^53.

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "plan/cpu/evc_mode.hpp"

namespace drover::plan {

using HostIndex = std::uint32_t;
using MachineIndex = std::uint32_t;
using PoolIndex = std::uint32_t;
using RuleIndex = std::uint32_t;

/// No host, no pool, no machine.
inline constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
inline constexpr double kUnlimited = std::numeric_limits<double>::infinity();

/// What somebody is promised of a resource, and how they compete for the rest.
struct Allocation {
    double reservation = 0;
    double limit = kUnlimited;
    double shares = 1000;
    bool expandable = true;  ///< of pools: may borrow reservation from the parent
};

struct Host {
    std::string name{};
    double cpu_mhz = 0;              ///< for machines: what the host itself needs is taken off
    double memory_bytes = 0;         ///< likewise
    double network_bytes_per_s = 0;  ///< of its physical adapters; 0: unknown, and does not count
    /// Takes machines: connected, and not in (or on its way to) maintenance or standby.
    bool usable = true;
    Cpu cpu{};
    std::vector<std::string> networks{};
    std::vector<std::string> datastores{};
    std::string failure_domain{};  ///< rack, room; empty: the host is a domain of its own
};

/// What the planner may do with a machine.
enum class Movability {
    automatic,
    recommend,  ///< moves are proposed, a person applies them
    disabled,   ///< stays, except by force of evacuation
    pinned,     ///< can't be moved at all: a local disk, a device of the host
};

struct Machine {
    std::string name{};
    HostIndex host = kNone;  ///< kNone: not running, to be placed
    PoolIndex pool = kNone;  ///< kNone: below the cluster itself
    std::uint32_t vcpus = 1;
    double cpu_demand_mhz = 0;
    double memory_configured_bytes = 0;
    double memory_overhead_bytes = 0;  ///< what running it costs beyond its memory
    double memory_demand_bytes = 0;
    double network_bytes_per_s = 0;  ///< sent and received
    Allocation cpu{};
    Allocation memory{};
    CpuVendor cpu_vendor = CpuVendor::unknown;  ///< unknown: runs anywhere
    FeatureSet cpu_features{};                  ///< what it has seen since power-on
    std::vector<std::string> networks{};
    std::vector<std::string> datastores{};
    double dirty_bytes_per_s = 0;  ///< how fast it rewrites its memory
    Movability movability = Movability::automatic;
    std::uint32_t moves_last_hour = 0;
};

struct Pool {
    std::string name{};
    PoolIndex parent = kNone;
    Allocation cpu{};
    Allocation memory{};
};

enum class RuleKind {
    keep_together,  ///< the machines share a host
    keep_apart,     ///< no two of them do
    must_run_on,
    must_not_run_on,
    should_run_on,
    should_not_run_on,
    spread,  ///< the machines occupy at least `minimum_domains` failure domains
};

struct Rule {
    std::string name{};
    RuleKind kind = RuleKind::keep_apart;
    std::vector<MachineIndex> machines{};
    std::vector<HostIndex> hosts{};  ///< of the four kinds about hosts
    std::uint32_t minimum_domains = 2;
};

/// Two machines that talk to each other: cheaper on one host.
struct Conversation {
    MachineIndex first = 0;
    MachineIndex second = 0;
    double bytes_per_s = 0;
};

struct Snapshot {
    std::vector<Host> hosts{};
    std::vector<Machine> machines{};
    std::vector<Pool> pools{};
    std::vector<Rule> rules{};
    std::vector<Conversation> conversations{};
    /// Configured memory of running machines may be this many times the host's.
    double memory_overcommit = 1.0;
};

}  // namespace drover::plan
