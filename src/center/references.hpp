#pragma once

// The fixed references of a center. Clients hard-code some of them, so they are the ones that
// vCenter Server has.

#include "vim/value.hpp"

namespace drover::center::references {

using vim::MoRef;
using vim::TypeId;

inline const MoRef service_instance{TypeId::ServiceInstance, "ServiceInstance"};
inline const MoRef root_folder{TypeId::Folder, "group-d1"};

inline const MoRef property_collector{TypeId::PropertyCollector, "propertyCollector"};
inline const MoRef view_manager{TypeId::ViewManager, "ViewManager"};
inline const MoRef session_manager{TypeId::SessionManager, "SessionManager"};
inline const MoRef search_index{TypeId::SearchIndex, "SearchIndex"};
inline const MoRef task_manager{TypeId::TaskManager, "TaskManager"};
inline const MoRef event_manager{TypeId::EventManager, "EventManager"};
inline const MoRef performance_manager{TypeId::PerformanceManager, "PerfMgr"};
inline const MoRef file_manager{TypeId::FileManager, "FileManager"};
inline const MoRef virtual_disk_manager{TypeId::VirtualDiskManager, "virtualDiskManager"};
inline const MoRef authorization_manager{TypeId::AuthorizationManager, "AuthorizationManager"};
inline const MoRef user_directory{TypeId::UserDirectory, "UserDirectory"};
inline const MoRef account_manager{TypeId::HostLocalAccountManager, "LocalAccountManager"};
inline const MoRef options{TypeId::OptionManager, "VpxSettings"};
inline const MoRef license_manager{TypeId::LicenseManager, "LicenseManager"};
inline const MoRef license_assignment_manager{TypeId::LicenseAssignmentManager,
                                              "LicenseAssignmentManager"};
inline const MoRef custom_fields{TypeId::CustomFieldsManager, "CustomFieldsManager"};
inline const MoRef diagnostic_manager{TypeId::DiagnosticManager, "DiagMgr"};
inline const MoRef extension_manager{TypeId::ExtensionManager, "ExtensionManager"};
inline const MoRef provisioning_checker{TypeId::VirtualMachineProvisioningChecker, "ProvChecker"};
inline const MoRef alarm_manager{TypeId::AlarmManager, "AlarmManager"};
inline const MoRef scheduled_task_manager{TypeId::ScheduledTaskManager, "ScheduledTaskManager"};

}  // namespace drover::center::references
