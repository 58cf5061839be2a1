#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace drover::service {

/// Lines of a log, counted from 1.
struct LogLines {
    std::int32_t first = 0;  ///< of `lines`; the log's last line if there are none
    std::int32_t last = 0;
    std::vector<std::string> lines;
};

/// How much one answer holds.
inline constexpr std::size_t kMostLogLines = 10'000;
inline constexpr std::size_t kMostLogBytes = 4 << 20;
inline constexpr std::size_t kMostLineBytes = 16 << 10;

/// At most `count` lines from the line `start` on (below 1: from the first). A log that ends before
/// `start` gives none, and says where it ends. Longer lines are cut; control characters but tabs
/// become '?'. Blocks; throws std::system_error.
LogLines read_log_lines(const std::filesystem::path& path, std::int64_t start, std::size_t count);

}  // namespace drover::service
