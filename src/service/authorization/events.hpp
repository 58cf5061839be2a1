#pragma once

#include <string>

#include "model/inventory.hpp"
#include "service/authorization/authorization.hpp"
#include "service/history/event_log.hpp"

namespace drover::service {

/// Posts what a change did to roles, permissions, users and groups: RoleAddedEvent,
/// PermissionUpdatedEvent, AccountRemovedEvent and the like. `host` is the host of the accounts.
/// Null events are none.
void post_change_events(EventLog* events, const model::Inventory& inventory,
                        const AuthorizationChange& change, const std::string& user);

}  // namespace drover::service
