#pragma once

// The arguments that events name things by.

#include "model/inventory.hpp"
#include "vim/history_types.hpp"

namespace drover::host {

/// The name of an entity; empty if there is none of this reference (any more).
std::string entity_name(const model::Inventory& inventory, const vim::MoRef& entity);

/// A machine's, from the object itself, which may be one that was just destroyed.
vim::VmEventArgument vm_argument(const model::ManagedObject& machine);
bool is_template(const model::ManagedObject& machine);

vim::DatastoreEventArgument datastore_argument(const model::ManagedObject& datastore);
vim::ResourcePoolEventArgument pool_argument(const model::Inventory& inventory,
                                             const vim::MoRef& pool);

/// An event about a machine.
template <class Event>
Event vm_event(const model::ManagedObject& machine) {
    auto event = Event::make();
    event.set_vm(vm_argument(machine));
    event.set_template(is_template(machine));
    return event;
}

/// What a reconfiguration did, as the words of VmReconfiguredEvent.configChanges.
vim::ChangesInfoEventArgument changes_between(const vim::Value& before, const vim::Value& after);

}  // namespace drover::host
