#include "host/machines/resource_pools.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/log.hpp"
#include "host/inventory_root.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::ResourcePool;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::string_view kIdPrefix = "pool-";

Value references_of(TypeId type, const std::vector<MoRef>& list) {
    std::vector<Value> values;
    for (const MoRef& reference : list) values.push_back(Value::moref(reference));
    return Value::array(type, std::move(values));
}

std::uint64_t number_of(std::string_view id) {
    std::uint64_t number = 0;
    if (!id.starts_with(kIdPrefix)) return 0;
    id.remove_prefix(kIdPrefix.size());
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    return error == std::errc{} && end == id.data() + id.size() ? number : 0;
}

vim::ResourcePoolResourceUsage usage_of(const PoolUse& use, std::int64_t unit, std::int64_t used) {
    auto made = vim::ResourcePoolResourceUsage::make();
    made.set_reservationUsed(use.reservation_used * unit);
    made.set_reservationUsedForVm(use.reservation_used_by_machines * unit);
    made.set_unreservedForPool(use.unreserved_for_pool * unit);
    made.set_unreservedForVm(use.unreserved_for_machine * unit);
    made.set_overallUsage(used);
    made.set_maxUsage(use.most * unit);
    return made;
}

struct Sums {
    std::int64_t cpu_mhz = 0;
    std::int64_t cpu_demand_mhz = 0;
    std::int64_t guest_bytes = 0;
    std::int64_t host_bytes = 0;
    std::int64_t ballooned_bytes = 0;
    std::int64_t overhead_bytes = 0;
    std::int64_t shared_bytes = 0;
    std::int64_t swapped_bytes = 0;
    std::int64_t configured_mb = 0;

    void add(const MachineFigures& usage) {
        const auto plus = [](std::int64_t& sum, std::uint64_t more) {
            sum += static_cast<std::int64_t>(more);
        };
        plus(cpu_mhz, usage.cpu_mhz.value_or(0));
        plus(cpu_demand_mhz, usage.cpu_demand_mhz.value_or(0));
        plus(guest_bytes, usage.guest_memory_bytes);
        plus(host_bytes, usage.host_memory_bytes);
        plus(ballooned_bytes, usage.ballooned_memory_bytes);
        plus(overhead_bytes, usage.overhead_memory_bytes);
        plus(shared_bytes, usage.shared_memory_bytes.value_or(0));
        plus(swapped_bytes, usage.swapped_memory_bytes.value_or(0));
    }
};

// The pools with those running machines that reserve something. Others take part in no sum of
// reservations, and of thousands of machines few are left: this is made at every power-on.
template <class Pools, class OfPool, class OfMachine>
PoolTree reservations(const Pools& pools, const std::vector<MachinePtr>& machines, OfPool of_pool,
                      OfMachine of_machine) {
    std::vector<PoolNode> nodes;
    for (const auto& [id, pool] : pools) {
        nodes.push_back({id, pool.parent.id, false, allocation_of(of_pool(pool)), 0});
    }
    for (const MachinePtr& machine : machines) {
        if (!machine->domain) continue;
        const auto own = allocation_of(of_machine(machine->config));
        if (own.reservation <= 0) continue;
        const bool known = pools.contains(machine->pool.id);
        nodes.push_back(
            {machine->ref.id, known ? machine->pool.id : references::root_pool.id, true, own, 0});
    }
    return PoolTree(nodes);
}

template <class Pools>
PoolTree cpu_reservations(const Pools& pools, const std::vector<MachinePtr>& machines) {
    return reservations(
        pools, machines, [](const auto& pool) { return pool.cpu; },
        [](const auto& config) { return config.cpuAllocation(); });
}

template <class Pools>
PoolTree memory_reservations(const Pools& pools, const std::vector<MachinePtr>& machines) {
    return reservations(
        pools, machines, [](const auto& pool) { return pool.memory; },
        [](const auto& config) { return config.memoryAllocation(); });
}

vim::ResourcePoolQuickStats quick_stats(const Sums& sums) {
    constexpr int mb = 20;
    auto stats = vim::ResourcePoolQuickStats::make();
    stats.set_overallCpuUsage(sums.cpu_mhz);
    stats.set_overallCpuDemand(sums.cpu_demand_mhz);
    stats.set_guestMemoryUsage(sums.guest_bytes >> mb);
    stats.set_hostMemoryUsage(sums.host_bytes >> mb);
    stats.set_privateMemory((sums.host_bytes - std::min(sums.shared_bytes, sums.host_bytes)) >> mb);
    stats.set_sharedMemory(sums.shared_bytes >> mb);
    stats.set_swappedMemory(sums.swapped_bytes >> mb);
    stats.set_balloonedMemory(sums.ballooned_bytes >> mb);
    stats.set_consumedOverheadMemory(sums.overhead_bytes >> mb);
    return stats;
}

}  // namespace

ResourcePools::ResourcePools(const HostContext& context, Machines& machines)
    : context_(context), machines_(machines) {}

