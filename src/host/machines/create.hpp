#pragma once

#include "host/machines/machines.hpp"

namespace drover::host {

/// Making machines: CreateVM_Task of a folder, CreateChildVM_Task of a pool. A saga: a crash in the
/// middle leaves either the whole machine or nothing.
class Create {
public:
    Create(const HostContext& context, Machines& machines);
    void serve();
    /// Refuses new machines with a fault; for maintenance mode.
    void add_admission(std::function<void()> check) { admission_.push_back(std::move(check)); }

private:
    struct Plan;
    task::Awaitable<vim::Value> create(vim::VirtualMachineConfigSpec spec, vim::MoRef pool,
                                       task::TaskContextPtr task);
    task::Awaitable<storage::DatastorePath> choose_path(vim::VirtualMachineConfigSpec spec,
                                                        std::string name);
    task::Saga build(const Plan& plan, storage::CopyControl control);

    const HostContext& context_;
    Machines& machines_;
    std::vector<std::function<void()>> admission_;
};

}  // namespace drover::host
