#pragma once

#include <cstdint>
#include <filesystem>

namespace drover::base {

/// Where log lines go besides standard error. `x.log` that has become too long is renamed to
/// `x.1.log`, that one to `x.2.log`, and so on; the oldest is removed.
struct LogFile {
    std::filesystem::path path;
    std::uint64_t limit_bytes = 1 << 20;  ///< of one file; at least 4096
    unsigned kept_files = 8;              ///< old ones beside the current one; at most 1000
};

/// Lines go to this file from now on, instead of the one before. Makes its directory (mode 0750).
/// Thread-safe; throws std::runtime_error if the file can't be written.
void set_log_file(const LogFile& file);

}  // namespace drover::base
