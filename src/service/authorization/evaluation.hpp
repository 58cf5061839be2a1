#pragma once

// What one user may do where, worked out of the rules as vSphere documents it:
//
// * Of the permissions on the way from an object up to the root folder the nearest ones count
// alone;
//   those of an object's ancestors only if they propagate.
// * On one object the user's own permission counts alone; else those of its groups together.
// * A machine inherits on two ways, by its folder and by its resource pool: both count together.
// * Where nothing applies, the ancestors of what the user may see can be seen (role View), so that
//   it can find its way there.

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/inventory.hpp"
#include "service/authorization/rules.hpp"

namespace drover::service {

/// What a user holds on one object.
struct Grant {
    PrivilegeSet privileges;
    std::vector<int> roles;  ///< ascending; ManagedEntity.effectiveRole

    bool has(PrivilegeIndex privilege) const { return privileges.test(privilege); }
};

/// What one user may do, remembered object by object. Stale as soon as the rules, the user's groups
/// or the shape of the inventory change: then a new one is made. Belongs to the strand.
class Access {
public:
    /// `groups` are those the user belongs to. Rules and inventory must outlive it.
    Access(const Rules& rules, const model::Inventory& inventory, std::string user,
           std::set<std::string> groups, const vim::MoRef& root);

    /// On a managed entity.
    const Grant& on(const model::ManagedObject& entity) const;

    /// True if it holds every privilege on every object: then there is nothing to look up.
    bool administers_all() const { return administers_all_; }
    /// True if some permission grants it more than nothing.
    bool may_see_anything() const { return sees_anything_; }

private:
    using GrantPtr = std::shared_ptr<const Grant>;
    struct Node {
        GrantPtr here;   // null: no permission applies
        GrantPtr below;  // what its children inherit
    };

    Node node_of(const model::ManagedObject& entity, int depth) const;
    GrantPtr inherited_by(const model::ManagedObject& entity, int depth) const;
    GrantPtr from_rules(const std::string& entity, bool for_children) const;
    GrantPtr grant_of(const std::set<int>& roles) const;
    GrantPtr join(const GrantPtr& left, const GrantPtr& right) const;
    bool concerns(const Principal& principal) const;
    void find_ancestors();

    const Rules& rules_;
    const model::Inventory& inventory_;
    std::string user_;
    std::set<std::string> groups_;
    bool administers_all_ = false;
    bool sees_anything_ = false;
    std::unordered_set<std::string> ancestors_;  // of entities on which something is granted
    mutable std::unordered_map<std::uint64_t, Node> nodes_;  // by generation
    mutable std::map<std::set<int>, GrantPtr> grants_;
};

/// The entity above another one; empty at the root.
vim::MoRef parent_of(const model::ManagedObject& entity);

}  // namespace drover::service
