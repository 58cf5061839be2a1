#pragma once

// Copying, moving and removing files and whole directories, also from one datastore to another.
// Everything here blocks and throws StorageError.

#include <cstdint>
#include <string>
#include <vector>

#include "storage/datastore.hpp"

namespace drover::host::files {

/// Where something goes. A directory whose target is a directory is merged into it.
struct Transfer {
    storage::Datastore& from_store;
    storage::DatastorePath from;
    storage::Datastore& to_store;
    storage::DatastorePath to;
    bool replace = false;  ///< files that are at the target already; otherwise already_exists

    bool within_one_store() const { return &from_store == &to_store; }
};

/// What lies below a directory.
struct TreeItem {
    std::string name;  ///< relative to the directory
    bool is_directory = false;
    std::uint64_t size_bytes = 0;
};

inline constexpr std::size_t kMostItems = 100'000;

/// Directories come before what is in them. file_too_large beyond kMostItems; unsupported if there
/// is something that is neither file nor directory.
std::vector<TreeItem> list_tree(storage::Datastore& store, const storage::DatastorePath& directory);

/// True if there is a file or directory of this name.
bool exists(storage::Datastore& store, const storage::DatastorePath& path);

/// A copy that fails or is stopped removes what it made; files that it had replaced before stay
/// replaced.
void copy_files(const Transfer& transfer, const storage::CopyControl& control);

/// Within a datastore a file, or a directory whose target does not exist, moves at once. Everything
/// else is done file by file: what has moved before a failure stays moved.
void move_files(const Transfer& transfer, const storage::CopyControl& control);

/// A file, or a directory with all that is in it.
void remove_files(storage::Datastore& store, const storage::DatastorePath& path);

}  // namespace drover::host::files
