#pragma once

// Admission control: whether another machine may be started, so that those that run could all be
// started again after the failures that the cluster is to bear. By trying it, not by slots.

#include <string>
#include <vector>

#include "plan/model/snapshot.hpp"

namespace drover::ha {

enum class FailoverPolicy {
    disabled,
    hosts,       ///< so many may fail, whichever they are: every loss is tried on paper
    percentage,  ///< so much of the cluster's reservable CPU and memory stays free
    dedicated,   ///< these hosts run nothing, and must be able to take what any other runs
};

struct FailoverSettings {
    FailoverPolicy policy = FailoverPolicy::hosts;
    std::uint32_t hosts = 1;
    double cpu_percent = 25;
    double memory_percent = 25;
    std::vector<plan::HostIndex> dedicated{};
};

struct FailoverVerdict {
    bool admitted = true;
    std::string reason{};                        ///< if not: what fails, and for whom
    std::vector<plan::HostIndex> fatal{};        ///< whose loss would be too much
    std::vector<plan::MachineIndex> stranded{};  ///< machines without a place then
};

/// Of a cluster as it would be with the machine started: its `host` says where.
FailoverVerdict admits_failover(const plan::Snapshot& after, const FailoverSettings& settings);

/// What is free of the cluster's reservable resources, in percent (0 to 100).
struct FreePercent {
    double cpu = 0;
    double memory = 0;
};
FreePercent free_percent(const plan::Snapshot& snapshot);

}  // namespace drover::ha
