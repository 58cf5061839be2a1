#pragma once

// Everything that clients do with the files of datastores: browse, move, copy, delete, and virtual
// disks apart from machines. The same over HTTP is FolderEndpoint.

#include "host/context.hpp"

namespace drover::host {

class Machines;

/// Makes the datastore browsers, FileManager, VirtualDiskManager and HostDatastoreSystem, and
/// serves their methods. Call once, on the strand, after Datastores::start(). Both arguments must
/// outlive the dispatcher's last call.
void serve_files(const HostContext& context, const Machines& machines);

}  // namespace drover::host
