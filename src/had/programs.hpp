#pragma once

#include <filesystem>

namespace drover::had {

/// The process that holds the deadline. Waits until something is protected, then starts the other
/// one, and again when it ends. Returns on SIGTERM (machines and the agent run on), and when
/// nothing is protected any more.
int run_fencer(const std::filesystem::path& config_file);

/// The process that keeps the permit and takes machines over. Ends with the last
/// thing that it protects.
int run_agent(const std::filesystem::path& config_file);

}  // namespace drover::had
