#pragma once

#include "host/machines/live_devices.hpp"
#include "host/machines/machines.hpp"

namespace drover::host {

/// ReconfigVM_Task: new disks first, then the .vmx file (that is the moment of truth), then what is
/// no longer needed; a running machine is told what it can take, and has disks and network adapters
/// plugged in and out. A saga.
class Reconfigure {
public:
    Reconfigure(const HostContext& context, Machines& machines);
    void serve();

    /// The caller has the machine to itself.
    task::Awaitable<void> reconfigure(MachinePtr machine, vim::VirtualMachineConfigSpec spec,
                                      storage::CopyControl control);
    /// Takes the machine for itself.
    task::Awaitable<void> reconfigure_alone(MachinePtr machine, vim::VirtualMachineConfigSpec spec);

private:
    struct Plan;
    task::Saga build(const Plan& plan, storage::CopyControl control);
    task::SagaStep make_disk_step(const machine::DiskToCreate& disk,
                                  const storage::DatastorePath& vmx,
                                  const storage::CopyControl& control);
    void add_plug_steps(task::Saga& saga, const Plan& plan);
    task::Awaitable<void> plug_in(Plan plan, Plug plug);
    task::Awaitable<void> unplug(hypervisor::DomainUuid uuid, Plug plug);
    task::Awaitable<void> reload(MachinePtr machine);
    task::Awaitable<void> delete_unused(std::string disk, storage::DatastorePath vmx);
    task::Awaitable<void> apply_live(MachinePtr machine, std::vector<LiveChange> changes);

    const HostContext& context_;
    Machines& machines_;
};

}  // namespace drover::host
