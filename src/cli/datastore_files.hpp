#pragma once

// Files on datastores, looked up through a datastore's browser.

#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/context.hpp"

namespace drover::cli {

/// What lies in a directory. `patterns` such as "*.vmdk"; none stands for everything. With
/// `disk_details` disks tell their capacity. Throws vim::Fault (FileNotFound) and LookupError.
std::vector<vim::FileInfo> list_directory(client::Connection& connection,
                                          const client::Named& datastore, const std::string& path,
                                          const std::vector<std::string>& patterns,
                                          bool disk_details);

/// A disk that lies on a datastore. `capacity_bytes` is 0 if the server does not tell.
struct DiskFile {
    DatastorePath file;
    std::int64_t capacity_bytes = 0;
};
DiskFile find_disk(client::Connection& connection, const DatastorePath& file);

}  // namespace drover::cli
