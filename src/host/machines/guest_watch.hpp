#pragma once

#include <set>

#include "host/machines/machines.hpp"

namespace drover::host {

/// Asks the guest agents of running machines what they know: often while a guest is starting, then
/// now and then. Belongs to the strand.
class GuestWatch {
public:
    static constexpr std::chrono::seconds kWhileStarting{2};
    static constexpr std::chrono::seconds kLater{30};

    GuestWatch(const HostContext& context, Machines& machines)
        : context_(context), machines_(machines) {}

    /// Begins to ask the guest of a machine that runs, unless it is being asked already.
    void begin(const MachinePtr& machine);

private:
    task::Awaitable<void> watch(MachinePtr machine);
    task::Awaitable<bool> ask(MachinePtr machine);

    const HostContext& context_;
    Machines& machines_;
    std::set<VmId> watched_;
};

}  // namespace drover::host
