#pragma once

#include "base/clock.hpp"
#include "host/performance/usage.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// What the figures need of a machine's configuration. Disks and NICs get the names by which
/// vSphere's counters call them: "scsi0:0" and the NIC's device key.
MachineShape shape_of(const vim::VirtualMachineConfigInfo& config,
                      std::optional<base::WallTime> boot_time, base::WallTime now);

}  // namespace drover::host
