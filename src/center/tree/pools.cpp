// Resource pools: create, change, rename (rename.cpp), move, destroy. What stands in a pool that
// goes stays, one level higher.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "center/tree/names.hpp"
#include "center/tree/pool_sums.hpp"
#include "center/tree/tree_events.hpp"
#include "center/tree/tree_state.hpp"
#include "vim/inventory_types.hpp"
#include "vim/machines_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

// As many as vCenter Server documents.
constexpr std::size_t kMostLevels = 8;
constexpr std::size_t kMostPools = 1'600;
constexpr std::chrono::milliseconds kTaskLook{50};

// Levels from the root pool down to this one.
std::size_t depth_of(const TreeState& state, const MoRef& pool) {
    std::size_t depth = 0;
    for (const Node* node : state.path_of(state.get(pool))) depth += node->pool ? 1 : 0;
    return depth;
}

std::size_t height_of(const TreeState& state, const MoRef& pool) {
    const std::size_t top = depth_of(state, pool);
    std::size_t deepest = top;
    for (const MoRef& each : state.subtree(pool)) {
        deepest = std::max(deepest, depth_of(state, each));
    }
    return deepest - top + 1;
}

[[noreturn]] void refuse_more(std::string message) {
    throw vim::make_fault<vim::InsufficientResourcesFault>(std::move(message));
}

void require_levels(std::size_t levels) {
    if (levels > kMostLevels + 1) {
        refuse_more(fmt::format("Resource pools may stand {} levels deep.", kMostLevels));
    }
}

std::int64_t reservation_of(const vim::ResourceAllocationInfo& info) {
    return service::allocation_of(info).reservation;
}

Awaitable<Value> create(TreeState& state, Call call) {
    const auto turn = co_await state.turns.take();
    const auto request = call.arguments<vim::CreateResourcePoolRequest>();
    const Node& parent = state.get(call.self);
    const std::string name = checked_name(request.name(), "name");
    state.require_free_name(call.self, name);
    require_levels(depth_of(state, call.self) + 1);
    const Node* owner = state.above(call.self, TypeId::ComputeResource);
    if (state.subtree(owner->ref).size() > kMostPools) {
        refuse_more(fmt::format("A compute resource may have {} resource pools.", kMostPools));
    }
    Node made;
    made.name = name;
    made.parent = parent.ref;
    made.pool.emplace();
    service::apply_spec(*made.pool, request.spec(), "spec", true);
    require_room(state, call.self, reservation_of(made.pool->cpu),
                 reservation_of(made.pool->memory));
    made.ref = state.context.numbers.next(TypeId::ResourcePool);
    made.pool->ref = made.ref;
    made.pool->parent = parent.ref;
    made.pool->modified = state.context.runtime.clock().wall_now();
    co_await state.store({made});
    state.show({made});
    auto event = event_at<vim::ResourcePoolCreatedEvent>(state, made.ref);
    event.set_resourcePool(pool_argument(state, made.ref));
    event.set_parent(pool_argument(state, call.self));
    state.context.events.post(event, call.caller->user);
    base::log_info("audit: '{}' made the resource pool '{}' ({})", call.caller->user, name,
                   made.ref.id);
    co_return Value::moref(made.ref);
}

// Works a specification into a pool; needs the turn.
void apply(const TreeState& state, Node& node, const vim::ResourceConfigSpec& spec,
           const std::string& path) {
    if (!spec) return;
    TreeState::require_changeable(node, "changed");
    const auto cpu = reservation_of(node.pool->cpu);
    const auto memory = reservation_of(node.pool->memory);
    service::apply_spec(*node.pool, spec, path, false);
    // What a pool gives back or has already needs no room above.
    require_room(state, node.parent,
                 std::max<std::int64_t>(reservation_of(node.pool->cpu) - cpu, 0),
                 std::max<std::int64_t>(reservation_of(node.pool->memory) - memory, 0));
    ++node.pool->version;
    node.pool->modified = state.context.runtime.clock().wall_now();
}

void post_reconfigured(const TreeState& state, const MoRef& pool, const std::string& user) {
    auto event = event_at<vim::ResourcePoolReconfiguredEvent>(state, pool);
    event.set_resourcePool(pool_argument(state, pool));
    state.context.events.post(event, user);
}

Awaitable<Value> update(TreeState& state, Call call) {
    state.require_privilege(call, call.self, "Resource.EditPool");
    const auto turn = co_await state.turns.take();
    const auto request = call.arguments<vim::UpdateConfigRequest>();
    Node node = state.get(call.self);
    if (request.name() && *request.name() != node.name) {
        TreeState::require_changeable(node, "renamed");
        node.name = checked_name(*request.name(), "name");
        state.require_free_name(node.parent, node.name, node.ref);
    }
    apply(state, node, request.config(), "config");
    co_await state.store({node});
    state.show({node});
    post_reconfigured(state, call.self, call.caller->user);
    co_return Value{};
}

