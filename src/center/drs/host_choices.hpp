#pragma once

// Which hosts could run a machine that does not run yet, or why none can. Pure but for the faults.

#include <optional>
#include <string>
#include <vector>

#include "center/drs/cluster_view.hpp"
#include "plan/drs/placement.hpp"
#include "vim/fault.hpp"

namespace drover::center {

/// What was found for one machine.
struct HostChoices {
    std::vector<plan::HostChoice> hosts;  ///< the best first
    plan::PowerOnPlan room;               ///< if there is none: who would have to make way
    std::string refusals;
    bool lacks_memory = false;  ///< of every host
    bool lacks_cpu = false;
};

/// Any thread.
HostChoices choose_hosts(const ClusterView& view, plan::MachineIndex machine);

/// The present host before others that are hardly better.
void prefer(HostChoices& choices, std::optional<plan::HostIndex> present);

/// That no host can take it: for want of CPU, memory, or anything else.
vim::Fault no_room(const ClusterView& view, plan::MachineIndex machine, const HostChoices& choices,
                   const std::string& cluster_name);

/// Throws InsufficientResourcesFault unless the machine's reservations can be kept, up the pools.
void require_admitted(const ClusterView& view, plan::MachineIndex machine,
                      const std::string& cluster_name);

}  // namespace drover::center
