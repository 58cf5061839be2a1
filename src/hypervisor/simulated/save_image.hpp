#pragma once

#include <string>

#include "hypervisor/simulated/running_domain.hpp"

namespace drover::hypervisor::simulated {

// The memory of a simulated machine: a file of a few hundred bytes. Errors are HypervisorError.

/// Fills the file, which may exist.
void write_save_image(const std::string& path, const RunningDomain& domain);
/// missing_file if there is none; false if it was cut short or is something else.
bool is_whole_save_image(const std::string& path);

}  // namespace drover::hypervisor::simulated
