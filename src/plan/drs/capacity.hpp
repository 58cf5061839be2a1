#pragma once

// What a cluster still has room for.

#include <cstdint>
#include <span>
#include <vector>

#include "plan/model/state.hpp"

namespace drover::plan {

/// How many more machines of this shape (its rules apart) could be started beside what runs, at
/// most `limit`; reservations up the tree of pools counted.
std::uint64_t how_many_fit(const Snapshot& snapshot, const Machine& shape,
                           std::uint64_t limit = 1'000'000);

struct FailoverCapacity {
    /// So many hosts may be lost, whichever they are, and every machine can be started again.
    std::uint32_t hosts = 0;
    /// Hosts whose loss, together, is too much, and machines that then find no place.
    std::vector<HostIndex> fatal;
    std::vector<MachineIndex> stranded;
    bool exhaustive = true;  ///< false: too many combinations; the fullest hosts were tried
};

/// By trying it: machines of lost hosts are placed on the others, rules and reservations kept.
FailoverCapacity failover_capacity(const Snapshot& snapshot, std::uint32_t at_most = 4);

/// Machines that would find no place if these hosts were lost now.
std::vector<MachineIndex> stranded_without(const Cluster& cluster, std::span<const HostIndex> lost);

}  // namespace drover::plan
