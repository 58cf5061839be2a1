#pragma once

#include <string>

#include "faults.hpp"
#include "write_log.hpp"

namespace drover::ha_front {

struct Settings {
    std::string source;       ///< the directory that is passed through
    std::string mount_point;  ///< an empty directory
    /// The kernel may keep what it has read, and files may be mapped: for a directory that
    /// nobody else changes. What is written still comes here at once.
    bool is_cached = false;
};

/// Passes a directory through, as the one host sees it. Unless it is cached nothing is kept,
/// neither by the kernel nor here: what one host has changed the next request of another sees.
/// Locks count within this mount alone. Needs root. Blocks until the file system is unmounted or a
/// signal ends it; 0 if all was well.
int run_file_system(const Settings& settings, Faults& faults, WriteLog& log);

}  // namespace drover::ha_front
