#pragma once

#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"
#include "host/machines/resource_pools.hpp"

namespace drover::host {

/// Destroy_Task: a machine and all its files (or a resource pool, whose content goes to the one
/// above). A saga that is only ever finished: once begun, a
/// crash does not leave half a machine.
class Destroy {
public:
    Destroy(const HostContext& context, Machines& machines, ResourcePools& pools);
    void serve();

    /// The caller has the machine to itself.
    task::Awaitable<void> destroy(MachinePtr machine);

private:
    struct Plan;
    task::Saga build(const Plan& plan);
    void refuse_parent_of_others(const Machine& machine) const;

    const HostContext& context_;
    Machines& machines_;
    ResourcePools& pools_;
};

}  // namespace drover::host
