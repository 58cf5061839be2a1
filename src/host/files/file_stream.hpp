#pragma once

#include "storage/datastore.hpp"

namespace drover::host::files {

/// Copies a file's content from one datastore to another. `holes` leaves out blocks of zeroes,
/// which then take no space. Blocks; throws StorageError; leaves nothing behind when it fails.
void stream_file(storage::Datastore& from_store, const storage::DatastorePath& from,
                 storage::Datastore& to_store, const storage::DatastorePath& to,
                 storage::IfExists policy, bool holes, const storage::CopyControl& control);

}  // namespace drover::host::files
