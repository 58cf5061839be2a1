#pragma once

// HostDatastoreSystem "ha-datastoresystem", and the changes of a Datastore.

#include "host/context.hpp"

namespace drover::host {

/// Makes the managed object and serves its methods. `context` must outlive the dispatcher.
void serve_datastore_system(const HostContext& context);

/// Throws InvalidName if no datastore can have this name, DuplicateName if one has it.
void check_datastore_name(const HostContext& context, std::string_view name);

}  // namespace drover::host
