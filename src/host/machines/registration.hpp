#pragma once

#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"
#include "host/machines/resource_pools.hpp"

namespace drover::host {

/// Machines that exist on a datastore, into the inventory and out of it: RegisterVM_Task,
/// RegisterChildVM_Task, UnregisterVM, MarkAsTemplate, MarkAsVirtualMachine, Rename_Task, Reload.
class Registration {
public:
    Registration(const HostContext& context, Machines& machines, ResourcePools& pools)
        : context_(context), machines_(machines), pools_(pools) {}
    void serve();
    /// Refuses new machines with a fault; for maintenance mode.
    void add_admission(std::function<void()> check) { admission_.push_back(std::move(check)); }
    /// Registers a machine that this host is to run from now on.
    task::Awaitable<MachinePtr> adopt(std::string path);

    /// Ends a registration; the machine's files stay. Throws if it is busy or on.
    task::Awaitable<void> unregister(MachinePtr machine);

private:
    task::Awaitable<vim::Value> register_machine(std::string path, std::string name,
                                                 bool as_template, vim::MoRef pool);
    task::Awaitable<void> mark(MachinePtr machine, bool is_template, vim::MoRef pool);
    task::Awaitable<void> rename(MachinePtr machine, std::string name);
    void refuse_duplicate(std::string_view name) const;
    void serve_marks();
    void serve_entity_methods();

    const HostContext& context_;
    Machines& machines_;
    ResourcePools& pools_;
    std::vector<std::function<void()>> admission_;
};

}  // namespace drover::host
