#pragma once

#include "host/context.hpp"

namespace drover::host::files {

/// Makes HostDatastoreSystem: which datastores the host has, and that they come from its
/// configuration. Methods that would add or remove one answer NotSupported.
void serve_datastore_system(const HostContext& context);

}  // namespace drover::host::files
