// From what hosts have to what the center calls it.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "center/mirror/mirror_state.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

std::string text_of(const Value& value) {
    return value.kind() == ValueKind::string ? std::string(value.as_string()) : std::string();
}

// A datastore is its URL, which its own uuid makes; a network its name.
std::string key_of(const PictureObject& object) {
    if (object.ref.type == TypeId::Datastore) {
        const vim::DatastoreSummary summary(object.property(vim::property::Datastore::summary));
        return summary ? std::string(summary.url()) : std::string();
    }
    return text_of(object.property(vim::property::ManagedEntity::name));
}

bool runs(const PictureObject& object) {
    const vim::VirtualMachineRuntimeInfo runtime(
        object.property(vim::property::VirtualMachine::runtime));
    return runtime && runtime.powerState() == vim::VirtualMachinePowerState::poweredOn;
}

// Where a new machine goes: where somebody said, or else into the datacenter's folder and the
// compute resource's root pool.
void place(MirrorState& state, const HostMirror& host, const Identity& identity, Machine& machine) {
    Tree& tree = state.context.tree;
    machine.folder = tree.vm_folder_of(tree.datacenter_of(host.host.compute_resource));
    machine.pool = tree.root_pool_of(host.host.compute_resource);
    for (const auto& each : state.expected) {
        if (each.expected.host != host.host.ref) continue;
        const bool is_it =
            (!each.expected.uuid.empty() && each.expected.uuid == identity.uuid) ||
            (!each.expected.path.empty() && host.path_key(each.expected.path) == identity.path);
        if (!is_it) continue;
        if (each.expected.folder) machine.folder = each.expected.folder;
        if (each.expected.pool) machine.pool = each.expected.pool;
        return;
    }
}

Machine& new_machine(MirrorState& state, const HostMirror& host, const Identity& identity) {
    Machine& machine =
        state.registry.add_machine(state.context.numbers.next(TypeId::VirtualMachine));
    place(state, host, identity, machine);
    return machine;
}

// Templates belong to no pool; machines that no longer are ones go to the root pool.
void take_over(MirrorState& state, const HostMirror& host, const Sighting& sighting,
               const Identity& identity, Machine& machine) {
    const bool moved = machine.host != host.host.ref;
    if (!moved && machine.host_id == sighting.id && machine.path == identity.path &&
        machine.uuid == identity.uuid) {
        return;
    }
    if (moved) {
        state.names_changed = true;  // perhaps in another folder
        Tree& tree = state.context.tree;
        if (!machine.pool || tree.owner_of_pool(machine.pool) != host.host.compute_resource) {
            machine.pool = tree.root_pool_of(host.host.compute_resource);
        }
        const MoRef datacenter = tree.datacenter_of(host.host.compute_resource);
        if (!machine.folder || tree.datacenter_of(machine.folder) != datacenter) {
            machine.folder = tree.vm_folder_of(datacenter);
        }
    }
    machine.host = host.host.ref;
    machine.host_id = sighting.id;
    machine.path = identity.path;
    machine.uuid = identity.uuid;
    state.registry.changed(machine);
}

// What is stored of a machine besides its identity.
void note_basics(MirrorState& state, const HostMirror& host, const PictureObject& object,
                 Machine& machine) {
    namespace property = vim::property::VirtualMachine;
    const std::string name = text_of(object.property(property::name));
    const vim::VirtualMachineSummary summary(object.property(property::summary));
    const vim::VirtualMachineConfigSummary config =
        summary ? summary.config() : vim::VirtualMachineConfigSummary();
    const bool is_template = config && config.template_();
    const Value shown = state.to_center(host, config.raw());
    if (machine.name == name && machine.is_template == is_template && machine.summary == shown) {
        return;
    }
    if (machine.name != name) state.names_changed = true;
    if (!name.empty()) machine.name = name;
    machine.is_template = is_template;
    machine.summary = shown;
    state.registry.changed(machine);
}

void warn_of_second(const Machine& machine, const HostMirror& host) {
    if (machine.move || machine.sightings.empty()) return;
    base::log_warning(
        "machine {} ('{}') is registered on {} and on {}; only the one that runs is shown, else "
        "the older",
        machine.ref.id, machine.name, machine.sightings.front().host->host.name, host.host.name);
}

}  // namespace

