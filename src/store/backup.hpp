#pragma once

// Copies of databases that are in use: a store, a history or samples.

#include <filesystem>

#include "store/store.hpp"

namespace drover::store {

/// Writes what the database `from` holds at one moment into the new file `to` (mode 0600), one
/// sound file without a log. Sees every acknowledged batch; writers go on meanwhile. Blocks for as
/// long as it takes to read and write it all. Throws StoreError; then there is no such file.
void copy_database(const std::filesystem::path& from, const std::filesystem::path& to);

/// Throws StoreError that says what is wrong unless the file is a sound database of drover's; of a
/// store (`is_store`) also if it was written by a newer drover. Changes nothing.
void check_database(const std::filesystem::path& path, bool is_store);

}  // namespace drover::store
