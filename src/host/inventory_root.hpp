#pragma once

#include "host/context.hpp"

namespace drover::host {

/// Makes the inventory's fixed part: root folder, datacenter, its four folders, the compute
/// resource and the root resource pool. The host itself, datastores, networks and machines come
/// from their owners.
void create_inventory_root(const HostContext& context);

/// What every managed entity has: name, parent and neutral values for the rest.
void set_entity_basics(model::Transaction& transaction, const vim::MoRef& entity,
                       std::string_view name, const vim::MoRef& parent);

}  // namespace drover::host
