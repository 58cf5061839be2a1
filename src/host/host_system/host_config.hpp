#pragma once

#include "host/datastores.hpp"
#include "host/host_system/capacity.hpp"
#include "host/networks.hpp"
#include "network/virtual_switches.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// HostSystem.config without what changes by itself (network, file systems) and without autoStart.
vim::HostConfigInfo make_host_config(const HostContext& context, const Capacity& capacity);

/// HostSystem.config.fileSystemVolume: the datastores, as mounted file systems.
vim::HostFileSystemVolumeInfo make_file_systems(const Datastores& datastores);

/// References to those parts of the host that are there: a reference says that a feature exists.
vim::HostConfigManager make_config_manager(const model::Inventory& inventory);

/// Changes a part of HostSystem.config, within the caller's transaction.
void edit_host_config(model::Transaction& transaction,
                      const std::function<void(vim::HostConfigInfo&)>& edit);

}  // namespace drover::host
