#pragma once

#include "host/storage_system/block_devices.hpp"
#include "vim/management_types.hpp"

namespace drover::host {

/// HostStorageSystem.storageDeviceInfo and HostSystem.config.storageDevice: adapters are PCI
/// functions (vmhba0, ... in the order of their addresses), each disk is a target of its own.
vim::HostStorageDeviceInfo make_storage_devices(const std::vector<BlockDevice>& devices);

}  // namespace drover::host
