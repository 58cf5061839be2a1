#include "service/history/event_catalog.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "service/history/task_descriptions.hpp"

namespace drover::service {

using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

constexpr std::size_t kMostMessageBytes = 8192;

constexpr std::string_view kOn = " on {host.name} in {datacenter.name}";

// "%" stands for kOn.
constexpr auto kKinds = std::to_array<EventKind>({
    {"Event", "info", "Event", "{fullFormattedMessage}"},
    {"GeneralEvent", "info", "General event", "{message}"},
    {"GeneralUserEvent", "user", "User logged event", "User logged event: {message}"},
    {"EventEx", "info", "Extended event", "{message}"},
    {"ExtendedEvent", "info", "Extended event", "{message}"},
    {"TaskEvent", "info", "Task event", "Task: {info.label}"},
    // Sessions and accounts
    {"SessionEvent", "info", "Session event", "Session event of {userName}"},
    {"ServerStartedSessionEvent", "info", "Server started", "drover has started"},
    {"UserLoginSessionEvent", "info", "User login", "User {userName}@{ipAddress} logged in"},
    {"UserLogoutSessionEvent", "info", "User logout", "User {userName} logged out"},
    {"BadUsernameSessionEvent", "error", "Invalid user name",
     "Cannot login {userName}@{ipAddress}"},
    {"NoAccessUserEvent", "error", "No access for user",
     "Cannot login user {userName}@{ipAddress}: no permission"},
    {"AlreadyAuthenticatedSessionEvent", "warning", "Already authenticated",
     "User cannot logon since the user is already logged on"},
    {"SessionTerminatedEvent", "info", "Session stopped",
     "A session for user '{terminatedUsername}' has stopped"},
    {"AccountCreatedEvent", "info", "Account created",
     "Account {spec.id} was created on host {host.name}"},
    {"AccountRemovedEvent", "info", "Account removed",
     "Account {account} was removed on host {host.name}"},
    {"AccountUpdatedEvent", "info", "Account updated",
     "Account {spec.id} was updated on host {host.name}"},
    {"UserPasswordChanged", "info", "User password changed",
     "Password was changed for account {userLogin} on host {host.name}"},
    {"PermissionAddedEvent", "info", "Permission added",
     "Permission created for {principal} on {entity.name}, role is {role.name}"},
    {"PermissionUpdatedEvent", "info", "Permission updated",
     "Permission changed for {principal} on {entity.name}, role is {role.name}"},
    {"PermissionRemovedEvent", "info", "Permission removed",
     "Permission rule removed for {principal} on {entity.name}"},
    {"RoleAddedEvent", "info", "Role added", "New role {role.name} created"},
    {"RoleUpdatedEvent", "info", "Role updated", "Modified role {role.name}"},
    {"RoleRemovedEvent", "info", "Role removed", "Role {role.name} removed"},
    // Machines
    {"VmEvent", "info", "VM event", "Event of {vm.name}%"},
    {"VmBeingCreatedEvent", "info", "Creating VM", "Creating {vm.name}%"},
    {"VmCreatedEvent", "info", "VM created", "Created virtual machine {vm.name}%"},
    {"VmRegisteredEvent", "info", "VM registered", "Registered {vm.name}%"},
    {"VmRemovedEvent", "info", "VM removed", "Removed {vm.name}%"},
    {"VmStartingEvent", "info", "VM starting", "{vm.name}% is starting"},
    {"VmPoweredOnEvent", "info", "VM powered on", "{vm.name}% is powered on"},
    {"VmStoppingEvent", "info", "VM powering off", "{vm.name}% is stopping"},
    {"VmPoweredOffEvent", "info", "VM powered off", "{vm.name}% is powered off"},
    {"VmSuspendingEvent", "info", "VM being suspended", "{vm.name}% is being suspended"},
    {"VmSuspendedEvent", "info", "VM suspended", "{vm.name}% is suspended"},
    {"VmResumingEvent", "info", "VM resuming", "{vm.name}% is resumed"},
    {"VmResettingEvent", "info", "VM resetting", "{vm.name}% is reset"},
    {"VmGuestShutdownEvent", "info", "Guest OS shut down", "Guest OS shut down for {vm.name}%"},
    {"VmGuestRebootEvent", "info", "Guest reboot", "Guest OS reboot for {vm.name}%"},
    {"VmGuestStandbyEvent", "info", "Guest standby", "Guest OS standby for {vm.name}%"},
    {"VmGuestOSCrashedEvent", "error", "Guest OS crashed", "{vm.name}%: the guest OS has crashed"},
    {"VmReconfiguredEvent", "info", "VM reconfigured", "Reconfigured {vm.name}%"},
    {"VmResourceReallocatedEvent", "info", "VM resource reallocated",
     "Changed resource allocation for {vm.name}"},
    {"VmRenamedEvent", "info", "VM renamed",
     "Renamed {vm.name} from {oldName} to {newName} in {datacenter.name}"},
    {"VmMessageEvent", "info", "VM message", "Message on {vm.name}%: {message}"},
    {"VmMessageWarningEvent", "warning", "VM warning message",
     "Warning message on {vm.name}%: {message}"},
    {"VmMessageErrorEvent", "error", "VM error message", "Error message on {vm.name}%: {message}"},
    {"VmDisconnectedEvent", "info", "VM disconnected", "{vm.name}% is disconnected"},
    {"VmConnectedEvent", "info", "VM connected", "Virtual machine {vm.name} is connected"},
    {"VmUuidAssignedEvent", "info", "VM UUID assigned",
     "Assigned new BIOS UUID ({uuid}) to {vm.name}%"},
    {"VmUuidChangedEvent", "warning", "VM UUID changed",
     "Changed BIOS UUID from {oldUuid} to {newUuid} for {vm.name}%"},
    {"VmUpgradingEvent", "info", "VM upgrading",
     "Upgrading virtual hardware of {vm.name} to {version}"},
    {"VmUpgradeCompleteEvent", "info", "VM upgrade complete",
     "Virtual hardware of {vm.name} is at version {version}"},
    {"VmDiskFailedEvent", "error", "VM disk failed",
     "{vm.name}: creation of the disk {disk} failed: {reason.msg}"},
    {"VmAcquiredMksTicketEvent", "info", "VM acquired MKS ticket",
     "A ticket for {vm.name}% has been acquired"},
    {"VmRemoteConsoleConnectedEvent", "info", "VM remote console connected",
     "Remote console connected to {vm.name}%"},
    {"VmRemoteConsoleDisconnectedEvent", "info", "VM remote console disconnected",
     "Remote console disconnected from {vm.name}%"},
    {"VmFailedToPowerOnEvent", "error", "Cannot power on VM",
     "Cannot power on {vm.name}%: {reason.msg}"},
    {"VmFailedToPowerOffEvent", "error", "Cannot power off VM",
     "Cannot power off {vm.name}%: {reason.msg}"},
    {"VmFailedToSuspendEvent", "error", "Cannot suspend VM",
     "Cannot suspend {vm.name}%: {reason.msg}"},
    {"VmFailedToResetEvent", "error", "Cannot reset VM", "Cannot reset {vm.name}%: {reason.msg}"},
    {"VmFailedToRebootGuestEvent", "error", "Cannot reboot the guest OS",
     "Cannot reboot the guest OS of {vm.name}%: {reason.msg}"},
    {"VmFailedToShutdownGuestEvent", "error", "Cannot shut down the guest OS",
     "Cannot shut down the guest OS of {vm.name}%: {reason.msg}"},
    {"VmFailedToStandbyGuestEvent", "error", "Cannot put the guest OS on standby",
     "Cannot put the guest OS of {vm.name}% on standby: {reason.msg}"},
    {"VmBeingMigratedEvent", "info", "VM migrating",
     "Relocating {vm.name} from {host.name} to {destHost.name} in {datacenter.name}"},
    {"VmBeingHotMigratedEvent", "info", "VM is hot migrating",
     "Migrating {vm.name} from {host.name} to {destHost.name} in {datacenter.name}"},
    {"VmEmigratingEvent", "info", "VM emigrating", "Migrating {vm.name} off host {host.name}"},
    {"VmMigratedEvent", "info", "VM migrated",
     "Virtual machine {vm.name} has been migrated from {sourceHost.name} to {host.name} in "
     "{datacenter.name}"},
    {"VmFailedMigrateEvent", "error", "Cannot migrate VM",
     "Cannot migrate {vm.name} from {host.name} to {destHost.name}: {reason.msg}"},
    {"VmBeingRelocatedEvent", "info", "VM relocating",
     "Relocating {vm.name} from {host.name} to {destHost.name}, {destDatastore.name}"},
    {"VmRelocatedEvent", "info", "VM relocated",
     "Completed the relocation of {vm.name} from {sourceHost.name}, {sourceDatastore.name}"},
    {"VmRelocateFailedEvent", "error", "Failed to relocate VM",
     "Failed to relocate {vm.name}%: {reason.msg}"},
    {"VmAutoRenameEvent", "info", "VM renamed by itself",
     "Renamed {vm.name} from {oldName} to {newName} because of a name conflict in "
     "{datacenter.name}"},
    {"VmResourcePoolMovedEvent", "info", "VM moved to another resource pool",
     "Moved {vm.name} from resource pool {oldParent.name} to {newParent.name}"},
    {"MigrationErrorEvent", "error", "Migration error",
     "Migration of {vm.name} from {host.name} to {dstHost.name}: {fault.msg}"},
    // Host, datastores, pools
    {"HostAddedEvent", "info", "Host added",
     "Added host {host.name} to datacenter {datacenter.name}"},
    {"HostAddFailedEvent", "error", "Cannot add host", "Cannot add host {hostname}"},
    {"HostRemovedEvent", "info", "Host removed", "Removed host {host.name} in {datacenter.name}"},
    {"HostConnectedEvent", "info", "Host connected",
     "Established a connection to {host.name} in {datacenter.name}"},
    {"HostDisconnectedEvent", "info", "Host disconnected",
     "Disconnected from {host.name} in {datacenter.name}"},
    {"HostConnectionLostEvent", "error", "Host connection lost",
     "Host {host.name} in {datacenter.name} is not responding"},
    {"HostReconnectionFailedEvent", "error", "Cannot reconnect host",
     "Cannot reconnect to {host.name} in {datacenter.name}"},
    {"HostEvent", "info", "Host event", "Event of host {host.name}"},
    {"EnteringMaintenanceModeEvent", "info", "Entering maintenance mode",
     "Host {host.name} in {datacenter.name} has started to enter maintenance mode"},
    {"EnteredMaintenanceModeEvent", "info", "Entered maintenance mode",
     "Host {host.name} in {datacenter.name} has entered maintenance mode"},
    {"ExitMaintenanceModeEvent", "info", "Exit maintenance mode",
     "Host {host.name} in {datacenter.name} has exited maintenance mode"},
    {"CanceledHostOperationEvent", "info", "Canceled host operation",
     "The operation performed on host {host.name} in {datacenter.name} was canceled"},
    {"HostShutdownEvent", "info", "Host shut down", "Shut down of {host.name}: {reason}"},
    {"DatastoreEvent", "info", "Datastore event", "Event of datastore {datastore.name}"},
    {"DatastoreDiscoveredEvent", "info", "Datastore discovered",
     "Datastore {datastore.name} discovered%"},
    {"DatastoreRenamedEvent", "info", "Datastore renamed",
     "Renamed datastore from {oldName} to {newName} in {datacenter.name}"},
    {"DatastoreRenamedOnHostEvent", "info", "Datastore renamed from host",
     "Renamed datastore from {oldName} to {newName}%"},
    {"DatastoreCapacityIncreasedEvent", "info", "Datastore capacity increased",
     "Datastore {datastore.name} grew from {oldCapacity} to {newCapacity} bytes"},
    {"DatastoreFileEvent", "info", "Datastore file event", "Event of file {targetFile}"},
    {"DatastoreFileCopiedEvent", "info", "File or directory copied to datastore",
     "File or directory {sourceFile} copied from {sourceDatastore.name} to {datastore.name} as "
     "{targetFile}"},
    {"DatastoreFileMovedEvent", "info", "File or directory moved to datastore",
     "File or directory {sourceFile} moved from {sourceDatastore.name} to {datastore.name} as "
     "{targetFile}"},
    {"DatastoreFileDeletedEvent", "info", "File or directory deleted",
     "File or directory {targetFile} deleted from {datastore.name}"},
    {"ResourcePoolCreatedEvent", "info", "Resource pool created",
     "Created resource pool {resourcePool.name}"},
    {"ResourcePoolReconfiguredEvent", "info", "Resource pool reconfigured",
     "Updated configuration for {resourcePool.name}"},
    {"ResourcePoolMovedEvent", "info", "Resource pool moved",
     "Moved resource pool {resourcePool.name} from {oldParent.name} to {newParent.name}"},
    {"ResourcePoolDestroyedEvent", "info", "Resource pool deleted",
     "Removed resource pool {resourcePool.name}"},
    // What a center alone has
    {"DatacenterCreatedEvent", "info", "Datacenter created",
     "Created datacenter {datacenter.name} in folder {parent.name}"},
    {"DatacenterRenamedEvent", "info", "Datacenter renamed",
     "Renamed datacenter from {oldName} to {newName}"},
    {"ClusterCreatedEvent", "info", "Cluster created",
     "Created cluster {computeResource.name} in folder {parent.name}"},
    {"ClusterReconfiguredEvent", "info", "Cluster reconfigured",
     "Reconfigured cluster {computeResource.name} in datacenter {datacenter.name}"},
    {"ClusterDestroyedEvent", "info", "Cluster deleted",
     "Removed cluster {computeResource.name} in datacenter {datacenter.name}"},
    {"DrsEnabledEvent", "info", "DRS enabled",
     "Enabled DRS on cluster {computeResource.name} with automation level {behavior} in "
     "{datacenter.name}"},
    {"DrsDisabledEvent", "info", "DRS disabled",
     "Disabled DRS on cluster {computeResource.name} in datacenter {datacenter.name}"},
    {"DrsInvocationFailedEvent", "warning", "DRS failed",
     "DRS could not look at cluster {computeResource.name} in datacenter {datacenter.name}"},
    {"DrsVmMigratedEvent", "info", "DRS VM migrated",
     "DRS migrated {vm.name} from {sourceHost.name} to {host.name} in cluster "
     "{computeResource.name}"},
    {"DrsVmPoweredOnEvent", "info", "DRS VM powered on",
     "DRS powered on {vm.name} on {host.name} in {datacenter.name}"},
    {"DrsRuleViolationEvent", "warning", "DRS rule violated",
     "{vm.name} on {host.name} in {datacenter.name} is not where a rule of its cluster wants it"},
    {"DrsRuleComplianceEvent", "info", "DRS rule kept again",
     "{vm.name} on {host.name} in {datacenter.name} is where the rules of its cluster want it"},
    {"DasEnabledEvent", "info", "HA enabled",
     "HA enabled for cluster {computeResource.name} in {datacenter.name}"},
    {"DasHostFailedEvent", "error", "HA host failed",
     "{failedHost.name} has failed; its machines are restarted on other hosts"},
    {"DasAgentUnavailableEvent", "error", "HA agent unavailable",
     "The high availability agent of a host in {computeResource.name} does not answer"},
    {"DasAgentFoundEvent", "info", "HA agent found",
     "The high availability agent of a host in {computeResource.name} answers again"},
    {"VmRestartedOnAlternateHostEvent", "info", "VM restarted on alternate host",
     "{vm.name} was restarted%, since {sourceHost.name} failed"},
    {"VmFailoverFailed", "error", "VM failover failed",
     "{vm.name} can't be restarted%: {reason.msg}"},
    {"NotEnoughResourcesToStartVmEvent", "warning", "Not enough resources to start VM",
     "{vm.name} can't be restarted so far: {reason}"},
    {"VmDasBeingResetEvent", "warning", "VM reset by HA",
     "{vm.name}% is reset: its guest has failed ({reason})"},
    {"VmDasBeingResetWithScreenshotEvent", "warning", "VM reset by HA",
     "{vm.name}% is reset: its guest has failed ({reason}); its screen: {screenshotFilePath}"},
    {"VmDasResetFailedEvent", "error", "VM reset by HA failed", "{vm.name}% can't be reset"},
    {"DasDisabledEvent", "info", "HA disabled",
     "HA disabled for cluster {computeResource.name} in {datacenter.name}"},
    {"AlarmCreatedEvent", "info", "Alarm created", "Created alarm '{alarm.name}' on {entity.name}"},
    {"AlarmReconfiguredEvent", "info", "Alarm reconfigured",
     "Reconfigured alarm '{alarm.name}' on {entity.name}"},
    {"AlarmRemovedEvent", "info", "Alarm removed", "Removed alarm '{alarm.name}' on {entity.name}"},
    {"AlarmStatusChangedEvent", "info", "Alarm status changed",
     "Alarm '{alarm.name}' on {source.name} changed from {from} to {to}"},
    {"AlarmAcknowledgedEvent", "info", "Alarm acknowledged",
     "Acknowledged alarm '{alarm.name}' on {source.name}"},
    {"AlarmClearedEvent", "info", "Alarm cleared",
     "Manually cleared alarm '{alarm.name}' on {source.name} from {from}"},
    {"CustomFieldDefAddedEvent", "info", "Custom field definition added",
     "Created new custom field definition {name}"},
    {"CustomFieldDefRemovedEvent", "info", "Custom field definition removed",
     "Removed field definition {name}"},
    {"CustomFieldDefRenamedEvent", "info", "Custom field definition renamed",
     "Renamed field definition from {name} to {newName}"},
    {"CustomFieldValueChangedEvent", "info", "Custom field value changed",
     "Changed custom field {name} on {entity.name} in {datacenter.name} to {value}"},
});

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos;
         at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

std::string full_format(const EventKind& kind) {
    return replaced(std::string(kind.format), "%", kOn);
}

vim::ElementDescription category(std::string_view key, std::string_view label) {
    auto made = vim::ElementDescription::make();
    made.set_key(key);
    made.set_label(label);
    made.set_summary(label);
    return made;
}

// What is known from where one looks is left out of the sentence.
vim::EventDescriptionEventDetail detail(const EventKind& kind) {
    const std::string full = full_format(kind);
    const std::string in_datacenter = replaced(full, " in {datacenter.name}", "");
    const std::string on_host = replaced(in_datacenter, " on {host.name}", "");
    auto made = vim::EventDescriptionEventDetail::make();
    made.set_key(kind.type);
    made.set_description(kind.description);
    made.set_category(kind.category);
    made.set_fullFormat(full);
    made.set_formatOnDatacenter(in_datacenter);
    made.set_formatOnComputeResource(in_datacenter);
    made.set_formatOnHost(on_host);
    made.set_formatOnVm(replaced(in_datacenter, "{vm.name}", "This virtual machine"));
    return made;
}

std::string text_of(const Value& value) {
    switch (value.kind()) {
        case ValueKind::string:
        case ValueKind::enumeration:
            return std::string(value.as_string());
        case ValueKind::boolean:
            return value.as_boolean() ? "true" : "false";
        case ValueKind::byte_:
        case ValueKind::short_:
        case ValueKind::int_:
        case ValueKind::long_:
            return std::to_string(value.as_integer());
        case ValueKind::date_time:
            return base::format_time(value.as_time());
        case ValueKind::moref:
            return std::string(value.moref_id());
        case ValueKind::object:
            return text_of(value.property("name"));
        default:
            return {};
    }
}

std::string resolve(Value at, std::string_view path) {
    while (!path.empty()) {
        if (at.kind() != ValueKind::object) return {};
        const auto end = path.find('.');
        const std::string_view name = path.substr(0, end);
        path = end == std::string_view::npos ? std::string_view{} : path.substr(end + 1);
        if (name == "msg") {
            at = Value(at.property("localizedMessage"));
        } else if (name == "label" && vim::is_a(at.type(), TypeId::TaskInfo)) {
            return task_label(text_of(at.property("descriptionId")), text_of(at.property("name")));
        } else {
            at = Value(at.property(name));
        }
    }
    return text_of(at);
}

}  // namespace