Awaitable<void> ResourcePools::start() {
    // The root is made with the inventory: it is what the host has.
    const auto& known = context_.inventory.get(references::root_pool);
    const vim::ResourceConfigSpec config(known.property(property::config));
    ResourcePool root;
    root.ref = references::root_pool;
    root.name = "Resources";
    root.cpu = config.cpuAllocation();
    root.memory = config.memoryAllocation();
    pools_.emplace(root.ref.id, root);
    const auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kPoolRecordKind); }, kStoreLimit);
    for (const store::Record& record : records) {
        try {
            ResourcePool pool = pool_from_record(record);
            pools_.emplace(pool.ref.id, std::move(pool));
        } catch (const std::exception& error) {
            base::log_error("the record of resource pool {} is damaged, left alone: {}", record.id,
                            error.what());
        }
        next_id_ = std::max(next_id_, number_of(record.id) + 1);
    }
    // A pool whose parent is not there, or that is its own ancestor, hangs on the root.
    for (auto& [id, pool] : pools_) {
        const auto path = path_of(pool.ref);
        if (!pool.is_root() && path.size() > kMostLevels + 1) pool.parent = references::root_pool;
        if (!pool.is_root() && !pools_.contains(pool.parent.id)) {
            pool.parent = references::root_pool;
        }
    }
    Transaction transaction(context_.inventory);
    for (const auto& [id, pool] : pools_) {
        if (!pool.is_root()) transaction.create(pool.ref.type, pool.ref.id);
    }
    for (const auto& [id, pool] : pools_) show(transaction, pool);
    show_use(transaction);
    transaction.commit();
    watch();
}

ResourcePool& ResourcePools::get(const MoRef& ref) {
    const auto at = pools_.find(ref.id);
    if (at == pools_.end()) throw vim::object_not_found(ref);
    return at->second;
}

const ResourcePool& ResourcePools::get(const MoRef& ref) const {
    const auto at = pools_.find(ref.id);
    if (at == pools_.end()) throw vim::object_not_found(ref);
    return at->second;
}

std::vector<MoRef> ResourcePools::path_of(const MoRef& ref) const {
    std::vector<MoRef> path;
    for (auto at = pools_.find(ref.id); at != pools_.end() && path.size() <= kMostLevels + 1;
         at = pools_.find(at->second.parent.id)) {
        path.push_back(at->second.ref);
        if (at->second.is_root()) return path;
    }
    if (path.empty()) path.push_back(references::root_pool);
    return path;
}

std::vector<MoRef> ResourcePools::children_of(const MoRef& ref) const {
    std::vector<MoRef> children;
    for (const auto& [id, pool] : pools_) {
        if (pool.parent.id == ref.id) children.push_back(pool.ref);
    }
    std::ranges::sort(children, [](const MoRef& left, const MoRef& right) {
        return model::reference_less(left.id, right.id);
    });
    return children;
}

std::vector<MachinePtr> ResourcePools::machines_in(const MoRef& ref) const {
    std::vector<MachinePtr> found;
    for (const MachinePtr& machine : machines_.all()) {
        if (machine->pool.id == ref.id) found.push_back(machine);
    }
    return found;
}

// `instead` stands for the pool of the same reference: to see what a change would come to.
PoolTree ResourcePools::tree(Resource resource, const ResourcePool* instead) const {
    std::vector<PoolNode> nodes;
    for (const auto& [id, kept] : pools_) {
        const ResourcePool& pool = instead && instead->ref == kept.ref ? *instead : kept;
        nodes.push_back({id, pool.parent.id, false,
                         allocation_of(resource == Resource::cpu ? pool.cpu : pool.memory), 0});
    }
    for (const MachinePtr& machine : machines_.all()) {
        if (!machine->domain) continue;
        const auto& config = machine->config;
        PoolNode node{machine->ref.id, path_of(machine->pool).front().id, true,
                      allocation_of(resource == Resource::cpu ? config.cpuAllocation()
                                                              : config.memoryAllocation()),
                      0};
        // Until a machine is known it may want everything.
        const auto usage = usage_.find(machine->ref.id);
        node.demand =
            usage == usage_.end() || !usage->second.cpu_demand_mhz
                ? config.hardware().numCPU() * static_cast<std::int64_t>(context_.host_info.cpu_mhz)
                : std::int64_t{*usage->second.cpu_demand_mhz} * 5 / 4;
        nodes.push_back(std::move(node));
    }
    return PoolTree(nodes);
}

void ResourcePools::require_room(const ResourcePool& pool, std::int64_t cpu_mhz,
                                 std::int64_t memory_mb) const {
    // Who asks for nothing is not refused, as most machines.
    if (cpu_mhz <= 0 && memory_mb <= 0) return;
    const auto machines = machines_.all();
    const PoolTree cpu = cpu_reservations(pools_, machines);
    if (const auto missing = cpu.missing_for(pool.ref.id, cpu_mhz)) {
        auto fault = vim::InsufficientCpuResourcesFault::make();
        fault.set_requested(cpu_mhz);
        fault.set_unreserved(cpu_mhz - missing);
        throw vim::Fault(fault, fmt::format("The pool '{}' can reserve {} MHz more, not {}.",
                                            pool.name, cpu_mhz - missing, cpu_mhz));
    }
    const PoolTree memory = memory_reservations(pools_, machines);
    if (const auto missing = memory.missing_for(pool.ref.id, memory_mb)) {
        auto fault = vim::InsufficientMemoryResourcesFault::make();
        fault.set_requested(memory_mb << 20);
        fault.set_unreserved((memory_mb - missing) << 20);
        throw vim::Fault(fault, fmt::format("The pool '{}' can reserve {} MB more, not {}.",
                                            pool.name, memory_mb - missing, memory_mb));
    }
}

