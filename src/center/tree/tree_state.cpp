#include "center/tree/tree_state.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "center/tree/names.hpp"
#include "model/containment.hpp"
#include "vim/inventory_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::Transaction;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;

namespace {

// Deeper than anybody builds; ends what would be a cycle.
constexpr std::size_t kDeepest = 200;

bool fits(FolderKind kind, TypeId child) {
    if (child == TypeId::Folder) return true;
    switch (kind) {
        case FolderKind::datacenter:
            return child == TypeId::Datacenter;
        case FolderKind::machine:
            return vim::is_a(child, TypeId::VirtualMachine);
        case FolderKind::host:
            return vim::is_a(child, TypeId::ComputeResource);
        case FolderKind::datastore:
            return vim::is_a(child, TypeId::Datastore);
        case FolderKind::network:
            return vim::is_a(child, TypeId::Network);
        case FolderKind::none:
            break;
    }
    return false;
}

}  // namespace

const Node* TreeState::find(const MoRef& ref) const {
    const auto at = nodes.find(ref.id);
    return at == nodes.end() ? nullptr : &at->second;
}

const Node& TreeState::get(const MoRef& ref) const {
    const Node* found = find(ref);
    if (found == nullptr) throw vim::object_not_found(ref);
    return *found;
}

std::vector<const Node*> TreeState::path_of(const Node& node) const {
    std::vector<const Node*> path;
    for (const Node* at = &node; at != nullptr && path.size() < kDeepest; at = find(at->parent)) {
        path.push_back(at);
    }
    return path;
}

const Node* TreeState::above(const MoRef& ref, TypeId type) const {
    // A mirrored child begins where its object hangs.
    MoRef at = ref;
    for (int steps = 0; find(at) == nullptr; ++steps) {
        const auto* object = context.inventory.find(at);
        if (object == nullptr || steps > 10) return nullptr;
        if (!vim::is_a(object->type(), TypeId::ManagedEntity)) return nullptr;
        const Value& parent = object->property(property::ManagedEntity::parent);
        if (!parent) return nullptr;
        at = parent.as_moref();
    }
    for (const Node* node : path_of(get(at))) {
        if (vim::is_a(node->ref.type, type)) return node;
    }
    return nullptr;
}

MoRef TreeState::folder_of(const MoRef& datacenter, FolderKind kind) const {
    const Node* found = find(datacenter);
    if (found == nullptr) return {};
    for (const std::string& id : found->children) {
        const Node& child = nodes.at(id);
        if (child.is_fixed && child.kind == kind) return child.ref;
    }
    return {};
}

MoRef TreeState::root_pool_of(const MoRef& compute_resource) const {
    const Node* found = find(compute_resource);
    if (found == nullptr) return {};
    for (const std::string& id : found->children) {
        const Node& child = nodes.at(id);
        if (child.pool) return child.ref;
    }
    return {};
}

std::vector<MoRef> TreeState::subtree(const MoRef& ref) const {
    std::vector<MoRef> found{get(ref).ref};
    for (std::size_t i = 0; i < found.size(); ++i) {
        for (const std::string& child : nodes.at(found[i].id).children) {
            found.push_back(nodes.at(child).ref);
        }
    }
    return found;
}

std::vector<MoRef> TreeState::mirrored_in(const std::vector<MoRef>& below) const {
    std::vector<MoRef> found;
    for (const MoRef& ref : below) {
        const auto* object = context.inventory.find(ref);
        if (object == nullptr) continue;
        for (const MoRef& child : model::children_of(*object)) {
            const bool counts =
                vim::is_a(child.type, TypeId::HostSystem) ||
                (vim::is_a(child.type, TypeId::VirtualMachine) && ref.type == TypeId::Folder);
            if (counts && context.inventory.find(child) != nullptr) found.push_back(child);
        }
    }
    return found;
}

void TreeState::require_free_name(const MoRef& parent, std::string_view name,
                                  const MoRef& except) const {
    const auto list =
        child_list(parent, parent.type == TypeId::Folder ? TypeId::Folder : TypeId::ResourcePool);
    const auto* object = context.inventory.find(parent);
    if (!list || object == nullptr) return;
    const Value& children = object->property(*list);
    if (!children) return;
    for (const Value& child : children.elements()) {
        const auto* sibling = context.inventory.find(child.as_moref());
        if (sibling == nullptr || sibling->ref() == except) continue;
        const Value& other = sibling->property(property::ManagedEntity::name);
        if (other && other.as_string() == name) throw duplicate_name(name, sibling->ref());
    }
}

void TreeState::require_takes(const MoRef& folder, TypeId child) const {
    const Node& node = get(folder);
    if (fits(node.kind, child)) return;
    throw vim::make_fault<vim::NotSupported>(
        fmt::format("The folder '{}' can't hold a {}.", node.name, vim::describe(child).name()));
}

void TreeState::require_changeable(const Node& node, std::string_view what) {
    if (!node.is_fixed) return;
    throw vim::make_fault<vim::NotSupported>(
        fmt::format("'{}' is a part of what is above it: it can't be {} alone.", node.name, what));
}

