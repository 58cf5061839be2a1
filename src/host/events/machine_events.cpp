#include "host/events/event_arguments.hpp"
#include "host/events/host_events.hpp"
#include "host/references.hpp"
#include "service/history/task_filter.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Delta;
using model::ManagedObject;
using model::PropertyChange;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
using vim::VirtualMachineConnectionState;
using vim::VirtualMachinePowerState;
using vim::VirtualMachineRuntimeInfo;
namespace property = vim::property;

void HostEvents::start() {
    history_.tasks().on_start(
        [this](const vim::TaskInfo& info, const Value& request) { task_started(info, request); });
    history_.tasks().on_end(
        [this](const vim::TaskInfo& info, const Value& request) { task_ended(info, request); });
    watch_calls();
    deltas_ = context_.inventory.observe([this](const Delta& delta) { see(delta); });
    post(vim::ServerStartedSessionEvent::make(), {});
}

HostEvents::Actor HostEvents::actor_of(const vim::TaskInfo& info) {
    return {service::user_of(info), info.eventChainId()};
}

HostEvents::Actor HostEvents::actor_of(const MoRef& entity) const {
    if (const auto task = context_.tasks.running_on(entity)) {
        return actor_of(context_.tasks.info(*task));
    }
    const auto calling = calling_.find(entity.id);
    return calling == calling_.end() ? Actor{} : Actor{calling->second.user, 0};
}

void HostEvents::post(vim::Event event, const Actor& actor) {
    if (actor.chain != 0) event.set_chainId(actor.chain);
    context_.events.post(std::move(event), actor.user);
}

void HostEvents::see(const Delta& delta) {
    for (const ManagedObject* object : delta.created) see_created(*object);
    for (const PropertyChange& change : delta.changes) see_change(change);
    for (const auto& object : delta.destroyed) see_destroyed(*object);
}

void HostEvents::see_change(const PropertyChange& change) {
    if (change.computed) return;
    const bool is_machine = change.object->type() == TypeId::VirtualMachine;
    if (change.property == property::ManagedEntity::name &&
        (is_machine || change.object->type() == TypeId::Datastore)) {
        see_name(change);
    } else if (is_machine && change.property == property::VirtualMachine::runtime) {
        see_runtime(change);
    } else if (is_machine && change.property == property::VirtualMachine::config) {
        see_config(change);
    }
}

void HostEvents::see_runtime(const PropertyChange& change) {
    const VirtualMachineRuntimeInfo before(change.old_value);
    const VirtualMachineRuntimeInfo now(change.new_value);
    if (!before || !now) return;
    const ManagedObject& machine = *change.object;
    see_connection(machine, before.connectionState() == VirtualMachineConnectionState::connected,
                   now.connectionState() == VirtualMachineConnectionState::connected);
    if (before.powerState() != now.powerState()) {
        see_power(machine, now.powerState());
    } else {
        see_reboot(change);
    }
    const auto question = now.question();
    if (question && (!before.question() || before.question().id() != question.id())) {
        auto event = vm_event<vim::VmMessageEvent>(machine);
        event.set_message(question.text());
        event.set_messageInfo(question.message().to_vector());
        post(event, {});
    }
}

void HostEvents::see_power(const ManagedObject& machine, VirtualMachinePowerState now) {
    asked_to_reboot_.erase(machine.id());
    const Actor actor = actor_of(machine.ref());
    if (now == VirtualMachinePowerState::poweredOn) {
        post(vm_event<vim::VmPoweredOnEvent>(machine), actor);
    } else if (now == VirtualMachinePowerState::suspended) {
        post(vm_event<vim::VmSuspendedEvent>(machine), actor);
    } else {
        // Asked for, or from inside, or by a crash: then nobody did it.
        post(vm_event<vim::VmPoweredOffEvent>(machine), actor);
    }
}

// A machine that stays on and boots anew: its guest has rebooted, unless a task is at it.
void HostEvents::see_reboot(const PropertyChange& change) {
    const VirtualMachineRuntimeInfo before(change.old_value);
    const VirtualMachineRuntimeInfo now(change.new_value);
    if (now.powerState() != VirtualMachinePowerState::poweredOn) return;
    if (!before.bootTime() || !now.bootTime() || *before.bootTime() == *now.bootTime()) return;
    if (context_.tasks.running_on(change.object->ref())) return;
    // Told of already when it was asked for.
    if (asked_to_reboot_.erase(change.object->id()) != 0) return;
    post(vm_event<vim::VmGuestRebootEvent>(*change.object), {});
}