void ResourcePools::require_room_for(const Machine& machine) const {
    require_room(get(path_of(machine.pool).front()),
                 allocation_of(machine.config.cpuAllocation()).reservation,
                 allocation_of(machine.config.memoryAllocation()).reservation);
}

void ResourcePools::require_free_name(const MoRef& parent, std::string_view name,
                                      const MoRef& except) const {
    for (const MoRef& sibling : children_of(parent)) {
        if (sibling == except || get(sibling).name != name) continue;
        auto fault = vim::DuplicateName::make();
        fault.set_name(name);
        fault.set_object(sibling);
        throw vim::Fault(fault, fmt::format("The name '{}' already exists.", name));
    }
}

Awaitable<void> ResourcePools::commit(store::Batch batch) {
    co_await context_.runtime.blocking(
        "store",
        [this, batch = std::move(batch)]() mutable {
            context_.store.commit_and_wait(std::move(batch));
        },
        kStoreLimit);
}

void ResourcePools::show(Transaction& transaction, const ResourcePool& pool) {
    if (!pool.is_root()) {
        set_entity_basics(transaction, pool.ref, pool.name, pool.parent);
        transaction.set(pool.ref, property::owner, Value::moref(references::compute_resource));
    }
    transaction.set(pool.ref, property::config, pool.config().raw());
    const auto children = children_of(pool.ref);
    transaction.set(pool.ref, property::resourcePool,
                    references_of(TypeId::ResourcePool, children));
    if (!transaction.get(pool.ref, property::vm)) {
        transaction.set(pool.ref, property::vm, references_of(TypeId::VirtualMachine, {}));
    }
    std::vector<Value> configs;
    for (const MoRef& child : children) configs.push_back(get(child).config().raw());
    transaction.set(pool.ref, property::childConfiguration,
                    Value::array(TypeId::ResourceConfigSpec, std::move(configs)));
}

// Runtime and summary of all pools: each depends on those below and above it.
void ResourcePools::show_use(Transaction& transaction) {
    std::map<std::string, Sums> sums;
    std::map<std::string, std::vector<Sums*>> paths;  // of each pool: its own sums and those above
    const auto machines = machines_.all();
    for (const MachinePtr& machine : machines) {
        if (machine->is_template) continue;
        auto& path = paths[machine->pool.id];
        if (path.empty()) {
            for (const MoRef& pool : path_of(machine->pool)) path.push_back(&sums[pool.id]);
        }
        const auto usage = machine->domain ? usage_.find(machine->ref.id) : usage_.end();
        const std::int64_t memory_mb = machine->config.hardware().memoryMB();
        for (Sums* sum : path) {
            sum->configured_mb += memory_mb;
            if (usage != usage_.end()) sum->add(usage->second);
        }
    }
    const PoolTree cpu = cpu_reservations(pools_, machines);
    const PoolTree memory = memory_reservations(pools_, machines);
    for (const auto& [id, pool] : pools_) {
        const Sums& sum = sums[id];
        auto runtime = vim::ResourcePoolRuntimeInfo::make();
        runtime.set_cpu(usage_of(cpu.use_of(id), 1, sum.cpu_mhz));
        runtime.set_memory(usage_of(memory.use_of(id), 1 << 20, sum.host_bytes));
        runtime.set_overallStatus(vim::ManagedEntityStatus::green);
        transaction.set(pool.ref, property::runtime, runtime.raw());
        auto summary = vim::ResourcePoolSummary::make();
        summary.set_name(pool.name);
        summary.set_config(pool.config());
        summary.set_runtime(runtime);
        summary.set_quickStats(quick_stats(sum));
        summary.set_configuredMemoryMB(
            static_cast<std::int32_t>(std::min<std::int64_t>(sum.configured_mb, INT32_MAX)));
        transaction.set(pool.ref, property::summary, summary.raw());
    }
}

void ResourcePools::show_all() {
    Transaction transaction(context_.inventory);
    for (const auto& [id, pool] : pools_) show(transaction, pool);
    show_use(transaction);
    transaction.commit();
}

void ResourcePools::show_usage(std::span<const MachineUsage> machines) {
    usage_.clear();
    for (const MachineUsage& usage : machines) usage_[usage.ref.id] = usage;
    Transaction transaction(context_.inventory);
    show_use(transaction);
    transaction.commit();
    // What machines want counts only where a limit is divided. All else is seen when it changes.
    const bool divides = std::ranges::any_of(pools_, [](const auto& entry) {
        return !entry.second.is_root() && allocation_of(entry.second.cpu).limit >= 0;
    });
    if (divides) context_.runtime.spawn("divide limits of pools", apply());
}

}  // namespace drover::host
