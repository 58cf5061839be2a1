#pragma once

// Virtual disks apart from machines: what VirtualDiskManager does, as blocking calls that throw
// StorageError.

#include <optional>
#include <string>

#include "storage/datastore.hpp"

namespace drover::host::files {

struct DiskTransfer {
    storage::Datastore& from_store;
    storage::DatastorePath from;
    storage::Datastore& to_store;
    storage::DatastorePath to;
    std::optional<storage::Provisioning> provisioning;  ///< unset: as the source has it
    std::optional<std::string> adapter_type;            ///< unset: as the source has it
    bool replace = false;                               ///< a disk that is at the target already
};

/// A full, independent copy; a sparse VMDK is imported. A disk that it replaces stays until the
/// copy is complete. Between datastores only disks without parent can go (unsupported).
void copy_disk(const DiskTransfer& transfer, const storage::CopyControl& control);

/// Both files of a disk; by renaming within a datastore, else by copying.
void move_disk(const DiskTransfer& transfer, const storage::CopyControl& control);

/// `uuid` as the descriptor writes it: "60 00 c2 9a 11 22 33 44-55 66 77 88 99 aa bb cc".
void set_disk_uuid(storage::Datastore& store, const storage::DatastorePath& disk,
                   const std::string& uuid);

}  // namespace drover::host::files
