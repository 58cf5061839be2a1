#pragma once

#include <string>
#include <vector>

#include "storage/blobs.hpp"

namespace drover::host::files {

/// Text as it may stand in HTML, in attributes too.
std::string escape_html(std::string_view text);

/// The page that lists the datastores.
std::string list_datastores(const std::vector<std::string>& names);

/// The page that lists a directory of a datastore.
std::string list_directory(const storage::DatastorePath& directory,
                           const std::vector<storage::FileInfo>& entries);

}  // namespace drover::host::files
