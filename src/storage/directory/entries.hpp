#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace drover::storage::directory {

/// The names in an open directory, without "." and "..", in order. file_too_large beyond `limit`.
std::vector<std::string> read_names(int directory, std::size_t limit, const std::string& path);

/// Removes what is in a directory, depth first, without following links. Stops at `depth` levels.
void remove_content(int directory, int depth, const std::string& path);

/// Removes files under a passing name that nobody has written to for `idle_for`: writers that died
/// have left them. By the file system's own clock.
void remove_temporary_files(int directory, std::chrono::seconds idle_for, const std::string& path);

}  // namespace drover::storage::directory
