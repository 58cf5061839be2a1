#pragma once

#include <filesystem>

namespace drover::had {

/// The process that holds the deadline. Starts the other one, and again when it ends. Returns on
/// SIGTERM; machines and the agent run on.
int run_fencer(const std::filesystem::path& config_file);

/// The process that keeps the permit and takes machines over. Does not return but by a signal.
int run_agent(const std::filesystem::path& config_file);

}  // namespace drover::had