Shared* identify_shared(MirrorState& state, HostMirror& host, const PictureObject& object) {
    const MoRef datacenter = state.datacenter_of(host);
    const std::string key = key_of(object);
    if (!datacenter || key.empty()) return nullptr;
    Shared* shared = state.registry.match_shared(object.ref.type, datacenter, key);
    const auto bound = host.shared_of.find(object.ref.id);
    if (bound != host.shared_of.end() && bound->second != shared) {
        lose_shared(state, host, object.ref.id);  // a network's name has changed
    }
    if (shared == nullptr) {
        shared = &state.registry.add_shared(state.context.numbers.next(object.ref.type), datacenter,
                                            key);
        state.registry.changed(*shared);
    }
    const std::string name = text_of(object.property(vim::property::ManagedEntity::name));
    auto& known = shared->hosts[host.host.ref.id];
    if (known != object.ref.id || (!name.empty() && shared->name != name)) {
        known = object.ref.id;
        if (!name.empty() && shared->name != name) {
            shared->name = name;
            shared->is_renaming = false;
        }
        state.registry.changed(*shared);
    }
    shared->seen_on.insert(host.host.ref.id);
    host.shared_of[object.ref.id] = shared;
    return shared;
}

Shared* lose_shared(MirrorState& state, HostMirror& host, const std::string& host_id) {
    const auto bound = host.shared_of.find(host_id);
    if (bound == host.shared_of.end()) return nullptr;
    Shared* shared = bound->second;
    host.shared_of.erase(bound);
    const auto known = shared->hosts.find(host.host.ref.id);
    if (known != shared->hosts.end() && known->second == host_id) {
        shared->hosts.erase(known);
        shared->seen_on.erase(host.host.ref.id);
        state.registry.changed(*shared);
    }
    return shared;
}

Machine* identify_machine(MirrorState& state, HostMirror& host, const PictureObject& object) {
    const Identity identity = host.identity_of(object);
    const auto bound = host.machine_of.find(object.ref.id);
    Machine* machine = bound != host.machine_of.end() ? bound->second : nullptr;
    if (machine == nullptr) {
        if (!state.datacenter_of(host)) return nullptr;
        machine = state.registry.match(identity);
        if (machine == nullptr) machine = &new_machine(state, host, identity);
        warn_of_second(*machine, host);
        machine->sightings.push_back({&host, object.ref.id, identity.path, false});
        machine->missing_until.reset();
        host.machine_of[object.ref.id] = machine;
    }
    const auto mine = std::ranges::find_if(machine->sightings, [&](const Sighting& each) {
        return each.host == &host && each.id == object.ref.id;
    });
    mine->path = identity.path;
    mine->runs = runs(object);
    const Sighting* chosen = choose_sighting(*machine);
    if (chosen == &*mine) {
        take_over(state, host, *mine, identity, *machine);
        note_basics(state, host, object, *machine);
    }
    return machine;
}

Machine* lose_machine(MirrorState& state, HostMirror& host, const std::string& host_id,
                      std::chrono::milliseconds grace) {
    const auto bound = host.machine_of.find(host_id);
    if (bound == host.machine_of.end()) return nullptr;
    Machine* machine = bound->second;
    host.machine_of.erase(bound);
    host.remember_former(host_id, machine->ref);
    std::erase_if(machine->sightings,
                  [&](const Sighting& each) { return each.host == &host && each.id == host_id; });
    if (machine->shown == &host) machine->shown = nullptr;
    if (machine->sightings.empty()) {
        machine->missing_until = state.now() + grace;
        if (machine->move) {
            machine->missing_until = std::max(*machine->missing_until, machine->move->until);
        }
        return machine;
    }
    const Sighting chosen = *choose_sighting(*machine);
    if (const PictureObject* object = chosen.host->picture.find(chosen.id)) {
        take_over(state, *chosen.host, chosen, chosen.host->identity_of(*object), *machine);
        note_basics(state, *chosen.host, *object, *machine);
    }
    return machine;
}

}  // namespace drover::center
