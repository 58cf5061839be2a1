#pragma once

// A suspended machine's memory: an image beside the .vmx file, which names it. The order in which
// the two change makes sure that an old memory never meets disks that have been written since.

#include "host/machines/machines.hpp"

namespace drover::host {

/// What the .vmx file says of a suspended machine.
inline constexpr std::string_view kSuspendKey = "checkpoint.vmState";

/// Where a suspended machine's memory is kept.
storage::DatastorePath suspend_file(const storage::DatastorePath& vmx);

/// Removes a saved memory, if there is one.
task::Awaitable<void> remove_suspend_file(const HostContext& context, storage::DatastorePath vmx);

/// Forgets a machine's saved memory; without a domain it is off then. The lease must be ours, and
/// the machine to the caller alone. Does not publish.
task::Awaitable<void> forget_suspend(const HostContext& context, Machines& machines,
                                     MachinePtr machine);

/// Ends a resume whose domain is there, paused: forgets the saved memory, then lets the guest run.
task::Awaitable<void> finish_resume(const HostContext& context, Machines& machines,
                                    MachinePtr machine);

}  // namespace drover::host
