#pragma once

// Roles and permissions: who may do what where, as values. What a permission means is in
// evaluation.hpp, how changes are stored and told in authorization.hpp.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/authorization/privileges.hpp"
#include "store/store.hpp"

namespace drover::service {

namespace role {
inline constexpr int kAdmin = -1;
inline constexpr int kReadOnly = -2;
inline constexpr int kView = -3;
inline constexpr int kAnonymous = -4;
inline constexpr int kNoAccess = -5;
inline constexpr int kNoCryptoAdmin = -6;
/// The first of those that people make; ids are never used again.
inline constexpr int kFirstOwn = 10;
}  // namespace role

struct Role {
    int id = 0;
    std::string name;
    std::string label;
    std::string summary;
    PrivilegeSet privileges;

    /// One of vSphere's own: it is there always and can't be changed.
    bool is_system() const { return id < 0; }
    friend bool operator==(const Role&, const Role&) = default;
};

/// A user or a group.
struct Principal {
    std::string name;
    bool is_group = false;

    friend auto operator<=>(const Principal&, const Principal&) = default;
};

struct Permission {
    std::string entity;  ///< the id of a ManagedEntity
    Principal principal;
    int role = 0;
    bool propagate = true;  ///< to all that is below the entity

    friend bool operator==(const Permission&, const Permission&) = default;
};

/// All roles and permissions. A value: changes are made on a copy, which then replaces the old one.
struct Rules {
    using OnEntity = std::map<Principal, Permission>;

    std::map<int, Role> roles;
    std::map<std::string, OnEntity, std::less<>> permissions;  ///< by entity
    int next_role = role::kFirstOwn;

    const Role* find_role(int id) const;
    const Role* find_role(std::string_view name) const;
    /// Permissions with this role; on one entity, or on all.
    std::vector<Permission> with_role(int id) const;
    void put(Permission permission);
    /// False if there was none.
    bool remove(std::string_view entity, const Principal& principal);
    void remove_entity(std::string_view entity);
    void remove_principal(const Principal& principal);
};

/// vSphere's own roles and nothing else.
Rules system_rules();
/// What is stored, and the system's roles. What can't be read is left out and logged.
Rules load_rules(const store::Store& store);
/// The writes that lead from one state to another.
store::Batch difference(const Rules& from, const Rules& to);

}  // namespace drover::service
