#include "host/datastores.hpp"
#include "host/events/event_arguments.hpp"
#include "host/events/host_events.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::ManagedObject;
using vim::MoRef;
using vim::TaskInfo;
using vim::TaskInfoState;
using vim::TypeId;
using vim::Value;
using vim::VirtualMachinePowerState;
namespace property = vim::property;

namespace {

bool creates_machine(const TaskInfo& info) {
    return info.descriptionId() == "Folder.createVm" ||
           info.descriptionId() == "ResourcePool.createVm";
}

bool registers_machine(const TaskInfo& info) {
    return info.descriptionId() == "Folder.registerVm" ||
           info.descriptionId() == "ResourcePool.registerVm";
}

VirtualMachinePowerState power_of(const ManagedObject& machine) {
    const vim::VirtualMachineRuntimeInfo runtime(
        machine.property(property::VirtualMachine::runtime));
    return runtime ? runtime.powerState() : VirtualMachinePowerState::poweredOff;
}

std::string text(const Value& value) {
    return value.kind() == vim::ValueKind::string ? std::string(value.as_string()) : std::string();
}

}  // namespace

void HostEvents::task_started(const TaskInfo& info, const Value& request) {
    const std::string key(info.key());
    if (creates_machine(info) && request) creating_[key] = request;
    const MoRef entity = info.entity().value_or(MoRef{});
    if (entity.type == TypeId::VirtualMachine) machine_task_started(info, request);
    if (info.descriptionId() == "HostSystem.enterMaintenanceMode") {
        post(vim::EnteringMaintenanceModeEvent::make(), actor_of(info));
    }
}

// Only what can begin at all: a machine that runs is not being started.
void HostEvents::machine_task_started(const TaskInfo& info, const Value& request) {
    const ManagedObject* machine = context_.inventory.find(*info.entity());
    if (machine == nullptr) return;
    const std::string_view kind = info.descriptionId();
    const Actor actor = actor_of(info);
    const VirtualMachinePowerState power = power_of(*machine);
    if (kind == "VirtualMachine.reconfigure") {
        before_[std::string(info.key())] = machine->property(property::VirtualMachine::config);
    } else if (kind == "VirtualMachine.powerOn") {
        if (power == VirtualMachinePowerState::poweredOff) {
            post(vm_event<vim::VmStartingEvent>(*machine), actor);
        } else if (power == VirtualMachinePowerState::suspended) {
            post(vm_event<vim::VmResumingEvent>(*machine), actor);
        }
    } else if (kind == "VirtualMachine.upgradeVirtualHardware") {
        auto event = vm_event<vim::VmUpgradingEvent>(*machine);
        event.set_version(text(request ? request.property("version") : Value{}));
        post(event, actor);
    } else if (power == VirtualMachinePowerState::poweredOn) {
        if (kind == "VirtualMachine.powerOff") {
            post(vm_event<vim::VmStoppingEvent>(*machine), actor);
        } else if (kind == "VirtualMachine.suspend") {
            post(vm_event<vim::VmSuspendingEvent>(*machine), actor);
        } else if (kind == "VirtualMachine.reset") {
            post(vm_event<vim::VmResettingEvent>(*machine), actor);
        }
    }
}

void HostEvents::task_ended(const TaskInfo& info, const Value& request) {
    const std::string key(info.key());
    const bool failed = info.state() == TaskInfoState::error;
    creating_.erase(key);
    const std::string_view kind = info.descriptionId();
    if (kind.starts_with("HostSystem.")) {
        host_task_ended(info);
    } else if (failed) {
        machine_task_failed(info);
    } else if (creates_machine(info) || registers_machine(info)) {
        machine_made(info);
    } else if (kind == "VirtualMachine.reconfigure") {
        machine_reconfigured(info, request);
    } else if (kind == "VirtualMachine.upgradeVirtualHardware") {
        if (const auto* machine = context_.inventory.find(*info.entity())) {
            auto event = vm_event<vim::VmUpgradeCompleteEvent>(*machine);
            event.set_version(text(request ? request.property("version") : Value{}));
            post(event, actor_of(info));
        }
    } else if (kind.starts_with("FileManager.") && request) {
        file_task_ended(info, request);
    }
    before_.erase(key);
}