void TreeState::require_privilege(const task::Call& call, const MoRef& object,
                                  std::string_view privilege) const {
    if (!context.authorization.may(*call.caller, object, privilege)) {
        throw vim::no_permission(object, privilege);
    }
}

task::Awaitable<void> TreeState::store(std::vector<Node> changed, std::vector<MoRef> gone) {
    store::Batch batch;
    for (const Node& node : changed) batch.put(record_of(node));
    for (const MoRef& ref : gone) batch.remove(std::string(kTreeKind), ref.id);
    co_await commit(context, std::move(batch));
}

void TreeState::show(std::vector<Node> changed) {
    Transaction transaction(context.inventory);
    for (Node& node : changed) {
        const auto known = nodes.find(node.ref.id);
        const MoRef before = known == nodes.end() ? MoRef{} : known->second.parent;
        if (known == nodes.end()) {
            create_object(transaction, node);
        } else {
            node.children = known->second.children;
        }
        if (node.pool) {
            node.pool->ref = node.ref;
            node.pool->name = node.name;
            node.pool->parent = node.is_fixed ? MoRef{} : node.parent;
        }
        if (before != node.parent) {
            if (before) {
                nodes.at(before.id).children.erase(node.ref.id);
                if (const auto list = child_list(before, node.ref.type)) {
                    transaction.remove_reference(before, *list, node.ref);
                }
            }
            if (node.parent) {
                nodes.at(node.parent.id).children.insert(node.ref.id);
                if (const auto list = child_list(node.parent, node.ref.type)) {
                    transaction.add_reference(node.parent, *list, node.ref);
                }
            }
        }
        const MoRef ref = node.ref;
        const MoRef parent = node.parent;
        update_object(transaction, node);
        nodes[ref.id] = std::move(node);
        if (ref.type == TypeId::Folder && parent.type == TypeId::Datacenter) {
            const FolderKind kind = nodes.at(ref.id).kind;
            namespace datacenter = property::Datacenter;
            const auto slot = kind == FolderKind::machine     ? datacenter::vmFolder
                              : kind == FolderKind::host      ? datacenter::hostFolder
                              : kind == FolderKind::datastore ? datacenter::datastoreFolder
                                                              : datacenter::networkFolder;
            transaction.set(parent, slot, Value::moref(ref));
        }
        if (ref.type == TypeId::ResourcePool) {
            const Node* owner = above(ref, TypeId::ComputeResource);
            if (owner != nullptr) {
                transaction.set(ref, property::ResourcePool::owner, Value::moref(owner->ref));
                if (parent == owner->ref) {
                    transaction.set(parent, property::ComputeResource::resourcePool,
                                    Value::moref(ref));
                }
            }
            if (before && before != parent) update_child_configuration(transaction, *this, before);
            if (parent.type == TypeId::ResourcePool) {
                update_child_configuration(transaction, *this, parent);
            }
        }
    }
    transaction.commit();
}

void TreeState::hide(const std::vector<MoRef>& gone) {
    Transaction transaction(context.inventory);
    for (const MoRef& ref : gone) {
        const auto at = nodes.find(ref.id);
        if (at == nodes.end()) continue;
        const MoRef parent = at->second.parent;
        nodes.erase(at);
        transaction.destroy(ref);
        if (!parent || !nodes.contains(parent.id)) continue;
        nodes.at(parent.id).children.erase(ref.id);
        if (const auto list = child_list(parent, ref.type)) {
            transaction.remove_reference(parent, *list, ref);
        }
        if (parent.type == TypeId::ResourcePool) {
            update_child_configuration(transaction, *this, parent);
        }
    }
    transaction.commit();
}

Node TreeState::new_folder(std::string name, const MoRef& parent, FolderKind kind, bool is_fixed) {
    Node node;
    const char letter = static_cast<char>(kind);
    node.ref = {TypeId::Folder, context.numbers.next_id(fmt::format("group-{}", letter))};
    node.name = std::move(name);
    node.parent = parent;
    node.kind = kind;
    node.is_fixed = is_fixed;
    return node;
}

Node TreeState::new_root_pool(const MoRef& compute_resource) {
    Node node;
    node.ref = context.numbers.next(TypeId::ResourcePool);
    node.name = "Resources";
    node.parent = compute_resource;
    node.is_fixed = true;
    node.pool.emplace();
    const auto allocation = [](std::int32_t shares) {
        auto made = vim::ResourceAllocationInfo::make();
        made.set_reservation(0);
        made.set_expandableReservation(true);
        made.set_limit(0);
        auto info = vim::SharesInfo::make();
        info.set_level(vim::SharesLevel::normal);
        info.set_shares(shares);
        made.set_shares(info);
        return made;
    };
    node.pool->ref = node.ref;
    node.pool->cpu = allocation(4'000);
    node.pool->memory = allocation(163'840);
    node.pool->modified = context.runtime.clock().wall_now();
    return node;
}

std::string TreeState::name_of(const MoRef& entity) const {
    const auto* object = context.inventory.find(entity);
    if (object == nullptr || !vim::is_a(object->type(), TypeId::ManagedEntity)) return {};
    const Value& name = object->property(property::ManagedEntity::name);
    return name ? std::string(name.as_string()) : std::string();
}

}  // namespace drover::center
