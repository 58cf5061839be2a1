#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/machines/resource_pools.hpp"
#include "host/references.hpp"
#include "vim/machines_types.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Transaction;
using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::Value;

namespace {

[[noreturn]] void refuse_root(std::string_view what) {
    throw vim::make_fault<vim::NotSupported>(
        fmt::format("The root pool is the host's own: it can't be {}.", what));
}

void require_privilege(const HostContext& context, const Call& call, const MoRef& object,
                       std::string_view privilege) {
    if (!context.readers(*call.caller)->may_read(context.inventory.get(object), privilege)) {
        throw vim::no_permission(object, privilege);
    }
}

}  // namespace

void ResourcePools::serve(Reallocate reallocate) {
    reallocate_ = std::move(reallocate);
    auto& dispatcher = context_.dispatcher;
    dispatcher.add("CreateResourcePool", [this](Call call) { return create(std::move(call)); });
    dispatcher.add("UpdateConfig", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::UpdateConfigRequest>();
        require_privilege(context_, call, call.self, "Resource.EditPool");
        std::optional<std::string> name;
        if (request.name()) name.emplace(*request.name());
        co_await update(call.self, std::move(name), request.config(), "config");
        co_return Value{};
    });
    dispatcher.add("MoveIntoResourcePool", [this](Call call) -> Awaitable<Value> {
        std::vector<MoRef> list;
        for (const auto& item : call.arguments<vim::MoveIntoResourcePoolRequest>().list()) {
            const bool machine = item.type == vim::TypeId::VirtualMachine;
            require_privilege(context_, call, machine ? call.self : item,
                              machine ? "Resource.AssignVMToPool" : "Resource.MovePool");
            list.push_back(item);
        }
        co_await move_into(call.self, std::move(list));
        co_return Value{};
    });
    dispatcher.add("DestroyChildren", [this](Call call) -> Awaitable<Value> {
        const auto children = children_of(call.self);
        for (const MoRef& child : children) {
            require_privilege(context_, call, child, "Resource.DeletePool");
        }
        co_await dissolve(children, call.self, true);
        co_return Value{};
    });
    dispatcher.add("UpdateChildResourceConfiguration", [this](Call call) -> Awaitable<Value> {
        co_await update_children(std::move(call));
        co_return Value{};
    });
    dispatcher.add_direct("RefreshRuntime", [this](const Call&) {
        show_all();
        return Value{};
    });
}

Awaitable<Value> ResourcePools::create(Call call) {
    const auto request = call.arguments<vim::CreateResourcePoolRequest>();
    ResourcePool pool;
    pool.name = machine::checked_name(request.name());
    pool.parent = get(call.self).ref;
    require_free_name(pool.parent, pool.name, {});
    if (pools_.size() >= kMostPools) {
        throw vim::make_fault<vim::InsufficientResourcesFault>(
            fmt::format("A host may have {} resource pools.", kMostPools));
    }
    if (path_of(pool.parent).size() > kMostLevels) {
        throw vim::make_fault<vim::InsufficientResourcesFault>(
            fmt::format("Resource pools may stand {} levels deep.", kMostLevels));
    }
    apply_spec(pool, request.spec(), "spec", true);
    require_room(get(pool.parent), *pool.cpu.reservation(), *pool.memory.reservation());
    pool.ref = {vim::TypeId::ResourcePool, fmt::format("pool-{}", next_id_++)};
    pool.modified = context_.runtime.clock().wall_now();
    co_await commit(store::Batch().put(record_of(pool)));
    // The parent may have gone meanwhile: then the pool hangs where its machines would.
    if (!pools_.contains(pool.parent.id)) pool.parent = references::root_pool;
    pools_.emplace(pool.ref.id, pool);
    Transaction transaction(context_.inventory);
    transaction.create(pool.ref.type, pool.ref.id);
    transaction.commit();
    show_all();
    base::log_info("audit: '{}' made the resource pool '{}'", call.caller->user, pool.name);
    co_return Value::moref(pool.ref);
}

Awaitable<void> ResourcePools::update(MoRef ref, std::optional<std::string> name,
                                      vim::ResourceConfigSpec config, std::string path) {
    ResourcePool changed = get(ref);
    if (changed.is_root()) refuse_root("changed");
    if (name) {
        changed.name = machine::checked_name(*name);
        require_free_name(changed.parent, changed.name, ref);
    }
    if (config) {
        const auto before_cpu = allocation_of(changed.cpu).reservation;
        const auto before_memory = allocation_of(changed.memory).reservation;
        apply_spec(changed, config, path, false);
        // What a pool gives back or already has needs no room above.
        require_room(get(changed.parent),
                     std::max<std::int64_t>(*changed.cpu.reservation() - before_cpu, 0),
                     std::max<std::int64_t>(*changed.memory.reservation() - before_memory, 0));
    }
    ++changed.version;
    changed.modified = context_.runtime.clock().wall_now();
    co_await commit(store::Batch().put(record_of(changed)));
    if (!pools_.contains(ref.id)) throw vim::object_not_found(ref);
    changed.parent = get(ref).parent;
    pools_[ref.id] = changed;
    show_all();
    co_await apply();
}

Awaitable<void> ResourcePools::rename(MoRef pool, std::string name) {
    if (get(pool).is_root()) refuse_root("renamed");
    co_await update(pool, std::move(name), {}, "");
}

