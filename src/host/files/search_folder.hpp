#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "host/files/search_spec.hpp"
#include "storage/datastore.hpp"

namespace drover::host::files {

struct FolderContent {
    std::vector<vim::Value> files;        ///< FileInfo and its subtypes
    std::vector<std::string> subfolders;  ///< all of them, whatever the search asks for
};

/// Looks through one directory. Reads descriptors and configurations only where the search asks for
/// what is in them; what can't be read is listed without it. Blocks; throws StorageError:
/// not_found, cancelled, file_too_large (more than BlobStore::kMaxListed entries), ...
FolderContent search_folder(storage::Datastore& store, const storage::DatastorePath& folder,
                            const FileSearch& search, std::stop_token stop);

}  // namespace drover::host::files
