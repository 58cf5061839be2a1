#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "vim/security_types.hpp"

namespace drover::cli {

/// The server's AuthorizationManager. Throws NotSupported where there is none.
vim::MoRef authorization_manager(client::Connection& connection);

/// All roles, in the server's order.
std::vector<vim::AuthorizationRole> all_roles(client::Connection& connection);

/// The role of this name or label ("Admin", "Administrator"). Throws LookupError.
vim::AuthorizationRole find_role(client::Connection& connection, const std::string& name);

void add_perm_role(CLI::App& parent, Context& context);  ///< role list, add, set, remove
void add_perm_user(CLI::App& parent, Context& context);  ///< user list, add, password, remove

}  // namespace drover::cli
