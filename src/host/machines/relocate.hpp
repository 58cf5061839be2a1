#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"
#include "host/machines/resource_pools.hpp"

namespace drover::host {

struct RelocationPlan;
struct RelocationWish;
class LiveRelocation;

/// RelocateVM_Task on one host: a machine's files go to other datastores, all of them or disk by
/// disk. Linked clones become disks of their own. Of a machine that is off it is a saga: copies are
/// undone until the machine is switched to them; from then on the old files go, whatever happens.
/// One that runs goes on while its disks are copied (LiveRelocation).
class Relocate {
public:
    Relocate(const HostContext& context, Machines& machines, Leases& leases, ResourcePools& pools);
    ~Relocate();
    void serve();

    /// Takes up what the last run left. After the machines are read, before the reconciler.
    task::Awaitable<void> start();

    /// Every reason why a machine can't be relocated so; none if it can.
    task::Awaitable<std::vector<vim::Fault>> check(MachinePtr machine,
                                                   vim::VirtualMachineRelocateSpec spec);

    /// What is left to do once all disks of a running machine are at their new places: the machine
    /// is switched to its new file, and the old ones go. Finished after a crash. `decided` is
    /// called when nothing keeps it from that any more.
    task::Saga rest_of(const RelocationPlan& plan, std::function<void()> decided = {});

private:
    using Plan = RelocationPlan;
    using Wish = RelocationWish;

    // relocate_checks.cpp
    Wish wish_of(const Machine& machine, const vim::VirtualMachineRelocateSpec& spec,
                 std::vector<vim::Fault>& reasons) const;
    void check_disks(const Machine& machine, const Wish& wish,
                     std::vector<vim::Fault>& reasons) const;
    void check_power(const Machine& machine, const Wish& wish,
                     std::vector<vim::Fault>& reasons) const;
    task::Awaitable<void> check_space(MachinePtr machine, Wish wish,
                                      std::vector<vim::Fault>& reasons);
    task::Awaitable<Wish> check_all(MachinePtr machine, vim::VirtualMachineRelocateSpec spec,
                                    std::vector<vim::Fault>& reasons);

    // relocate.cpp
    task::Awaitable<void> relocate(MachinePtr machine, vim::VirtualMachineRelocateSpec spec,
                                   task::TaskContextPtr task);
    task::Awaitable<void> move_files(MachinePtr machine, Wish wish, task::TaskContextPtr task);
    task::Awaitable<void> move_copies(MachinePtr machine, Plan plan, task::TaskContextPtr task);
    task::Awaitable<Plan> plan_of(MachinePtr machine, Wish wish);
    task::Awaitable<void> join_pool(MachinePtr machine, vim::MoRef pool);
    task::Awaitable<storage::DatastorePath> free_directory(std::string datastore, std::string name);
    void tell(const Machine& machine, const storage::DatastorePath& from) const;

    // relocate_steps.cpp
    task::Saga build(const Plan& plan, const storage::CopyControl& control = {});
    void add_directory(task::Saga& saga, const storage::DatastorePath& directory);
    void add_copy(task::Saga& saga, const Plan& plan, std::size_t disk,
                  const storage::CopyControl& control);
    void add_files(task::Saga& saga, const Plan& plan);
    void add_rest(task::Saga& saga, const Plan& plan, std::function<void()> decided);
    void add_removal(task::Saga& saga, const Plan& plan);
    task::Awaitable<void> make_switch(Plan plan);

    const HostContext& context_;
    Machines& machines_;
    Leases& leases_;
    ResourcePools& pools_;
    std::unique_ptr<LiveRelocation> live_;
};

/// The reasons as one fault: the only one itself, of several the first with all their words.
vim::Fault refusal_of(const std::vector<vim::Fault>& reasons);

/// CheckRelocate_Task of an object that is in no ServiceContent: centers know it.
void serve_relocation_checks(const HostContext& context, Machines& machines, Relocate& relocate);

/// The steps of copying a machine's small files (.vmx, NVRAM, logs) into its new directory, and of
/// taking them away again. They block, and bear repetition.
void copy_machine_files(storage::Datastore& from, storage::Datastore& to,
                        const RelocationPlan& plan);
void remove_machine_files(storage::Datastore& store, const RelocationPlan& plan);

}  // namespace drover::host