bool is_machine_in(const TreeState& state, const MoRef& machine, const MoRef& pool) {
    const auto* object = state.context.inventory.find(machine);
    if (object == nullptr || object->type() != TypeId::VirtualMachine) return false;
    const Value& own = object->property(vim::property::VirtualMachine::resourcePool);
    return own && own.as_moref() == pool;
}

// A machine's allocation is a part of its configuration: it is changed there.
Awaitable<void> reallocate(TreeState& state, Call call, vim::ResourceConfigSpec spec) {
    auto change = vim::VirtualMachineConfigSpec::make();
    change.set_cpuAllocation(spec.cpuAllocation());
    change.set_memoryAllocation(spec.memoryAllocation());
    auto request = vim::ReconfigVM_TaskRequest::make();
    request.set_spec(change);
    call.self = *spec.entity();
    call.method = vim::find_method("ReconfigVM_Task");
    call.request = request;
    const Value task = co_await state.context.dispatcher.invoke(std::move(call));
    while (true) {
        const auto info = state.context.tasks.info(task.as_moref());
        if (!info || info.state() == vim::TaskInfoState::success) co_return;
        if (info.state() == vim::TaskInfoState::error) {
            throw vim::Fault(info.error().fault(),
                             std::string(info.error().localizedMessage().value_or("")));
        }
        co_await state.context.runtime.sleep(kTaskLook);
    }
}

Awaitable<Value> update_children(TreeState& state, Call call) {
    const auto specs =
        call.arguments<vim::UpdateChildResourceConfigurationRequest>().spec().to_vector();
    auto turn = std::optional(co_await state.turns.take());
    std::vector<Node> changed;
    std::vector<vim::ResourceConfigSpec> machines;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        const std::string path = fmt::format("spec[{}]", i);
        const MoRef entity = specs[i].entity().value_or(MoRef{});
        const Node* child = state.find(entity);
        if (is_machine_in(state, entity, call.self)) {
            machines.push_back(specs[i]);
            continue;
        }
        if (child == nullptr || child->parent != call.self) {
            throw vim::invalid_argument(path + ".entity",
                                        path + ".entity: is no child of this pool");
        }
        state.require_privilege(call, entity, "Resource.EditPool");
        const auto before = std::ranges::find(changed, entity, &Node::ref);
        if (before != changed.end()) {
            apply(state, *before, specs[i], path);
        } else {
            Node node = *child;
            apply(state, node, specs[i], path);
            changed.push_back(std::move(node));
        }
    }
    co_await state.store(changed);
    state.show(changed);
    for (const Node& node : changed) post_reconfigured(state, node.ref, call.caller->user);
    turn.reset();
    for (const auto& spec : machines) co_await reallocate(state, call, spec);
    co_return Value{};
}

void check_move(const TreeState& state, const Node& target, const MoRef& moved,
                const std::string& path) {
    const Node* node = state.find(moved);
    if (node == nullptr || !node->pool) {
        throw vim::invalid_argument(path, path + ": is no resource pool and no machine");
    }
    TreeState::require_changeable(*node, "moved");
    const auto above = state.path_of(target);
    if (std::ranges::find(above, node) != above.end()) {
        throw vim::invalid_argument(path, path + ": a pool can't be moved into itself");
    }
    if (state.above(moved, TypeId::ComputeResource) !=
        state.above(target.ref, TypeId::ComputeResource)) {
        throw vim::invalid_argument(path, path + ": a pool can't leave its compute resource");
    }
    if (node->parent == target.ref) return;
    state.require_free_name(target.ref, node->name, moved);
    require_levels(depth_of(state, target.ref) + height_of(state, moved));
    require_room(state, target.ref, reservation_of(node->pool->cpu),
                 reservation_of(node->pool->memory));
}

Awaitable<void> move_pools(TreeState& state, Call call, std::vector<MoRef> list) {
    const auto turn = co_await state.turns.take();
    std::vector<Node> moved;
    for (std::size_t i = 0; i < list.size(); ++i) {
        check_move(state, state.get(call.self), list[i], fmt::format("list[{}]", i));
        Node node = state.get(list[i]);
        if (node.parent == call.self) continue;
        node.parent = call.self;
        moved.push_back(std::move(node));
    }
    co_await state.store(moved);
    for (const Node& node : moved) {
        auto event = event_at<vim::ResourcePoolMovedEvent>(state, node.ref);
        event.set_resourcePool(pool_argument(state, node.ref));
        event.set_oldParent(pool_argument(state, state.get(node.ref).parent));
        event.set_newParent(pool_argument(state, call.self));
        state.context.events.post(event, call.caller->user);
    }
    state.show(moved);
}

