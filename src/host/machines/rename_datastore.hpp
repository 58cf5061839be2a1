#pragma once

#include "host/machines/machines.hpp"

namespace drover::host {

/// Gives a datastore another name, and every machine that has files there the paths that follow
/// from it. Machines may run meanwhile: their processes know the volume, not its name. Stored in
/// one commit. On the strand.
///
/// Throws ManagedObjectNotFound, InvalidName, DuplicateName; TaskInProgress if a machine that has
/// files there is being changed; NotSupported if high availability protects one, for the other
/// hosts know the datastore by this name.
task::Awaitable<void> rename_datastore(const HostContext& context, Machines& machines,
                                       vim::MoRef datastore, std::string name, vim::MoRef task);

}  // namespace drover::host
