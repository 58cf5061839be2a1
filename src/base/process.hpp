#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace drover::base {

/// What a finished child left. `timed_out` means that it was killed at its deadline.
struct ProcessResult {
    int exit_code = -1;  ///< -1 if a signal ended it
    bool timed_out = false;
    std::string standard_output;  ///< at most 1 MiB, the rest is thrown away
    std::string standard_error;   ///< likewise
};

/// Runs a program without a shell, with a bare environment (PATH, LC_ALL=C) and no inherited
/// descriptors but 0 (/dev/null), 1 and 2. Blocks until it ended or `limit` passed; then its whole
/// process group is killed. Throws std::system_error if it can't be started. Thread-safe.
ProcessResult run_process(const std::vector<std::string>& arguments, std::chrono::seconds limit);

}  // namespace drover::base