Awaitable<Value> move_into(TreeState& state, Call call) {
    const auto list = call.arguments<vim::MoveIntoResourcePoolRequest>().list().to_vector();
    std::vector<MoRef> pools;
    std::vector<MoRef> machines;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!vim::is_a(list[i].type, TypeId::VirtualMachine)) {
            pools.push_back(list[i]);
            continue;
        }
        const auto& machine = state.context.inventory.get(list[i]);
        const Value& pool = machine.property(vim::property::VirtualMachine::resourcePool);
        const Node* from = pool ? state.above(pool.as_moref(), TypeId::ComputeResource) : nullptr;
        if (from == nullptr || from != state.above(call.self, TypeId::ComputeResource)) {
            throw vim::invalid_argument(
                fmt::format("list[{}]", i),
                fmt::format("list[{}]: a template has no pool, and a machine changes its compute "
                            "resource by migration only",
                            i));
        }
        if (pool.as_moref() != call.self) machines.push_back(list[i]);
    }
    if (!pools.empty()) co_await move_pools(state, call, pools);
    for (const MoRef& machine : machines) {
        const auto mover = state.movers.find(TypeId::VirtualMachine);
        if (mover == state.movers.end()) {
            throw vim::make_fault<vim::NotSupported>("Machines can't be moved.");
        }
        const Tree::Move move = mover->second;
        co_await move(machine, call.self, call.caller->user);
    }
    co_return Value{};
}

Awaitable<void> move_machines(TreeState& state, std::vector<MoRef> pools, MoRef heir,
                              std::string user) {
    for (const MoRef& pool : pools) {
        const auto* object = state.context.inventory.find(pool);
        if (object == nullptr) continue;
        const Value machines = object->property(vim::property::ResourcePool::vm);
        for (const Value& machine : machines.elements()) {
            const auto mover = state.movers.find(TypeId::VirtualMachine);
            if (mover == state.movers.end()) continue;
            const Tree::Move move = mover->second;
            co_await move(machine.as_moref(), heir, user);
        }
    }
}

// Ends pools, with all pools below them if asked; what was in them goes to `heir`.
Awaitable<void> dissolve(TreeState& state, std::vector<MoRef> tops, MoRef heir, bool below,
                         std::string user) {
    std::vector<MoRef> ended;
    for (const MoRef& top : tops) {
        const auto all = below ? state.subtree(top) : std::vector<MoRef>{top};
        ended.insert(ended.end(), all.begin(), all.end());
    }
    co_await move_machines(state, ended, heir, user);
    const auto turn = co_await state.turns.take();
    std::erase_if(ended, [&state](const MoRef& ref) { return state.find(ref) == nullptr; });
    std::vector<Node> orphans;
    for (const MoRef& pool : ended) {
        const auto* object = state.context.inventory.find(pool);
        if (!object->property(vim::property::ResourcePool::vm).elements().empty()) {
            throw vim::make_fault<vim::ResourceInUse>("Machines were moved into it meanwhile.");
        }
        for (const std::string& id : state.get(pool).children) {
            Node child = state.nodes.at(id);
            if (std::ranges::find(ended, child.ref) != ended.end()) continue;
            state.require_free_name(heir, child.name, pool);
            child.parent = heir;
            orphans.push_back(std::move(child));
        }
    }
    std::ranges::reverse(ended);
    co_await state.store(orphans, ended);
    for (const MoRef& pool : ended) {
        auto event = event_at<vim::ResourcePoolDestroyedEvent>(state, pool);
        event.set_resourcePool(pool_argument(state, pool));
        state.context.events.post(event, user);
    }
    state.show(std::move(orphans));
    state.hide(ended);
}

Awaitable<Value> destroy(TreeState& state, Call call) {
    const Node& node = state.get(call.self);
    TreeState::require_changeable(node, "destroyed");
    co_await dissolve(state, {call.self}, node.parent, false, call.caller->user);
    co_return Value{};
}

Awaitable<Value> destroy_children(TreeState& state, Call call) {
    std::vector<MoRef> children;
    for (const std::string& id : state.get(call.self).children) {
        children.push_back(state.nodes.at(id).ref);
        for (const MoRef& each : state.subtree(children.back())) {
            state.require_privilege(call, each, "Resource.DeletePool");
        }
    }
    co_await dissolve(state, children, call.self, true, call.caller->user);
    co_return Value{};
}

}  // namespace

void serve_pools(TreeState& state) {
    auto& dispatcher = state.context.dispatcher;
    const auto add = [&](std::string_view method, Awaitable<Value> (*serve)(TreeState&, Call)) {
        dispatcher.add(method,
                       [&state, serve](Call call) { return serve(state, std::move(call)); });
    };
    add("CreateResourcePool", create);
    add("UpdateConfig", update);
    add("UpdateChildResourceConfiguration", update_children);
    add("MoveIntoResourcePool", move_into);
    add("DestroyChildren", destroy_children);
    state.context.methods.add_task(
        TypeId::ResourcePool, "Destroy_Task", "ResourcePool.destroy",
        [&state](Call call, task::TaskContextPtr) { return destroy(state, std::move(call)); });
}

}  // namespace drover::center