void ResourcePools::check_move(const ResourcePool& target, const MoRef& ref,
                               std::size_t index) const {
    const std::string path = fmt::format("list[{}]", index);
    if (const MachinePtr machine = machines_.find(ref)) {
        if (machine->is_template) {
            throw vim::invalid_argument(path, "A template belongs to no pool.");
        }
        if (machine->domain && machine->pool != target.ref) {
            require_room(target, allocation_of(machine->config.cpuAllocation()).reservation,
                         allocation_of(machine->config.memoryAllocation()).reservation);
        }
        return;
    }
    if (!is_pool(ref)) {
        throw vim::invalid_argument(path, "Only machines and resource pools can be moved.");
    }
    const ResourcePool& pool = get(ref);
    if (pool.is_root()) refuse_root("moved");
    const auto above = path_of(target.ref);
    if (std::ranges::find(above, ref) != above.end()) {
        throw vim::invalid_argument(path, "A pool can't be moved into itself.");
    }
    if (pool.parent == target.ref) return;
    require_free_name(target.ref, pool.name, ref);
    require_room(target, *pool.cpu.reservation(), *pool.memory.reservation());
    std::size_t depth = 1;
    for (const auto& [id, other] : pools_) {
        const auto way = path_of(other.ref);
        const auto at = std::ranges::find(way, ref);
        if (at != way.end()) {
            depth = std::max(depth, static_cast<std::size_t>(at - way.begin()) + 1);
        }
    }
    if (above.size() - 1 + depth > kMostLevels) {
        throw vim::make_fault<vim::InsufficientResourcesFault>(
            fmt::format("Resource pools may stand {} levels deep.", kMostLevels));
    }
}

Awaitable<void> ResourcePools::move_into(MoRef target, std::vector<MoRef> list) {
    for (std::size_t i = 0; i < list.size(); ++i) check_move(get(target), list[i], i);
    store::Batch batch;
    for (const MoRef& ref : list) {
        if (const MachinePtr machine = machines_.find(ref)) {
            batch.put(
                Machines::record_of(machine->id, machine->path, machine->is_template, target));
        } else {
            ResourcePool pool = get(ref);
            pool.parent = target;
            batch.put(record_of(pool));
        }
    }
    co_await commit(std::move(batch));
    for (const MoRef& ref : list) {
        if (const MachinePtr machine = machines_.find(ref)) {
            machines_.move_to_pool(machine, target);
        } else if (is_pool(ref)) {
            get(ref).parent = target;
        }
    }
    show_all();
    co_await apply();
}

// Ends pools, with all below them if asked; what was in them goes to `heir`.
Awaitable<void> ResourcePools::dissolve(std::vector<MoRef> ended, MoRef heir, bool below) {
    if (below) {
        for (std::size_t i = 0; i < ended.size(); ++i) {
            const auto children = children_of(ended[i]);
            ended.insert(ended.end(), children.begin(), children.end());
        }
    }
    const auto is_ended = [&](const MoRef& ref) {
        return std::ranges::find(ended, ref) != ended.end();
    };
    store::Batch batch;
    std::vector<MachinePtr> machines;
    std::vector<MoRef> orphans;
    for (const MoRef& pool : ended) {
        batch.remove(std::string(kPoolRecordKind), pool.id);
        for (const MachinePtr& machine : machines_in(pool)) {
            machines.push_back(machine);
            batch.put(Machines::record_of(machine->id, machine->path, machine->is_template, heir));
        }
        for (const MoRef& child : children_of(pool)) {
            if (is_ended(child)) continue;
            require_free_name(heir, get(child).name, pool);
            ResourcePool moved = get(child);
            moved.parent = heir;
            batch.put(record_of(moved));
            orphans.push_back(child);
        }
    }
    co_await commit(std::move(batch));
    for (const MachinePtr& machine : machines) machines_.move_to_pool(machine, heir);
    for (const MoRef& orphan : orphans) {
        if (is_pool(orphan)) get(orphan).parent = heir;
    }
    Transaction transaction(context_.inventory);
    for (const MoRef& pool : ended) {
        if (pools_.erase(pool.id) > 0) transaction.destroy(pool);
    }
    transaction.commit();
    show_all();
    co_await apply();
}

Awaitable<void> ResourcePools::destroy(MoRef ref) {
    const ResourcePool& pool = get(ref);
    if (pool.is_root()) refuse_root("destroyed");
    co_await dissolve({ref}, pool.parent, false);
}

Awaitable<void> ResourcePools::update_children(Call call) {
    const auto request = call.arguments<vim::UpdateChildResourceConfigurationRequest>();
    const auto specs = request.spec().to_vector();
    for (std::size_t i = 0; i < specs.size(); ++i) {
        const std::string path = fmt::format("spec[{}]", i);
        const MoRef entity = specs[i].entity().value_or(MoRef{});
        const MachinePtr machine = machines_.find(entity);
        const bool is_child = machine ? machine->pool == call.self
                                      : is_pool(entity) && get(entity).parent == call.self;
        if (!is_child) {
            throw vim::invalid_argument(path + ".entity", "It is no child of this pool.");
        }
        require_privilege(context_, call, entity,
                          machine ? "VirtualMachine.Config.Resource" : "Resource.EditPool");
    }
    for (std::size_t i = 0; i < specs.size(); ++i) {
        const MoRef entity = *specs[i].entity();
        if (const MachinePtr machine = machines_.find(entity)) {
            auto change = vim::VirtualMachineConfigSpec::make();
            change.set_cpuAllocation(specs[i].cpuAllocation());
            change.set_memoryAllocation(specs[i].memoryAllocation());
            co_await reallocate_(machine, change);
        } else {
            co_await update(entity, std::nullopt, specs[i], fmt::format("spec[{}]", i));
        }
    }
}

}  // namespace drover::host
