#pragma once

// A cluster as the planner sees it: the center's mirror as plain values, and back.

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "center/drs/figures.hpp"
#include "center/drs/policy.hpp"
#include "center/migration/migration_parts.hpp"
#include "plan/model/snapshot.hpp"

namespace drover::center {

/// Plain values; any thread once it is made. Hosts, machines and pools are in the order of the
/// snapshot's vectors.
struct ClusterView {
    vim::MoRef cluster;
    DrsPolicy policy;
    plan::Snapshot snapshot;
    plan::DrsSettings settings;
    std::vector<vim::MoRef> hosts;
    std::vector<vim::MoRef> machines;
    std::vector<vim::MoRef> pools;
    std::vector<std::int32_t> rule_keys;  ///< of the first rules; those after them are ours
    double core_mhz = 0;                  ///< of the first host

    std::optional<plan::HostIndex> host(const vim::MoRef& ref) const;
    std::optional<plan::MachineIndex> machine(const vim::MoRef& ref) const;
    /// kNone for the root pool and for what is no pool of the cluster.
    plan::PoolIndex pool(const vim::MoRef& ref) const;
};

/// What the mirror does not say.
struct ViewKnowledge {
    Figures* figures = nullptr;
    /// Machines that are being powered on, and the hosts chosen for them; by id.
    const std::map<std::string, std::string>* starting = nullptr;
    /// Moves that failed lately: the machine's id, the host's.
    const std::set<std::pair<std::string, std::string>>* refused = nullptr;
    /// Hosts that are being emptied.
    const std::set<std::string>* leaving = nullptr;
    base::SteadyTime now{};
};

/// Connected hosts and what runs there. `placing`: machines to be placed, which do not run; they
/// come with no host, whatever host they are registered with.
ClusterView view_cluster(const MigrationParts& parts, const ViewKnowledge& knowledge,
                         const vim::MoRef& cluster, std::span<const vim::MoRef> placing = {});

/// `unit`: bytes or MHz of one in the API.
plan::Allocation allocation_of(const vim::ResourceAllocationInfo& info, double unit);

/// A machine that does not exist yet, or not in this shape, as one to be placed; its demand is
/// guessed.
plan::MachineIndex add_newcomer(ClusterView& view, plan::Machine machine);

/// The rules of the cluster's configuration, about the machines and hosts of the view.
void add_rules(ClusterView& view, const vim::Value& config);

/// The compute resource that a machine is in; unset for one that is nowhere.
vim::MoRef compute_resource_of(const MigrationParts& parts, const vim::MoRef& machine);

bool is_powered(const MigrationParts& parts, const vim::MoRef& machine,
                vim::VirtualMachinePowerState state);

}  // namespace drover::center
