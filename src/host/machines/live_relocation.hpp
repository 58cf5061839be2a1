#pragma once

// A machine that goes to other datastores of its host while it runs.
//
//   1. recorded: directories, empty disks, the new home's lease; the engine copies the disks, and
//      from `ready` on the guest's writes go to both files
//   2. the .vmx file and what lies beside it are copied; the engine takes the firmware's variables
//      to their copy
//   3. recorded as `switching`; the engine is told, disk by disk, to go on with the new file alone
//   4. the machine is switched to its new file, and the old files and lease go (a saga)
//
// Which home is the true one say the facts alone, after a failure as after a crash: while the
// domain runs, where its disks are; when it has ended, the record. From `ready` until the first
// disk is switched both files are alike, so that either answer is right in between. All disks at
// the old place: the new files go. All at the new one: on with 4. Some: a copy broke off in that
// very moment; each stays where it is, and the machine's file says so.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"
#include "host/machines/relocate_plan.hpp"

namespace drover::host {

/// A machine on its way.
struct LiveMove {
    RelocationPlan plan;
    /// What was planned and will not be after all: its files have to go.
    std::optional<RelocationPlan> dropped{};
    hypervisor::DomainUuid uuid;
    bool made = false;       ///< the directories are ours
    bool switching = false;  ///< all copies are complete
};

/// Belongs to the strand.
class LiveRelocation {
public:
    static constexpr std::string_view kRecordKind = "relocation";
    static constexpr std::size_t kMostAtOnce = 4;

    struct Parts {
        const HostContext& context;
        Machines& machines;
        Leases& leases;
        /// Relocate::rest_of(), run.
        std::function<task::Awaitable<void>(RelocationPlan, std::function<void()> decided)> rest;
    };

    explicit LiveRelocation(Parts parts) : parts_(std::move(parts)), context_(parts_.context) {}

    /// Ends what the last run left. What can't be ended now (no engine, no datastore) is tried
    /// again until it can; so long the machine is busy.
    task::Awaitable<void> start();

    /// Moves a running machine. If it throws, the machine runs on its old files, and the new ones
    /// are gone, or, as the fault then says, not all disks could be switched. The caller has the
    /// machine to itself.
    task::Awaitable<void> move(MachinePtr machine, RelocationPlan plan, task::TaskContextPtr task);

private:
    using MovePtr = std::shared_ptr<LiveMove>;
    enum class Outcome { stayed, moved, partly, unknown };

    // live_relocation.cpp
    task::Awaitable<void> add_engine_names(MachinePtr machine, MovePtr move);
    task::Awaitable<void> note(MovePtr move);
    task::Awaitable<void> make_places(MovePtr move);
    task::Awaitable<void> make_disk(MovePtr move, std::size_t index);
    task::Awaitable<void> take_lease(MovePtr move);
    task::Awaitable<void> copy(MovePtr move, task::TaskContextPtr task);
    task::Awaitable<void> begin_copies(MovePtr move);
    task::Awaitable<void> copy_files(MovePtr move);
    task::Awaitable<void> move_nvram(MovePtr move);
    task::Awaitable<void> use_nvram(MovePtr move, storage::DatastorePath nvram);
    task::Awaitable<void> switch_disks(MovePtr move, std::vector<RelocationPlan::Disk> disks);
    task::Awaitable<void> arrived(MachinePtr machine);

    // live_relocation_end.cpp
    task::Awaitable<Outcome> end(MovePtr move);
    task::Awaitable<Outcome> end_patiently(MovePtr move);
    task::Awaitable<void> end_later(MovePtr move);
    task::Awaitable<std::optional<std::vector<hypervisor::DiskMove>>> look(MovePtr move);
    task::Awaitable<void> go_back(MovePtr move, RelocationPlan plan);
    task::Awaitable<void> go_on(MovePtr move);
    task::Awaitable<void> keep_both(MovePtr move, std::vector<hypervisor::DiskMove> disks);
    task::Awaitable<void> cancel_copies(MovePtr move, RelocationPlan plan);
    task::Awaitable<void> forget(MovePtr move);
    MachinePtr machine_of(const LiveMove& move) const;

    static store::Record record_of(const LiveMove& move);
    static MovePtr from_record(const store::Record& record);

    Parts parts_;
    const HostContext& context_;
    std::size_t under_way_ = 0;
};

}  // namespace drover::host
