#pragma once

#include <string>
#include <vector>

namespace drover::had {

/// How the whole host is ended at once, without a sync: the command, or a reboot by the kernel if
/// there is none. Returns if even that fails.
void reset_host(const std::vector<std::string>& command);

}  // namespace drover::had
