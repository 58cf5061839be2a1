#pragma once

#include "host/performance/usage.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// VirtualMachine.summary.quickStats of what a machine uses.
vim::VirtualMachineQuickStats quick_stats_of(const MachineUsage& usage);

}  // namespace drover::host
