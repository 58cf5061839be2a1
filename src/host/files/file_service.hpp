#pragma once

#include "host/context.hpp"
#include "host/files/in_use.hpp"

namespace drover::host::files {

/// Makes FileManager and serves MakeDirectory, DeleteDatastoreFile_Task, MoveDatastoreFile_Task and
/// CopyDatastoreFile_Task. They work on single files: the data of a virtual disk does not follow
/// its descriptor (VirtualDiskManager does that).
void serve_file_manager(const HostContext& context, const InUse& in_use);

}  // namespace drover::host::files
