#include "host/machines/rename_datastore.hpp"

#include <deque>

#include "host/availability/availability.hpp"
#include "host/storage_system/datastore_system.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using storage::DatastorePath;
using task::Awaitable;
using vim::Value;

namespace {

// Those that have any file there, wherever their .vmx file is.
std::vector<MachinePtr> machines_of(const HostContext& context, const Machines& machines,
                                    const vim::MoRef& datastore) {
    std::vector<MachinePtr> found;
    const Value& refs = context.inventory.get(datastore).property(vim::property::Datastore::vm);
    for (const Value& ref : refs ? refs.elements() : std::span<const Value>{}) {
        if (MachinePtr machine = machines.find(ref.as_moref())) found.push_back(std::move(machine));
    }
    return found;
}

}  // namespace

Awaitable<void> rename_datastore(const HostContext& context, Machines& machines,
                                 vim::MoRef datastore, std::string name, vim::MoRef task) {
    DatastoreEntry* entry = context.datastores.find(datastore);
    if (entry == nullptr) throw vim::object_not_found(datastore);
    if (name == entry->name) co_return;
    check_datastore_name(context, name);
    const std::string former = entry->name;

    const auto affected = machines_of(context, machines, datastore);
    for (const MachinePtr& machine : affected) {
        require_not_guarded(*machine, "another name for its datastore");
    }
    std::deque<Exclusive> held;
    for (const MachinePtr& machine : affected) held.emplace_back(machine, task);

    store::Batch batch;
    std::vector<std::pair<MachinePtr, DatastorePath>> moved;
    for (const MachinePtr& machine : affected) {
        if (machine->path.datastore() != former) continue;
        moved.emplace_back(machine, *DatastorePath::make(name, machine->path.relative()));
        batch.put(Machines::record_of(machine->id, moved.back().second, machine->is_template,
                                      machine->pool));
    }
    co_await context.datastores.rename(*entry, name, std::move(batch));
    for (auto& [machine, path] : moved) machine->path = std::move(path);
    for (const MachinePtr& machine : affected) co_await machines.load(machine);
    machines.publish_all(affected);
}

}  // namespace drover::host
