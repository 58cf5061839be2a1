#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "hypervisor/hypervisor.hpp"
#include "hypervisor/simulated/fault_rules.hpp"

namespace drover::hypervisor {

struct SimulatedOptions {
    HostInfo host;           ///< what host_info() answers
    std::uint64_t seed = 1;  ///< the same seed gives the same load, and the same dice for faults
    /// Where it is written which domains run, so that they go on when the process ends. Empty:
    /// they end with it.
    std::filesystem::path journal;
    std::vector<simulated::FaultRule> faults;
    /// More rules, in a file that is read again when it changes. Empty: none.
    std::filesystem::path faults_file;
    /// From a domain's start until its guest agent answers.
    std::chrono::milliseconds guest_boot{2000};
    /// From a request to shut down or restart until the guest has done so.
    std::chrono::milliseconds guest_shutdown{500};
    /// Unix socket at which domains arrive from other simulated engines. Empty: none can come.
    std::filesystem::path migration_socket;
    /// How fast memory "goes" to another host, unless a migration asks for less.
    std::uint64_t migration_bytes_per_s = 2ULL << 30;
};

/// A host like a usual server: 64 cores, 2 TiB of memory, UEFI firmware.
HostInfo simulated_host_info();

/// An engine that runs nothing: domains are notes about what would run. They have states, events,
/// counters that grow, guests with addresses, and memory images of a few hundred bytes; they have
/// no console (`unsupported`). For tests, for benchmarks, and for trying clients without a host.
/// The clock must outlive it. Throws std::runtime_error if the journal can't be written.
std::unique_ptr<Hypervisor> make_simulated_hypervisor(SimulatedOptions options,
                                                      const base::Clock& clock);

}  // namespace drover::hypervisor
