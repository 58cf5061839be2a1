#include <algorithm>

#include "center/mirror/mirror_state.hpp"
#include "center/tree/data.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::PropertyIndex;
using model::Transaction;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
using vim::VirtualMachineConnectionState;
namespace property = vim::property::VirtualMachine;

namespace {

MoRef shown_pool(const Machine& machine) {
    return machine.is_template ? MoRef{} : machine.pool;
}

void list_on(Transaction& transaction, Machine& machine, const MoRef& host) {
    if (machine.listed_on == host) return;
    constexpr auto kList = vim::property::HostSystem::vm;
    if (machine.listed_on && transaction.exists(machine.listed_on)) {
        transaction.remove_reference(machine.listed_on, kList, machine.ref);
    }
    machine.listed_on = host;
    if (host && transaction.exists(host)) transaction.add_reference(host, kList, machine.ref);
}

// The machine stands in the lists of exactly those datastores (or networks) that it names.
void list_in_shared(Transaction& transaction, const MoRef& machine, const Value& before,
                    const Value& after, PropertyIndex list) {
    const auto elements = [](const Value& value) {
        return value ? value.elements() : std::span<const Value>{};
    };
    const auto has = [&](const Value& value, const Value& wanted) {
        return std::ranges::find(elements(value), wanted) != elements(value).end();
    };
    for (const Value& each : elements(before)) {
        if (has(after, each) || !transaction.exists(each.as_moref())) continue;
        transaction.remove_reference(each.as_moref(), list, machine);
    }
    for (const Value& each : elements(after)) {
        if (has(before, each) || !transaction.exists(each.as_moref())) continue;
        transaction.add_reference(each.as_moref(), list, machine);
    }
}

void set_list(Transaction& transaction, const MoRef& machine, PropertyIndex index, Value value,
              PropertyIndex list) {
    const Value before = transaction.get(machine, index);
    set_property(transaction, machine, index, std::move(value));
    list_in_shared(transaction, machine, before, transaction.get(machine, index), list);
}

void create(MirrorState& state, Transaction& transaction, Machine& machine) {
    transaction.create(machine.ref.type, machine.ref.id);
    Tree::set_entity_basics(transaction, machine.ref, machine.name, machine.folder);
    state.context.tree.attach_machine(transaction, machine.folder, shown_pool(machine),
                                      machine.ref);
    machine.published = true;
}

// What does not answer is disconnected, whatever it said last.
vim::VirtualMachineRuntimeInfo with_connection(vim::VirtualMachineRuntimeInfo runtime,
                                               bool connected) {
    if (runtime && !connected) {
        runtime.set_connectionState(VirtualMachineConnectionState::disconnected);
    }
    return runtime;
}

Value value_of(const MirrorState& state, const HostMirror& host, const PictureObject& object,
               PropertyIndex index) {
    Value value = state.to_center(host, object.property(index));
    if (host.connected || !value) return value;
    if (index == property::runtime) {
        return with_connection(vim::VirtualMachineRuntimeInfo(value), false).raw();
    }
    if (index == property::summary) {
        vim::VirtualMachineSummary summary(value);
        summary.set_runtime(with_connection(summary.runtime(), false));
        return summary.raw();
    }
    return value;
}

bool is_running(const PictureObject& object) {
    const vim::VirtualMachineRuntimeInfo runtime(object.property(property::runtime));
    return runtime && runtime.powerState() == vim::VirtualMachinePowerState::poweredOn;
}

bool has_address(const Value& guest) {
    return guest && guest.property("ipAddress");
}

// A guest that moves keeps its addresses, but its new host learns them only by and by.
void carry_guest(const Transaction& transaction, Machine& machine, const PictureObject& object,
                 const MoRef& host) {
    const bool is_moving = machine.move.has_value();
    const bool has_moved = machine.listed_on && machine.listed_on != host;
    if ((is_moving || has_moved) && machine.published && !machine.guest_before) {
        const Value guest = transaction.get(machine.ref, property::guest);
        if (has_address(guest)) machine.guest_before = guest;
    }
    if (is_moving) return;
    if (!is_running(object) || has_address(object.property(property::guest))) {
        machine.guest_before = {};
    }
}

Value with_guest(const Machine& machine, PropertyIndex index, Value value) {
    const Value& guest = machine.guest_before;
    if (!guest || !value) return value;
    if (index == property::guest) return guest;
    if (index != property::summary || !value.property("guest")) return value;
    Value told = value.property("guest");
    for (const auto name : {"ipAddress", "hostName"}) {
        if (const Value& known = guest.property(name)) set_property(told, name, known);
    }
    set_property(value, "guest", told);
    return value;
}

}  // namespace

