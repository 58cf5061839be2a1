#pragma once

// Where every machine would be, with the sums that follow from it. Moving a machine costs a few
// additions; asking whether it may move costs a few comparisons and a look at its own rules.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "plan/model/cluster.hpp"

namespace drover::plan {

/// Why a machine may not go to a host.
enum class Refusal {
    none,
    host_unusable,
    incompatible,  ///< features, networks, datastores, must-rules
    memory,
    memory_reservation,
    cpu_reservation,
    apart,
    together,
    spread,
};

std::string_view text_of(Refusal refusal);

class State {
public:
    /// As the snapshot has it. The cluster must outlive the state.
    explicit State(const Cluster& cluster);

    const Cluster& cluster() const { return *cluster_; }
    HostIndex host_of(MachineIndex machine) const { return host_of_[machine]; }
    const std::vector<HostIndex>& hosts() const { return host_of_; }
    const Load& load(HostIndex host) const { return loads_[host]; }
    const std::vector<MachineIndex>& machines_on(HostIndex host) const { return on_host_[host]; }

    /// Whether a machine could be moved there (or started, if it is nowhere) without breaking
    /// anything that holds now.
    Refusal check(MachineIndex machine, HostIndex to) const;
    bool may_move(MachineIndex machine, HostIndex to) const {
        return check(machine, to) == Refusal::none;
    }
    /// Everything but the host's room: for swaps, which make room themselves.
    Refusal check_rules(MachineIndex machine, HostIndex to) const;
    /// Whether two machines on different hosts could change places.
    bool may_swap(MachineIndex one, MachineIndex two) const;
    Refusal check_room(HostIndex host, const Load& sum) const;

    /// Moves without asking; `to` may be kNone.
    void move(MachineIndex machine, HostIndex to);

    /// Pairs of machines that a keep-apart rule parts on one host, machines away from their
    /// companions, missing failure domains, and machines where they must not be.
    std::uint64_t broken_rules() const;

private:
    struct RuleCounts {
        std::vector<std::uint16_t> at;  ///< by host (apart, together) or domain (spread)
        std::uint32_t occupied = 0;     ///< of spread: domains with a machine
    };
    void count(MachineIndex machine, HostIndex host, int change);
    Refusal check_rule(RuleIndex rule, HostIndex from, HostIndex to) const;

    const Cluster* cluster_;
    std::vector<HostIndex> host_of_;
    std::vector<std::uint32_t> slot_of_;
    std::vector<Load> loads_;
    std::vector<std::vector<MachineIndex>> on_host_;
    std::vector<RuleCounts> counts_;
};

}  // namespace drover::plan
