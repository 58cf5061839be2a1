#pragma once

// Privileges that the schema can't name, because they depend on what a call says or on the type of
// the object: what reconfiguring a machine takes, destroying, renaming, moving, files.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/inventory.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// Finds a datastore by its name; empty if there is none.
using FindDatastore = std::function<vim::MoRef(std::string_view name)>;

/// What a call takes beyond what the schema says. Objects that don't exist are left out: the
/// method itself complains. Reads the request only as far as it must, whatever is in it.
std::vector<task::Requirement> requirements_of(const task::Call& call,
                                               const model::Inventory& inventory,
                                               const FindDatastore& find_datastore);

/// The privilege that removing an entity takes, on itself and on what holds it.
std::string_view removal_privilege(vim::TypeId type);

}  // namespace drover::service
