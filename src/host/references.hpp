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
inline const MoRef event_manager{TypeId::EventManager, "ha-eventmgr"};
inline const MoRef performance_manager{TypeId::PerformanceManager, "ha-perfmgr"};
inline const MoRef file_manager{TypeId::FileManager, "ha-nfc-file-manager"};
inline const MoRef virtual_disk_manager{TypeId::VirtualDiskManager, "ha-vdiskmanager"};
inline const MoRef datastore_browser{TypeId::HostDatastoreBrowser, "ha-hostdatastorebrowser"};
inline const MoRef autostart_manager{TypeId::HostAutoStartManager, "ha-autostart-mgr"};
inline const MoRef network_system{TypeId::HostNetworkSystem, "ha-network-system"};
inline const MoRef datastore_system{TypeId::HostDatastoreSystem, "ha-datastoresystem"};
inline const MoRef authorization_manager{TypeId::AuthorizationManager, "ha-authmgr"};
inline const MoRef user_directory{TypeId::UserDirectory, "ha-user-directory"};
inline const MoRef account_manager{TypeId::HostLocalAccountManager, "ha-localacctmgr"};
inline const MoRef options{TypeId::OptionManager, "ha-adv-options"};
inline const MoRef license_manager{TypeId::LicenseManager, "ha-license-manager"};
inline const MoRef diagnostic_manager{TypeId::DiagnosticManager, "ha-diagnosticmgr"};
inline const MoRef service_system{TypeId::HostServiceSystem, "serviceSystem"};
inline const MoRef date_time_system{TypeId::HostDateTimeSystem, "dateTimeSystem"};
inline const MoRef firewall_system{TypeId::HostFirewallSystem, "firewallSystem"};
inline const MoRef certificate_manager{TypeId::HostCertificateManager, "ha-certificate-manager"};
inline const MoRef storage_system{TypeId::HostStorageSystem, "storageSystem"};
inline const MoRef virtual_nic_manager{TypeId::HostVirtualNicManager, "ha-vnic-mgr"};
inline const MoRef vmotion_system{TypeId::HostVMotionSystem, "ha-vmotion-system"};

}  // namespace drover::host::references
