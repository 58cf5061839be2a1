#pragma once

#include <vector>

#include "model/inventory.hpp"
#include "service/authorization/authorization.hpp"
#include "vim/types.hpp"

namespace drover::service {

/// Makes ManagedEntity.effectiveRole and .permission of an entity follow the rules.
void compute_entity_properties(model::Transaction& transaction, const vim::MoRef& entity,
                               const Authorization& authorization);

/// A permission as the interface has it; `entity` with its type.
vim::Permission describe(const Permission& permission, const vim::MoRef& entity);

/// The permissions on an entity itself.
std::vector<vim::Permission> permissions_on(const Authorization& authorization,
                                            const vim::MoRef& entity);

}  // namespace drover::service