void HostEvents::see_connection(const ManagedObject& machine, bool was_connected,
                                bool is_connected) {
    if (was_connected && !is_connected) {
        post(vm_event<vim::VmDisconnectedEvent>(machine), {});
    } else if (!was_connected && is_connected) {
        post(vm_event<vim::VmConnectedEvent>(machine), {});
    }
}

void HostEvents::see_config(const PropertyChange& change) {
    const vim::VirtualMachineConfigInfo before(change.old_value);
    const vim::VirtualMachineConfigInfo now(change.new_value);
    if (!before || !now || before.uuid() == now.uuid() || now.uuid().empty()) return;
    const Actor actor = actor_of(change.object->ref());
    if (before.uuid().empty()) {
        auto event = vm_event<vim::VmUuidAssignedEvent>(*change.object);
        event.set_uuid(now.uuid());
        return post(event, actor);
    }
    auto event = vm_event<vim::VmUuidChangedEvent>(*change.object);
    event.set_oldUuid(before.uuid());
    event.set_newUuid(now.uuid());
    post(event, actor);
}

void HostEvents::see_name(const PropertyChange& change) {
    if (!change.old_value || !change.new_value) return;
    const Actor actor = actor_of(change.object->ref());
    if (change.object->type() == TypeId::Datastore) {
        auto event = vim::DatastoreRenamedEvent::make();
        event.set_datastore(datastore_argument(*change.object));
        event.set_ds(datastore_argument(*change.object));
        event.set_oldName(change.old_value.as_string());
        event.set_newName(change.new_value.as_string());
        return post(event, actor);
    }
    auto event = vm_event<vim::VmRenamedEvent>(*change.object);
    event.set_oldName(change.old_value.as_string());
    event.set_newName(change.new_value.as_string());
    post(event, actor);
}

// A machine that appears while a task of its name creates one is that task's.
void HostEvents::see_created(const ManagedObject& object) {
    if (object.type() == TypeId::ResourcePool) return see_pool(object, true);
    if (object.type() == TypeId::Datastore) {
        auto event = vim::DatastoreDiscoveredEvent::make();
        event.set_datastore(datastore_argument(object));
        event.set_ds(datastore_argument(object));
        return post(event, actor_of(references::host));
    }
    if (object.type() != TypeId::VirtualMachine) return;
    const std::string name(vm_argument(object).name());
    for (const auto& [task, request] : creating_) {
        const vim::VirtualMachineConfigSpec spec(request.property("config"));
        if (!spec || spec.name().value_or("") != name) continue;
        auto event = vm_event<vim::VmBeingCreatedEvent>(object);
        event.set_configSpec(spec);
        return post(event, actor_of(context_.tasks.info({TypeId::Task, task})));
    }
}

void HostEvents::see_destroyed(const ManagedObject& object) {
    if (object.type() == TypeId::ResourcePool) return see_pool(object, false);
    if (object.type() != TypeId::VirtualMachine) return;
    asked_to_reboot_.erase(object.id());
    post(vm_event<vim::VmRemovedEvent>(object), actor_of(object.ref()));
}

void HostEvents::see_pool(const ManagedObject& pool, bool is_new) {
    auto argument = vim::ResourcePoolEventArgument::make();
    argument.set_resourcePool(pool.ref());
    const Value& name = pool.property(property::ManagedEntity::name);
    argument.set_name(name ? name.as_string() : std::string_view(pool.id()));
    const Value& parent = pool.property(property::ManagedEntity::parent);
    const MoRef above = parent ? parent.as_moref() : references::root_pool;
    if (is_new) {
        auto event = vim::ResourcePoolCreatedEvent::make();
        event.set_resourcePool(argument);
        event.set_parent(pool_argument(context_.inventory, above));
        return post(event, actor_of(above));
    }
    auto event = vim::ResourcePoolDestroyedEvent::make();
    event.set_resourcePool(argument);
    post(event, actor_of(pool.ref()));
}

}  // namespace drover::host
