#pragma once

// HostDatastoreSystem "ha-datastoresystem", and the changes of a Datastore.

#include "host/context.hpp"

namespace drover::host {

/// Makes the managed object and serves its methods. `context` must outlive the dispatcher.
void serve_datastore_system(const HostContext& context);

}  // namespace drover::host
