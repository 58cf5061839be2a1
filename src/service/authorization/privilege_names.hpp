#pragma once

#include <span>
#include <string_view>

namespace drover::service {

/// The labels of a group of privileges: "Name=Label" for each; a leading '^' stands for on_parent.
struct PrivilegeGroupNames {
    std::string_view group;
    std::string_view label;
    std::string_view names;  ///< separated by ';'
};

std::span<const PrivilegeGroupNames> privilege_names();

}  // namespace drover::service
