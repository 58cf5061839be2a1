#pragma once

#include "host/performance/usage.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// VirtualMachine.summary.quickStats of what a machine uses.
vim::VirtualMachineQuickStats quick_stats_of(const MachineUsage& usage);

/// That of a machine which is off, or was not measured yet: noughts, which clients add up.
vim::VirtualMachineQuickStats idle_quick_stats();

}  // namespace drover::host
