#pragma once

// What a host needs of a place where machines are stored. A datastore is more than a directory,
// because not every kind is a file system: it offers blobs (small files), volumes (disks),
// compare-and-swap, and heartbeat slots.
//
// All calls block, possibly for as long as a mount hangs: call them from the datastore's own queue.
// All are safe from any thread. Failures are StorageError.

#include <cstdint>
#include <filesystem>
#include <string>

#include "storage/blobs.hpp"
#include "storage/compare_and_swap.hpp"
#include "storage/datastore_path.hpp"
#include "storage/heartbeat_slots.hpp"
#include "storage/storage_error.hpp"
#include "storage/volumes.hpp"

namespace drover::storage {

struct DatastoreInfo {
    std::string name;
    std::string kind;  ///< "directory"
    std::string uuid;  ///< lives on the datastore; empty until it was seen for the first time
    std::string url;   ///< "ds:///vmfs/volumes/<uuid>/"
    std::uint64_t capacity_bytes = 0;
    std::uint64_t free_bytes = 0;
    std::uint64_t max_file_size_bytes = 0;
    bool accessible = false;
    std::string inaccessible_reason;  ///< empty if accessible
    /// Tried out on this datastore, not guessed. Without it: not HA-capable.
    bool supports_compare_and_swap = false;
};

class Datastore {
public:
    virtual ~Datastore() = default;

    virtual const std::string& name() const = 0;
    /// The state right now. Never throws for an inaccessible datastore, and returns within some
    /// seconds even if the storage hangs.
    virtual DatastoreInfo info() = 0;
    /// Where programs on this host (QEMU) find the file. Does not touch the storage.
    virtual std::filesystem::path host_path(const DatastorePath& path) const = 0;

    virtual BlobStore& blobs() = 0;
    virtual VolumeStore& volumes() = 0;
    virtual CompareAndSwap& compare_and_swap() = 0;
    virtual HeartbeatSlots& heartbeat_slots() = 0;
};

}  // namespace drover::storage
