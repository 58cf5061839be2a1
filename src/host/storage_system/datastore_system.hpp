#pragma once

// HostDatastoreSystem "ha-datastoresystem", and the changes of a Datastore.

#include "host/context.hpp"

namespace drover::host {

/// Makes the managed object and serves its methods. `context` must outlive the dispatcher.
void serve_datastore_system(const HostContext& context);

/// Gives a datastore another name, as RenameDatastore does: DuplicateName, InvalidName, or
/// ResourceInUse while machines are registered on it.
task::Awaitable<void> rename_datastore(const HostContext& context, vim::MoRef datastore,
                                       std::string name);

}  // namespace drover::host
