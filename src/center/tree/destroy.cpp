// Destroy_Task and UnregisterAndDestroy_Task of folders, datacenters, clusters, compute resources
// and pools.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "center/tree/tree_events.hpp"
#include "center/tree/tree_state.hpp"
#include "service/authorization/method_privileges.hpp"
#include "vim/inventory_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

using Removers = std::map<TypeId, Tree::Remove>;

// New machines may appear while others are removed; not for ever.
constexpr int kRounds = 5;

void require_all(const TreeState& state, const Call& call, const std::vector<MoRef>& gone) {
    for (const MoRef& each : gone) {
        if (each != call.self) {
            state.require_privilege(call, each, service::removal_privilege(each.type));
        }
    }
}

// Hosts go before machines: then their machines go with them, and their files stay. Machines in a
// folder that is destroyed alone are destroyed with it.
Awaitable<void> remove_mirrored(TreeState& state, const Removers& removers, MoRef top,
                                std::string user, task::TaskContextPtr task) {
    auto children = state.mirrored_in(state.subtree(top));
    std::ranges::partition(children,
                           [](const MoRef& ref) { return ref.type == TypeId::HostSystem; });
    std::size_t done = 0;
    for (const MoRef& child : children) {
        task->check_cancelled();
        if (state.context.inventory.find(child) != nullptr) {
            const auto remover = removers.find(child.type);
            if (remover == removers.end()) {
                throw vim::make_fault<vim::NotSupported>(
                    fmt::format("'{}' can't be removed with what holds it.", state.name_of(child)));
            }
            const Tree::Remove remove = remover->second;
            co_await remove(child, user);
        }
        task->set_progress(static_cast<int>(++done * 95 / children.size()));
    }
}

void post_destroyed(const TreeState& state, const MoRef& ref, const std::string& user) {
    if (ref.type != TypeId::ClusterComputeResource) return;
    state.context.events.post(event_at<vim::ClusterDestroyedEvent>(state, ref), user);
}

Awaitable<Value> destroy(TreeState& state, Call call, task::TaskContextPtr task,
                         const Removers& removers) {
    TreeState::require_changeable(state.get(call.self), "destroyed");
    const std::string user = call.caller->user;
    for (int round = 0; round < kRounds; ++round) {
        const auto everything = state.subtree(call.self);
        require_all(state, call, everything);
        require_all(state, call, state.mirrored_in(everything));
        co_await remove_mirrored(state, removers, call.self, user, task);
        const auto turn = co_await state.turns.take();
        // A stand-alone compute resource has gone with its host.
        if (state.find(call.self) == nullptr) co_return Value{};
        auto gone = state.subtree(call.self);
        if (!state.mirrored_in(gone).empty()) continue;
        std::ranges::reverse(gone);
        co_await state.store({}, gone);
        for (const MoRef& each : gone) post_destroyed(state, each, user);
        base::log_info("audit: '{}' destroyed '{}' ({}) and {} below it", user,
                       state.name_of(call.self), call.self.id, gone.size() - 1);
        state.hide(gone);
        co_return Value{};
    }
    throw vim::make_fault<vim::ResourceInUse>("Machines or hosts were added to it meanwhile.");
}

}  // namespace

void serve_destroy(TreeState& state) {
    for (const TypeId type : {TypeId::Folder, TypeId::Datacenter, TypeId::ComputeResource}) {
        state.context.methods.add_task(type, "Destroy_Task",
                                       type == TypeId::Datacenter ? "Datacenter.destroy"
                                       : type == TypeId::Folder   ? "Folder.destroy"
                                                                  : "ComputeResource.destroy",
                                       [&state](Call call, task::TaskContextPtr task) {
                                           return destroy(state, std::move(call), std::move(task),
                                                          state.removers);
                                       });
    }
    state.context.methods.add_task(
        TypeId::Folder, "UnregisterAndDestroy_Task", "Folder.unregisterAndDestroy",
        [&state](Call call, task::TaskContextPtr task) -> Awaitable<Value> {
            if (state.get(call.self).kind != FolderKind::machine) {
                throw vim::make_fault<vim::NotSupported>("It is no folder of machines.");
            }
            co_return co_await destroy(state, call, task, state.unregisterers);
        });
}

}  // namespace drover::center