const EventKind& kind_of(TypeId event_type) {
    for (TypeId at = event_type; at != TypeId::none; at = vim::describe(at).base) {
        const std::string_view name = vim::describe(at).name();
        const auto found = std::ranges::find(kKinds, name, &EventKind::type);
        if (found != kKinds.end()) return *found;
    }
    return kKinds.front();
}

std::string_view category_of(const vim::Event& event) {
    if (const auto extended = event.as<vim::EventEx>()) {
        const auto& severity = event.raw().property("severity");
        constexpr std::array<std::string_view, 4> kKnown{"info", "warning", "error", "user"};
        if (severity) {
            const auto known = std::ranges::find(kKnown, severity.as_string());
            if (known != kKnown.end()) return *known;
        }
    }
    return kind_of(event.dynamic_type()).category;
}

TypeId event_type_of(std::string_view name) {
    constexpr std::string_view kPrefix = "vim.event.";
    if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
    const TypeId type = vim::find_type(name);
    return type != TypeId::none && vim::is_a(type, TypeId::Event) ? type : TypeId::none;
}

vim::EventDescription describe_events() {
    auto made = vim::EventDescription::make();
    made.set_category({category("info", "Information"), category("warning", "Warning"),
                       category("error", "Error"), category("user", "User")});
    std::vector<vim::EventDescriptionEventDetail> details;
    for (const EventKind& kind : kKinds) {
        if (kind.type != "Event") details.push_back(detail(kind));
    }
    made.set_eventInfo(details);
    return made;
}

std::string format_event(const vim::Event& event) {
    return fill_format(event.raw(), full_format(kind_of(event.dynamic_type())));
}

std::string fill_format(const Value& event, std::string_view format) {
    std::string text;
    while (!format.empty() && text.size() < kMostMessageBytes) {
        const auto open = format.find('{');
        const auto close = open == std::string_view::npos ? open : format.find('}', open);
        text += format.substr(0, close == std::string_view::npos ? close : open);
        if (close == std::string_view::npos) break;
        text += resolve(event, format.substr(open + 1, close - open - 1));
        format.remove_prefix(close + 1);
    }
    if (text.size() > kMostMessageBytes) {
        text.resize(kMostMessageBytes);
        // Not in the middle of a character.
        while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) {
            text.pop_back();
        }
        if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0) text.pop_back();
    }
    return text;
}

}  // namespace drover::service
