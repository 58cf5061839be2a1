#pragma once

// Whether removable devices (network cards, drives, ports) are connected now: what a configuration
// shows besides its file, of machines that run.

#include <cstdint>
#include <set>

#include "vim/types.hpp"

namespace drover::machine {

/// Sets `connected` and `status` of a device that has a connection.
void show_connection(vim::VirtualDevice& device, const std::set<std::int32_t>& connected);

/// The configuration as config_from_vmx makes it with other `connected`.
vim::VirtualMachineConfigInfo with_connections(vim::VirtualMachineConfigInfo config,
                                               const std::set<std::int32_t>& connected);

}  // namespace drover::machine
