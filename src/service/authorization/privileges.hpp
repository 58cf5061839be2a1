#pragma once

// All privileges that there are: those that the schema's methods, parameters and properties ask
// for, and those of vSphere that depend on what a call says ("VirtualMachine.Config.AddNewDisk").

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vim/types.hpp"

namespace drover::service {

inline constexpr std::size_t kMostPrivileges = 512;
using PrivilegeIndex = std::uint16_t;
using PrivilegeSet = std::bitset<kMostPrivileges>;

struct Privilege {
    std::string id;     ///< "VirtualMachine.Config.AddNewDisk"
    std::string group;  ///< "VirtualMachine.Config"
    std::string name;   ///< "AddNewDisk"
    std::string label;  ///< "Add new disk"
    bool on_parent;     ///< asked for on the entity that holds what is made or removed
};

/// Ordered by id; a privilege's index counts here. The same for the life of the process.
const std::vector<Privilege>& all_privileges();

std::optional<PrivilegeIndex> find_privilege(std::string_view id);
/// For names in our own code: an unknown one aborts.
PrivilegeIndex privilege_index(std::string_view id);

/// The ids of a set, in order.
std::vector<std::string_view> privilege_ids(const PrivilegeSet& set);
/// Every privilege.
const PrivilegeSet& every_privilege();

/// AuthorizationManager.privilegeList and .description.
vim::Value privilege_list();
vim::AuthorizationDescription privilege_description();

}  // namespace drover::service
