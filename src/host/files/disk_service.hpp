#pragma once

#include "host/context.hpp"
#include "host/files/in_use.hpp"

namespace drover::host::files {

/// Makes VirtualDiskManager and serves its methods for creating, deleting, copying, moving and
/// growing disks and for their uuid and geometry; the others answer NotSupported.
void serve_disk_manager(const HostContext& context, const InUse& in_use);

}  // namespace drover::host::files
