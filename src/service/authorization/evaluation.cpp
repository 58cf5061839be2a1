#include "service/authorization/evaluation.hpp"

#include "vim/properties.hpp"

namespace drover::service {

using model::ManagedObject;
using vim::MoRef;
using vim::TypeId;

namespace {

// Deeper than any inventory; ends what would be a cycle.
constexpr int kDeepest = 200;

MoRef reference_at(const ManagedObject& object, model::PropertyIndex property) {
    const auto& value = object.property(property);
    return value.kind() == vim::ValueKind::moref ? value.as_moref() : MoRef{};
}

const Grant& nothing() {
    static const Grant grant;
    return grant;
}

}  // namespace

MoRef parent_of(const ManagedObject& entity) {
    return reference_at(entity, vim::property::ManagedEntity::parent);
}

Access::Access(const Rules& rules, const model::Inventory& inventory, std::string user,
               std::set<std::string> groups, const MoRef& root)
    : rules_(rules), inventory_(inventory), user_(std::move(user)), groups_(std::move(groups)) {
    std::size_t concerning = 0;
    for (const auto& [entity, on_entity] : rules_.permissions) {
        for (const auto& [principal, permission] : on_entity) {
            if (!concerns(principal)) continue;
            ++concerning;
            const Role* role = rules_.find_role(permission.role);
            sees_anything_ |= role != nullptr && role->privileges.any();
            administers_all_ |=
                entity == root.id && permission.propagate && permission.role == role::kAdmin;
        }
    }
    // With a second permission there may be an object on which it counts instead.
    administers_all_ = administers_all_ && concerning == 1;
    if (!administers_all_) find_ancestors();
}

bool Access::concerns(const Principal& principal) const {
    return principal.is_group ? groups_.contains(principal.name) : principal.name == user_;
}

void Access::find_ancestors() {
    for (const auto& [id, on_entity] : rules_.permissions) {
        const GrantPtr granted = from_rules(id, false);
        if (!granted || granted->privileges.none()) continue;
        std::vector<const ManagedObject*> queue{inventory_.find(std::string_view(id))};
        for (std::size_t i = 0; i < queue.size() && i < kDeepest; ++i) {
            const ManagedObject* entity = queue[i];
            if (entity == nullptr) continue;
            queue.push_back(inventory_.find(parent_of(*entity)));
            if (entity->type() == TypeId::VirtualMachine) {
                queue.push_back(inventory_.find(
                    reference_at(*entity, vim::property::VirtualMachine::resourcePool)));
            }
            if (i > 0) ancestors_.insert(entity->id());
        }
    }
}

Access::GrantPtr Access::grant_of(const std::set<int>& roles) const {
    GrantPtr& known = grants_[roles];
    if (known) return known;
    auto made = std::make_shared<Grant>();
    for (const int id : roles) {
        if (const Role* role = rules_.find_role(id)) made->privileges |= role->privileges;
        made->roles.push_back(id);
    }
    known = std::move(made);
    return known;
}

Access::GrantPtr Access::join(const GrantPtr& left, const GrantPtr& right) const {
    if (!right || left == right) return left;
    if (!left) return right;
    std::set<int> roles(left->roles.begin(), left->roles.end());
    roles.insert(right->roles.begin(), right->roles.end());
    return grant_of(roles);
}

// What the permissions on one entity say; null if none of them concerns the user.
Access::GrantPtr Access::from_rules(const std::string& entity, bool for_children) const {
    const auto found = rules_.permissions.find(entity);
    if (found == rules_.permissions.end()) return nullptr;
    std::set<int> roles;
    for (const auto& [principal, permission] : found->second) {
        if (!concerns(principal) || (for_children && !permission.propagate)) continue;
        if (!principal.is_group) return grant_of({permission.role});
        roles.insert(permission.role);
    }
    return roles.empty() ? nullptr : grant_of(roles);
}

Access::GrantPtr Access::inherited_by(const ManagedObject& entity, int depth) const {
    const auto below = [&](const MoRef& above) -> GrantPtr {
        const ManagedObject* found = above ? inventory_.find(above) : nullptr;
        return found ? node_of(*found, depth + 1).below : nullptr;
    };
    const GrantPtr by_folder = below(parent_of(entity));
    if (entity.type() != TypeId::VirtualMachine) return by_folder;
    namespace property = vim::property::VirtualMachine;
    return join(join(by_folder, below(reference_at(entity, property::resourcePool))),
                below(reference_at(entity, property::parentVApp)));
}

Access::Node Access::node_of(const ManagedObject& entity, int depth) const {
    const auto known = nodes_.find(entity.generation());
    if (known != nodes_.end()) return known->second;
    if (depth > kDeepest) return {};
    Node node;
    node.here = from_rules(entity.id(), false);
    node.below = from_rules(entity.id(), true);
    if (!node.here || !node.below) {
        const GrantPtr inherited = inherited_by(entity, depth);
        if (!node.here) node.here = inherited;
        if (!node.below) node.below = inherited;
    }
    nodes_.emplace(entity.generation(), node);
    return node;
}

const Grant& Access::on(const ManagedObject& entity) const {
    const auto known = nodes_.find(entity.generation());
    // Whatever node it is, it stays.
    const Grant* here =
        known != nodes_.end() ? known->second.here.get() : node_of(entity, 0).here.get();
    if (here != nullptr) return *here;
    if (ancestors_.contains(entity.id())) return *grant_of({role::kView});
    return nothing();
}

}  // namespace drover::service
