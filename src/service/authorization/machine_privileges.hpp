#pragma once

#include <vector>

#include "model/inventory.hpp"
#include "service/authorization/method_privileges.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// What changing a machine by a VirtualMachineConfigSpec takes. `machine` is null for one that is
/// to be made: then disks and devices are asked for on `on` (its folder), and
/// Datastore.AllocateSpace on the datastores named.
void add_machine_requirements(std::vector<task::Requirement>& list, const vim::MoRef& on,
                              const vim::Value& spec, const model::ManagedObject* machine,
                              const FindDatastore& find_datastore);

/// The datastore in "[name] path"; empty if there is none.
vim::MoRef datastore_of(std::string_view path, const FindDatastore& find_datastore);

}  // namespace drover::service
