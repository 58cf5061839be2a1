// Rename_Task of folders, datacenters, clusters, compute resources and pools.

#include "center/tree/names.hpp"
#include "center/tree/tree_events.hpp"
#include "center/tree/tree_state.hpp"
#include "vim/inventory_types.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::TypeId;
using vim::Value;

namespace {

Awaitable<Value> rename(TreeState& state, Call call) {
    const auto turn = co_await state.turns.take();
    Node node = state.get(call.self);
    TreeState::require_changeable(node, "renamed");
    const std::string name =
        checked_name(call.arguments<vim::Rename_TaskRequest>().newName(), "newName");
    if (name == node.name) co_return Value{};
    state.require_free_name(node.parent, name, node.ref);
    const std::string before = node.name;
    node.name = name;
    co_await state.store({node});
    state.show({node});
    if (node.ref.type == TypeId::Datacenter) {
        auto event = vim::DatacenterRenamedEvent::make();
        event.set_datacenter(datacenter_argument(state, node.ref));
        event.set_oldName(before);
        event.set_newName(name);
        state.context.events.post(event, call.caller->user);
    }
    co_return Value{};
}

}  // namespace

void serve_rename(TreeState& state) {
    for (const TypeId type :
         {TypeId::Folder, TypeId::Datacenter, TypeId::ComputeResource, TypeId::ResourcePool}) {
        state.context.methods.add_task(
            type, "Rename_Task", "ManagedEntity.rename",
            [&state](Call call, task::TaskContextPtr) { return rename(state, std::move(call)); });
    }
}

}  // namespace drover::center
