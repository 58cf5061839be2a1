#pragma once

#include "host/machines/live_devices.hpp"
#include "host/machines/machines.hpp"

namespace drover::host {

/// ReconfigVM_Task: new disks first, then the .vmx file (that is the moment of truth), then what is
/// no longer needed; a running machine is told what it can take. A saga.
class Reconfigure {
public:
    Reconfigure(const HostContext& context, Machines& machines);
    void serve();

private:
    struct Plan;
    task::Awaitable<void> reconfigure(MachinePtr machine, vim::VirtualMachineConfigSpec spec,
                                      task::TaskContextPtr task);
    task::Saga build(const Plan& plan, storage::CopyControl control);
    task::SagaStep make_disk_step(const machine::DiskToCreate& disk,
                                  const storage::CopyControl& control);
    task::Awaitable<void> apply_live(MachinePtr machine, std::vector<LiveChange> changes);

    const HostContext& context_;
    Machines& machines_;
};

}  // namespace drover::host