void publish_machine(MirrorState& state, Transaction& transaction, Machine& machine,
                     const HostMirror::Dirty& dirty) {
    const Sighting* chosen = choose_sighting(machine);
    if (chosen == nullptr) return;
    HostMirror& host = *chosen->host;
    const PictureObject* object = host.picture.find(chosen->id);
    if (object == nullptr) return;
    HostMirror::Dirty wanted = dirty;
    if (machine.shown != &host || machine.shown_id != chosen->id) wanted = {true, {}};
    if (!machine.published) create(state, transaction, machine);
    carry_guest(transaction, machine, *object, host.host.ref);
    state.context.tree.move_machine(transaction, machine.ref, machine.folder, shown_pool(machine));
    list_on(transaction, machine, host.host.ref);
    machine.shown = &host;
    machine.shown_id = chosen->id;
    for (const PropertyIndex index : waiting(*object, wanted)) {
        if (is_centers_own(TypeId::VirtualMachine, index)) continue;
        Value value = value_of(state, host, *object, index);
        if (index == property::summary) {
            keep_custom_values(transaction, machine.ref, value);
            keep_status(transaction, machine.ref, value);
        }
        value = with_guest(machine, index, std::move(value));
        if (index == property::datastore) {
            set_list(transaction, machine.ref, index, std::move(value),
                     vim::property::Datastore::vm);
        } else if (index == property::network) {
            set_list(transaction, machine.ref, index, std::move(value), vim::property::Network::vm);
        } else {
            set_property(transaction, machine.ref, index, std::move(value));
        }
    }
}

void publish_unheard(MirrorState& state, Transaction& transaction, Machine& machine) {
    if (!machine.published) create(state, transaction, machine);
    const MoRef host = state.find(machine.host) != nullptr ? machine.host : MoRef{};
    auto runtime = vim::VirtualMachineRuntimeInfo::make();
    if (host) runtime.set_host(host);
    runtime.set_connectionState(VirtualMachineConnectionState::disconnected);
    runtime.set_powerState(vim::VirtualMachinePowerState::poweredOff);
    runtime.set_toolsInstallerMounted(false);
    runtime.set_numMksConnections(0);
    auto summary = vim::VirtualMachineSummary::make();
    summary.set_vm(machine.ref);
    summary.set_runtime(runtime);
    vim::VirtualMachineConfigSummary config(machine.summary);
    if (!config) {
        config = vim::VirtualMachineConfigSummary::make();
        config.set_name(machine.name);
        config.set_template(machine.is_template);
    }
    summary.set_config(config);
    summary.set_quickStats(vim::VirtualMachineQuickStats::make());
    summary.set_overallStatus(vim::ManagedEntityStatus::gray);
    transaction.set(machine.ref, property::runtime, runtime.raw());
    transaction.set(machine.ref, property::summary, summary.raw());
    transaction.set(machine.ref, property::capability,
                    vim::make_object(TypeId::VirtualMachineCapability));
    transaction.set(machine.ref, property::guestHeartbeatStatus,
                    vim::Convert<vim::ManagedEntityStatus>::to(vim::ManagedEntityStatus::gray));
    transaction.set(machine.ref, property::overallStatus,
                    vim::Convert<vim::ManagedEntityStatus>::to(vim::ManagedEntityStatus::gray));
    if (host) list_on(transaction, machine, host);
}

void publish_connection(MirrorState& state, Transaction& transaction, const Machine& machine) {
    const HostMirror* host = machine.shown;
    if (host == nullptr || !machine.published) return;
    const PictureObject* object = host->picture.find(machine.shown_id);
    if (object == nullptr) return;
    for (const PropertyIndex index : {property::runtime, property::summary}) {
        Value value = value_of(state, *host, *object, index);
        if (index == property::summary) {
            keep_custom_values(transaction, machine.ref, value);
            keep_status(transaction, machine.ref, value);
        }
        value = with_guest(machine, index, std::move(value));
        transaction.set(machine.ref, index, value);
    }
}

void withdraw_machine(MirrorState& state, Transaction& transaction, Machine& machine) {
    if (!machine.published) return;
    machine.published = false;
    set_list(transaction, machine.ref, property::datastore, {}, vim::property::Datastore::vm);
    set_list(transaction, machine.ref, property::network, {}, vim::property::Network::vm);
    list_on(transaction, machine, {});
    state.context.tree.detach_machine(transaction, machine.folder, shown_pool(machine),
                                      machine.ref);
    transaction.destroy(machine.ref);
}

}  // namespace drover::center
