#pragma once

// The fixed references of a stand-alone host. Clients hard-code some of them, so they are the ones
// that ESX hosts have.

#include "vim/value.hpp"

namespace drover::host::references {

using vim::MoRef;
using vim::TypeId;

inline const MoRef service_instance{TypeId::ServiceInstance, "ServiceInstance"};
inline const MoRef root_folder{TypeId::Folder, "ha-folder-root"};
inline const MoRef datacenter{TypeId::Datacenter, "ha-datacenter"};
inline const MoRef vm_folder{TypeId::Folder, "ha-folder-vm"};
inline const MoRef host_folder{TypeId::Folder, "ha-folder-host"};
inline const MoRef datastore_folder{TypeId::Folder, "ha-folder-datastore"};
inline const MoRef network_folder{TypeId::Folder, "ha-folder-network"};
inline const MoRef compute_resource{TypeId::ComputeResource, "ha-compute-res"};
inline const MoRef host{TypeId::HostSystem, "ha-host"};
inline const MoRef root_pool{TypeId::ResourcePool, "ha-root-pool"};
inline const MoRef environment_browser{TypeId::EnvironmentBrowser, "ha-env-browser"};

inline const MoRef property_collector{TypeId::PropertyCollector, "ha-property-collector"};
inline const MoRef view_manager{TypeId::ViewManager, "ViewManager"};
inline const MoRef session_manager{TypeId::SessionManager, "ha-sessionmgr"};
inline const MoRef search_index{TypeId::SearchIndex, "ha-searchindex"};
inline const MoRef task_manager{TypeId::TaskManager, "ha-taskmgr"};
inline const MoRef performance_manager{TypeId::PerformanceManager, "ha-perfmgr"};
inline const MoRef file_manager{TypeId::FileManager, "ha-nfc-file-manager"};
inline const MoRef virtual_disk_manager{TypeId::VirtualDiskManager, "ha-vdiskmanager"};
inline const MoRef datastore_browser{TypeId::HostDatastoreBrowser, "ha-hostdatastorebrowser"};
inline const MoRef autostart_manager{TypeId::HostAutoStartManager, "ha-autostart-mgr"};
inline const MoRef network_system{TypeId::HostNetworkSystem, "ha-network-system"};
inline const MoRef datastore_system{TypeId::HostDatastoreSystem, "ha-datastoresystem"};

}  // namespace drover::host::references
