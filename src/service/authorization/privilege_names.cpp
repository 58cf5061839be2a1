#include "service/authorization/privilege_names.hpp"

#include <array>

namespace drover::service {

namespace {

constexpr std::array<PrivilegeGroupNames, 39> kGroups{{
    {"System", "System", "Anonymous=Anonymous;Read=Read;View=View"},
    {"Alarm", "Alarms",
     "Acknowledge=Acknowledge alarm;Create=Create alarm;Delete=Remove alarm;DisableActions="
     "Disable alarm action;Edit=Modify alarm;SetStatus=Set alarm status;ToggleEnableOnEntity="
     "Disable or enable alarm on entity"},
    {"Authorization", "Permissions",
     "ModifyPermissions=Modify permission;ModifyRoles=Modify role;ReassignRolePermissions="
     "Reassign role permissions;ModifyPrivileges=Modify privilege"},
    {"Certificate", "Certificates", "Manage=Manage certificates"},
    {"Cryptographer", "Cryptographic operations",
     "Access=Direct access;AddDisk=Add disk;Clone=Clone;Decrypt=Decrypt;Encrypt=Encrypt;"
     "EncryptNew=Encrypt new;ManageEncryptionPolicy=Manage encryption policies;ManageKeys="
     "Manage keys;ManageKeyServers=Manage key servers;Migrate=Migrate;Recrypt=Recrypt;"
     "RegisterHost=Register host;RegisterVM=Register virtual machine"},
    {"DVPortgroup", "Distributed port groups",
     "^Create=Create;^Delete=Delete;Modify=Modify;PolicyOp=Policy operation;ScopeOp="
     "Scope operation"},
    {"DVSwitch", "Distributed switches",
     "^Create=Create;^Delete=Delete;HostOp=Host operation;Modify=Modify;^Move=Move;PolicyOp="
     "Policy operation;PortConfig=Port configuration operation;PortSetting="
     "Port setting operation;ResourceManagement=Network I/O control operation"},
    {"Datacenter", "Datacenters",
     "^Create=Create datacenter;^Delete=Remove datacenter;IpPoolConfig=Network protocol "
     "profile configuration;IpPoolQueryAllocations=Query IP pool allocation;IpPoolReleaseIp="
     "Release IP allocation;^Move=Move datacenter;Reconfigure=Reconfigure datacenter;Rename="
     "Rename datacenter"},
    {"Datastore", "Datastores",
     "AllocateSpace=Allocate space;Browse=Browse datastore;Config=Configure datastore;^Delete="
     "Remove datastore;DeleteFile=Remove file;FileManagement=Low level file operations;^Move="
     "Move datastore;Rename=Rename datastore;UpdateVirtualMachineFiles="
     "Update virtual machine files;UpdateVirtualMachineMetadata="
     "Update virtual machine metadata"},
    {"Extension", "Extensions",
     "Register=Register extension;Unregister=Unregister extension;Update=Update extension"},
    {"Folder", "Folders",
     "^Create=Create folder;^Delete=Delete folder;^Move=Move folder;Rename=Rename folder"},
    {"Global", "Global",
     "CancelTask=Cancel task;CapacityPlanning=Capacity planning;Diagnostics=Diagnostics;"
     "DisableMethods=Disable methods;EnableMethods=Enable methods;GlobalTag=Global tag;Health="
     "Health;Licenses=Licenses;LogEvent=Log event;ManageCustomFields="
     "Manage custom attributes;Proxy=Proxy;ScriptAction=Script action;ServiceManagers="
     "Service managers;SetCustomField=Set custom attribute;Settings=Settings;SystemTag="
     "System tag;VCServer=Act as vCenter Server"},
    {"Host.Cim", "CIM", "CimInteraction=CIM interaction"},
    {"Host.Config", "Configuration",
     "AdvancedConfig=Advanced settings;AuthenticationStore=Authentication store;AutoStart="
     "Virtual machine autostart configuration;Connection=Connection;DateTime="
     "Change date and time settings;Firmware=Firmware;HyperThreading=Hyperthreading;Image="
     "Image configuration;Maintenance=Maintenance;Memory=Memory configuration;NetService="
     "Security profile and firewall;Network=Network configuration;Patch=Query patch;"
     "PciPassthru=Change PciPassthru settings;Power=Power;Quarantine=Quarantine;Resources="
     "System resources;Settings=Change settings;Snmp=Change SNMP settings;Storage="
     "Storage partition configuration;SystemManagement=System management"},
    {"Host.Inventory", "Inventory",
     "^AddHostToCluster=Add host to cluster;^AddStandaloneHost=Add standalone host;"
     "^CreateCluster=Create cluster;^DeleteCluster=Remove cluster;EditCluster="
     "Modify cluster;^MoveCluster=Move cluster or standalone host;^MoveHost=Move host;"
     "^RemoveHostFromCluster=Remove host;RenameCluster=Rename cluster"},
    {"Host.Local", "Local operations",
     "CreateVM=Create virtual machine;DeleteVM=Delete virtual machine;InstallAgent="
     "Add host to vCenter;ManageUserGroups=Manage user groups;ReconfigVM="
     "Reconfigure virtual machine"},
    {"Network", "Networks",
     "Assign=Assign network;Config=Configure;^Delete=Remove;^Move=Move network"},
    {"Performance", "Performance", "ModifyIntervals=Modify intervals"},
    {"Profile", "Host profiles",
     "Clear=Clear;Create=Create;Delete=Delete;Edit=Edit;Export=Export;View=View"},
    {"Resource", "Resources",
     "ApplyRecommendation=Apply recommendation;AssignVAppToPool=Assign vApp to resource pool;"
     "AssignVMToPool=Assign virtual machine to resource pool;ColdMigrate="
     "Migrate powered off virtual machine;^CreatePool=Create resource pool;^DeletePool="
     "Remove resource pool;EditPool=Modify resource pool;HotMigrate="
     "Migrate powered on virtual machine;^MovePool=Move resource pool;QueryVMotion="
     "Query vMotion;RenamePool=Rename resource pool"},
    {"ScheduledTask", "Scheduled tasks",
     "Create=Create tasks;Delete=Remove task;Edit=Modify task;Run=Run task"},
    {"Sessions", "Sessions",
     "GlobalMessage=Message;ImpersonateUser=Impersonate user;TerminateSession="
     "View and stop sessions;ValidateSession=Validate session"},
    {"StoragePod", "Datastore clusters", "Config=Configure a datastore cluster"},
    {"Task", "Tasks", "Create=Create task;Update=Update task"},
    {"VApp", "vApps",
     "ApplicationConfig=vApp application configuration;AssignResourcePool="
     "Assign resource pool;AssignVApp=Assign vApp;AssignVM=Add virtual machine;Clone=Clone;"
     "^Create=Create;^Delete=Delete;Export=Export;ExtractOvfEnvironment="
     "View OVF environment;Import=Import;InstanceConfig=vApp instance configuration;"
     "ManagedByConfig=vApp managedBy configuration;^Move=Move;PowerOff=Power off;PowerOn="
     "Power on;Rename=Rename;ResourceConfig=vApp resource configuration;Suspend=Suspend;"
     "Unregister=Unregister"},
    {"VirtualMachine.Config", "Change configuration",
     "AddExistingDisk=Add existing disk;AddNewDisk=Add new disk;AddRemoveDevice="
     "Add or remove device;AdvancedConfig=Advanced configuration;Annotation="
     "Set annotation;CPUCount=Change CPU count;ChangeTracking="
     "Toggle disk change tracking;DiskExtend=Extend virtual disk;DiskLease="
     "Acquire disk lease;EditDevice=Modify device settings;HostUSBDevice="
     "Configure host USB device;ManagedBy=Configure managedBy;Memory=Change memory;MksControl="
     "Display connection settings;QueryFTCompatibility="
     "Query fault tolerance compatibility;QueryUnownedFiles=Query unowned files;RawDevice="
     "Configure raw device;ReloadFromPath=Reload from path;RemoveDisk=Remove disk;Rename="
     "Rename;ResetGuestInfo=Reset guest information;Resource=Change resource;Settings="
     "Change settings;SwapPlacement=Change swapfile placement;ToggleForkParent="
     "Toggle fork parent;UpgradeVirtualHardware=Upgrade virtual machine compatibility"},
    {"VirtualMachine.GuestOperations", "Guest operations",
     "Execute=Guest operation program execution;Modify=Guest operation modifications;"
     "ModifyAliases=Guest operation alias modification;Query=Guest operation queries;"
     "QueryAliases=Guest operation alias query"},
    {"VirtualMachine.Hbr", "Replication",
     "ConfigureReplication=Configure replication;MonitorReplication=Monitor replication;"
     "ReplicaManagement=Manage replication"},
    {"VirtualMachine.Interact", "Interaction",
     "AnswerQuestion=Answer question;Backup=Backup operation on virtual machine;"
     "ConsoleInteract=Console interaction;CreateScreenshot=Create screenshot;CreateSecondary="
     "Turn on fault tolerance;DefragmentAllDisks=Defragment all disks;DeviceConnection="
     "Connect devices;DisableSecondary=Suspend fault tolerance;DnD=Drag and drop;"
     "EnableSecondary=Resume fault tolerance;GuestControl="
     "Guest operating system management by VIX API;MakePrimary=Test failover;Pause="
     "Pause or unpause;PowerOff=Power off;PowerOn=Power on;PutUsbScanCodes="
     "Inject USB HID scan codes;Record=Record session on virtual machine;Replay="
     "Replay session on virtual machine;Reset=Reset;SESparseMaintenance="
     "Perform wipe or shrink operations;SetCDMedia=Configure CD media;SetFloppyMedia="
     "Configure floppy media;Suspend=Suspend;TerminateFaultTolerantVM="
     "Test restart secondary VM;ToolsInstall=Install VMware Tools;TurnOffFaultTolerance="
     "Turn off fault tolerance"},
    {"VirtualMachine.Inventory", "Edit inventory",
     "^Create=Create new;^CreateFromExisting=Create from existing;^Delete=Remove;^Move=Move;"
     "^Register=Register;^Unregister=Unregister"},
    {"VirtualMachine.Namespace", "Service configuration",
     "Event=Allow notifications;EventNotify=Allow polling of global event notifications;"
     "Management=Manage service configurations;ModifyContent=Modify service configuration;"
     "Query=Query service configurations;ReadContent=Read service configuration"},
    {"VirtualMachine.Provisioning", "Provisioning",
     "Clone=Clone virtual machine;CloneTemplate=Clone template;CreateTemplateFromVM="
     "Create template from virtual machine;Customize=Customize guest;DeployTemplate="
     "Deploy template;DiskRandomAccess=Allow disk access;DiskRandomRead="
     "Allow read-only disk access;FileRandomAccess=Allow file access;GetVmFiles="
     "Allow virtual machine download;MarkAsTemplate=Mark as template;MarkAsVM="
     "Mark as virtual machine;ModifyCustSpecs=Modify customization specification;"
     "PromoteDisks=Promote disks;PutVmFiles=Allow virtual machine files upload;"
     "ReadCustSpecs=Read customization specifications"},
    {"VirtualMachine.State", "Snapshot management",
     "CreateSnapshot=Create snapshot;RemoveSnapshot=Remove snapshot;RenameSnapshot="
     "Rename snapshot;RevertToSnapshot=Revert to snapshot"},
    {"TenantManager", "Tenants", "Query=Query tenants;Update=Update tenants"},
    {"HealthUpdateProvider", "Health update provider",
     "Register=Register;Unregister=Unregister;Update=Update"},
    {"DirectPathProfileManager", "DirectPath profiles", "Manage=Manage"},
    {"InventoryService.Tagging", "Tagging",
     "AttachTag=Assign or unassign tag;CreateCategory=Create tag category;CreateTag="
     "Create tag;DeleteCategory=Delete tag category;DeleteTag=Delete tag;EditCategory="
     "Edit tag category;EditTag=Edit tag"},
    {"Host", "Hosts", ""},
    {"VirtualMachine", "Virtual machines", ""},
}};

}  // namespace

std::span<const PrivilegeGroupNames> privilege_names() {
    return kGroups;
}

}  // namespace drover::service
