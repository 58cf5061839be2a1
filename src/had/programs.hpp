#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace drover::had {

/// The process that holds the deadline. Waits until something is protected, then starts the other
/// one, and again when it ends. Returns on SIGTERM (machines and the agent run on), and when
/// nothing is protected any more.
int run_fencer(const std::filesystem::path& config_file);

/// The process that keeps the permit and takes machines over. Ends with the last
/// thing that it protects.
int run_agent(const std::filesystem::path& config_file);

/// Becomes this program, with none of the rights that the agent has beyond its user's and an empty
/// environment, after it has written its process number and start. Returns only if that fails.
int become_member(const std::filesystem::path& pid_file, const std::vector<std::string>& command);

}  // namespace drover::had
