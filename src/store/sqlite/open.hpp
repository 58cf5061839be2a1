#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/file.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/schema.hpp"

namespace drover::store::sqlite {

/// Takes "<path>.lock" for this process, so that two daemons never share a store. Held until the
/// descriptor is closed, so also not longer than the process lives. Throws StoreError.
base::FileDescriptor lock_store(const std::filesystem::path& path);

/// Creates the file if there is none, looks whether it is sound, then brings it up to date. What
/// is not sound is not changed. Throws StoreError.
std::unique_ptr<Connection> open_for_writing(const std::filesystem::path& path,
                                             std::span<const Migration> known = migrations());

/// A second connection that can't write.
std::unique_ptr<Connection> open_for_reading(const std::filesystem::path& path);

/// Renames a file that can't be used to "<path>.damaged-<seconds>", its log with it, and says so.
/// `what` names it for people: "history". Throws StoreError.
void set_aside(const std::filesystem::path& path, std::string_view what, std::string_view reason);

}  // namespace drover::store::sqlite
