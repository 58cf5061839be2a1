#pragma once

#include <filesystem>

#include "base/file.hpp"
#include "rootd/operations.hpp"

namespace drover::rootd {

/// A path split into the datastore root it lies under and the rest, which is not empty.
struct DatastorePath {
    std::filesystem::path root;
    std::filesystem::path relative;
};

/// Throws Refused if the path lies under no root.
DatastorePath locate(const Policy& policy, const std::filesystem::path& path);

/// The root itself, as O_PATH. The administrator named it, so links in it are followed.
base::FileDescriptor open_root(const DatastorePath& path);

/// Opens what is beneath a directory, through no symbolic link and never out of it. Throws Refused
/// for a path that tries, std::system_error for other failures.
base::FileDescriptor open_beneath(const base::FileDescriptor& directory,
                                  const std::filesystem::path& relative, int flags);

}  // namespace drover::rootd
