// MoveIntoFolder_Task.

#include <fmt/format.h>

#include <set>

#include "center/tree/names.hpp"
#include "center/tree/tree_state.hpp"
#include "vim/inventory_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

vim::Fault invalid_folder(const MoRef& target, std::string message) {
    auto fault = vim::InvalidFolder::make();
    fault.set_target(target);
    return vim::Fault(fault, std::move(message));
}

MoRef datacenter_of(const TreeState& state, const MoRef& entity) {
    const Node* found = state.above(entity, TypeId::Datacenter);
    return found == nullptr ? MoRef{} : found->ref;
}

// A folder goes where its own kind is; datacenters and their folders between datacenter folders;
// what belongs to a datacenter does not leave it.
void check(const TreeState& state, const Node& target, const MoRef& moved, std::size_t index) {
    const Node* node = state.find(moved);
    if (node != nullptr) {
        TreeState::require_changeable(*node, "moved");
        if (moved.type == TypeId::ResourcePool) {
            throw vim::invalid_argument(fmt::format("list[{}]", index),
                                        "A resource pool does not stand in folders.");
        }
        for (const Node* above : state.path_of(target)) {
            if (above->ref == moved) {
                throw invalid_folder(target.ref,
                                     fmt::format("'{}' can't be moved into itself.", node->name));
            }
        }
    }
    const bool is_own_kind =
        node != nullptr && moved.type == TypeId::Folder ? node->kind == target.kind : true;
    const bool is_host = vim::is_a(moved.type, TypeId::HostSystem);
    if (!is_own_kind) {
        throw vim::make_fault<vim::NotSupported>(
            fmt::format("The folder '{}' holds other things than '{}'.", target.name, node->name));
    }
    // A host comes out of its cluster and stands alone.
    state.require_takes(target.ref, is_host ? TypeId::ComputeResource : moved.type);
    if (moved.type != TypeId::Datacenter &&
        datacenter_of(state, moved) != datacenter_of(state, target.ref)) {
        throw vim::make_fault<vim::NotSupported>(
            fmt::format("'{}' can't leave its datacenter.", state.name_of(moved)));
    }
    state.require_free_name(target.ref, state.name_of(moved), moved);
}

Awaitable<void> move_nodes(TreeState& state, MoRef target, std::vector<MoRef> list) {
    const auto turn = co_await state.turns.take();
    std::vector<Node> moved;
    for (std::size_t i = 0; i < list.size(); ++i) {
        check(state, state.get(target), list[i], i);
        Node node = state.get(list[i]);
        if (node.parent == target) continue;
        node.parent = target;
        moved.push_back(std::move(node));
    }
    co_await state.store(moved);
    state.show(std::move(moved));
}

Awaitable<Value> move_into(TreeState& state, Call call, task::TaskContextPtr task) {
    const auto list = call.arguments<vim::MoveIntoFolder_TaskRequest>().list().to_vector();
    std::set<std::string> names;
    std::vector<MoRef> nodes;
    std::vector<MoRef> mirrored;
    for (std::size_t i = 0; i < list.size(); ++i) {
        check(state, state.get(call.self), list[i], i);
        if (!names.insert(state.name_of(list[i])).second) {
            throw duplicate_name(state.name_of(list[i]), list[i]);
        }
        (state.find(list[i]) != nullptr ? nodes : mirrored).push_back(list[i]);
    }
    for (const MoRef& each : mirrored) {
        if (!state.movers.contains(each.type)) {
            throw vim::make_fault<vim::NotSupported>(
                fmt::format("A {} can't be moved.", vim::describe(each.type).name()));
        }
    }
    if (!nodes.empty()) co_await move_nodes(state, call.self, nodes);
    std::size_t done = nodes.size();
    for (const MoRef& each : mirrored) {
        if (state.context.inventory.get(each)
                .property(vim::property::ManagedEntity::parent)
                .as_moref() != call.self) {
            const Tree::Move mover = state.movers.at(each.type);
            co_await mover(each, call.self, call.caller->user);
        }
        task->set_progress(static_cast<int>(++done * 100 / list.size()));
    }
    co_return Value{};
}

}  // namespace

void serve_move(TreeState& state) {
    state.context.tasks.add_method(state.context.dispatcher, "MoveIntoFolder_Task",
                                   "Folder.moveInto",
                                   [&state](Call call, task::TaskContextPtr task) {
                                       return move_into(state, std::move(call), std::move(task));
                                   });
}

}  // namespace drover::center