void HostEvents::machine_task_failed(const TaskInfo& info) {
    const MoRef entity = info.entity().value_or(MoRef{});
    if (entity.type != TypeId::VirtualMachine) return;
    const ManagedObject* machine = context_.inventory.find(entity);
    if (machine == nullptr) return;
    const auto told = [&](auto event) {
        event.set_reason(info.error());
        post(event, actor_of(info));
    };
    const std::string_view kind = info.descriptionId();
    if (kind == "VirtualMachine.powerOn") {
        told(vm_event<vim::VmFailedToPowerOnEvent>(*machine));
    } else if (kind == "VirtualMachine.powerOff") {
        told(vm_event<vim::VmFailedToPowerOffEvent>(*machine));
    } else if (kind == "VirtualMachine.suspend") {
        told(vm_event<vim::VmFailedToSuspendEvent>(*machine));
    } else if (kind == "VirtualMachine.reset") {
        told(vm_event<vim::VmFailedToResetEvent>(*machine));
    }
}

void HostEvents::machine_made(const TaskInfo& info) {
    const Value& result = info.result();
    if (result.kind() != vim::ValueKind::moref) return;
    const ManagedObject* machine = context_.inventory.find(result.as_moref());
    if (machine == nullptr) return;
    if (registers_machine(info)) {
        return post(vm_event<vim::VmRegisteredEvent>(*machine), actor_of(info));
    }
    const vim::VirtualMachineConfigInfo config(machine->property(property::VirtualMachine::config));
    if (config && !config.uuid().empty()) {
        auto assigned = vm_event<vim::VmUuidAssignedEvent>(*machine);
        assigned.set_uuid(config.uuid());
        post(assigned, actor_of(info));
    }
    post(vm_event<vim::VmCreatedEvent>(*machine), actor_of(info));
}

void HostEvents::machine_reconfigured(const TaskInfo& info, const Value& request) {
    const ManagedObject* machine = context_.inventory.find(*info.entity());
    if (machine == nullptr) return;
    auto event = vm_event<vim::VmReconfiguredEvent>(*machine);
    const vim::VirtualMachineConfigSpec spec(request ? request.property("spec") : Value{});
    event.set_configSpec(spec ? spec : vim::VirtualMachineConfigSpec::make());
    const auto before = before_.find(std::string(info.key()));
    if (before != before_.end()) {
        event.set_configChanges(
            changes_between(before->second, machine->property(property::VirtualMachine::config)));
    }
    post(event, actor_of(info));
}

void HostEvents::host_task_ended(const TaskInfo& info) {
    const bool failed = info.state() == TaskInfoState::error;
    const std::string_view kind = info.descriptionId();
    if (kind == "HostSystem.enterMaintenanceMode" && !failed) {
        post(vim::EnteredMaintenanceModeEvent::make(), actor_of(info));
    } else if (kind == "HostSystem.exitMaintenanceMode" && !failed) {
        post(vim::ExitMaintenanceModeEvent::make(), actor_of(info));
    } else if (failed && info.error().fault().is<vim::RequestCanceled>()) {
        post(vim::CanceledHostOperationEvent::make(), actor_of(info));
    }
}

void HostEvents::file_task_ended(const TaskInfo& info, const Value& request) {
    const std::string_view kind = info.descriptionId();
    const auto datastore_of = [this](const std::string& path) {
        const auto parsed = storage::DatastorePath::parse(path);
        const DatastoreEntry* entry =
            parsed ? context_.datastores.find(parsed->datastore()) : nullptr;
        const auto* object = entry ? context_.inventory.find(entry->ref) : nullptr;
        return object ? datastore_argument(*object) : vim::DatastoreEventArgument();
    };
    const auto told = [&](auto event, const std::string& target) {
        const auto datastore = datastore_of(target);
        if (!datastore) return;
        event.set_datastore(datastore);
        event.set_ds(datastore);
        event.set_targetFile(target);
        event.set_succeeded(true);
        post(event, actor_of(info));
    };
    const auto told_with_source = [&](auto event) {
        const std::string source = text(request.property("sourceName"));
        const auto datastore = datastore_of(source);
        if (!datastore) return;
        event.set_sourceDatastore(datastore);
        event.set_sourceFile(source);
        told(event, text(request.property("destinationName")));
    };
    if (kind == "FileManager.deleteFile") {
        told(vim::DatastoreFileDeletedEvent::make(), text(request.property("name")));
    } else if (kind == "FileManager.copyFile") {
        told_with_source(vim::DatastoreFileCopiedEvent::make());
    } else if (kind == "FileManager.moveFile") {
        told_with_source(vim::DatastoreFileMovedEvent::make());
    }
}

}  // namespace drover::host
