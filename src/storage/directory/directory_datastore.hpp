#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "storage/datastore.hpp"

namespace drover::storage {

/// Opens a directory as a datastore. It may be missing at the moment: then the datastore is
/// inaccessible, and comes back by itself.
///
/// `expected_uuid` is what info().uuid said earlier: any other datastore that turns up there (or
/// the bare mount point) is then refused. Empty: the first one that is seen is taken for good, and
/// a directory without identity is given one.
///
/// Throws std::invalid_argument if the name is no possible name or the path is not absolute.
std::unique_ptr<Datastore> open_directory_datastore(const std::string& name,
                                                    const std::filesystem::path& path,
                                                    const std::string& expected_uuid = {});

}  // namespace drover::storage
