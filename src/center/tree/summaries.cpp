#include "center/tree/summaries.hpp"

#include <algorithm>
#include <set>

#include "center/tree/cluster_config.hpp"
#include "center/tree/data.hpp"
#include "vim/inventory_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::ManagedObject;
using model::Transaction;
using vim::ManagedEntityStatus;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;

namespace {

// Changes of so long are shown together.
constexpr std::chrono::milliseconds kSoon{100};

std::int32_t narrow(std::int64_t value) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, 0, INT32_MAX));
}

// What hosts give, in MHz, bytes and numbers; "effective" are those that take machines now.
struct Capacity {
    std::int64_t mhz = 0;
    std::int64_t bytes = 0;
    std::int64_t cores = 0;
    std::int64_t threads = 0;
    std::int64_t hosts = 0;
    std::int64_t effective_mhz = 0;
    std::int64_t effective_bytes = 0;
    std::int64_t effective_hosts = 0;
    ManagedEntityStatus status = ManagedEntityStatus::green;
};

void add_host(Capacity& sum, const ManagedObject& host) {
    ++sum.hosts;
    const Value& state = host.property(property::HostSystem::overallStatus);
    if (state) {
        const auto status = vim::Convert<ManagedEntityStatus>::from(state);
        sum.status = std::max(sum.status, status);
    }
    const Value& known = host.property(property::HostSystem::summary);
    const auto summary = known ? vim::HostListSummary(known) : vim::HostListSummary();
    const auto hardware = summary ? summary.hardware() : vim::HostHardwareSummary();
    if (!hardware) return;
    const std::int64_t mhz = std::int64_t{hardware.cpuMhz()} * hardware.numCpuCores();
    sum.mhz += mhz;
    sum.bytes += hardware.memorySize();
    sum.cores += hardware.numCpuCores();
    sum.threads += hardware.numCpuThreads();
    const Value& now = host.property(property::HostSystem::runtime);
    const auto runtime = now ? vim::HostRuntimeInfo(now) : summary.runtime();
    if (!runtime || runtime.inMaintenanceMode()) return;
    if (runtime.connectionState() != vim::HostSystemConnectionState::connected) return;
    ++sum.effective_hosts;
    sum.effective_mhz += mhz;
    sum.effective_bytes += hardware.memorySize();
}

// The lists of several hosts as one.
Value union_of(const std::vector<const ManagedObject*>& hosts, model::PropertyIndex index,
               TypeId type) {
    const auto less = [](const MoRef& left, const MoRef& right) {
        return model::reference_less(left.id, right.id);
    };
    std::set<MoRef, decltype(less)> all(less);
    for (const ManagedObject* host : hosts) {
        const Value& list = host->property(index);
        if (!list) continue;
        for (const Value& each : list.elements()) all.insert(each.as_moref());
    }
    std::vector<Value> values;
    for (const MoRef& ref : all) values.push_back(Value::moref(ref));
    return Value::array(type, std::move(values));
}

vim::ResourcePoolResourceUsage usage_of(const service::PoolUse& use, std::int64_t unit,
                                        std::int64_t used) {
    auto made = vim::ResourcePoolResourceUsage::make();
    made.set_reservationUsed(use.reservation_used * unit);
    made.set_reservationUsedForVm(use.reservation_used_by_machines * unit);
    made.set_unreservedForPool(use.unreserved_for_pool * unit);
    made.set_unreservedForVm(use.unreserved_for_machine * unit);
    made.set_overallUsage(used);
    made.set_maxUsage(use.most * unit);
    return made;
}

vim::ResourcePoolQuickStats quick_stats(const PoolShare& share) {
    auto stats = vim::ResourcePoolQuickStats::make();
    stats.set_overallCpuUsage(share.cpu_mhz);
    stats.set_overallCpuDemand(share.cpu_demand_mhz);
    stats.set_guestMemoryUsage(share.guest_mb);
    stats.set_hostMemoryUsage(share.host_mb);
    stats.set_privateMemory(share.private_mb);
    stats.set_sharedMemory(share.shared_mb);
    stats.set_swappedMemory(share.swapped_mb);
    stats.set_balloonedMemory(share.ballooned_mb);
    stats.set_consumedOverheadMemory(share.overhead_mb);
    return stats;
}

Value cluster_usage(const Capacity& capacity, const PoolShare& share) {
    const auto number = [](std::int64_t value) { return Value::int_(narrow(value)); };
    return make_data(TypeId::ClusterUsageSummary,
                     {{"totalCpuCapacityMhz", number(capacity.mhz)},
                      {"totalMemCapacityMB", number(capacity.bytes >> 20)},
                      {"cpuReservationMhz", number(share.reserved_mhz)},
                      {"memReservationMB", number(share.reserved_mb)},
                      {"poweredOffCpuReservationMhz", number(0)},
                      {"poweredOffMemReservationMB", number(0)},
                      {"cpuDemandMhz", number(std::max(share.cpu_demand_mhz, share.cpu_mhz))},
                      {"memDemandMB", number(share.guest_mb)},
                      {"statsGenNumber", Value::long_(0)},
                      {"cpuEntitledMhz", number(share.cpu_mhz)},
                      {"memEntitledMB", number(share.host_mb)},
                      {"poweredOffVmCount", number(share.machines - share.running)},
                      {"totalVmCount", number(share.machines)}});
}

}  // namespace

void Summaries::start() {
    state_.context.inventory.for_each([this](const ManagedObject& object) { note(object); });
    subscription_ =
        state_.context.inventory.observe([this](const model::Delta& delta) { observe(delta); });
    publish();
}

void Summaries::note(const ManagedObject& object) {
    if (vim::is_a(object.type(), TypeId::VirtualMachine)) {
        note_machine(object);
    } else if (object.type() == TypeId::HostSystem) {
        const Value& parent = object.property(property::HostSystem::parent);
        if (parent) mark(parent.as_moref());
    } else if (vim::is_a(object.type(), TypeId::ComputeResource) ||
               vim::is_a(object.type(), TypeId::ResourcePool)) {
        mark(object.ref());
    }
}

void Summaries::note_machine(const ManagedObject& object) {
    const Value& pool = object.property(property::VirtualMachine::resourcePool);
    const Value& summary = object.property(property::VirtualMachine::summary);
    Machine now;
    if (pool) {
        now.pool = pool.moref_id();
        now.share = share_of(vim::VirtualMachineSummary(summary));
    }
    auto& known = machines_[object.id()];
    if (known.pool == now.pool && known.share == now.share) return;
    if (!known.pool.empty()) {
        state_.shares[known.pool].add(known.share, -1);
        mark({TypeId::ResourcePool, known.pool});
    }
    if (!now.pool.empty()) {
        state_.shares[now.pool].add(now.share);
        mark({TypeId::ResourcePool, now.pool});
    }
    known = std::move(now);
}

void Summaries::forget_machine(const std::string& machine) {
    const auto known = machines_.find(machine);
    if (known == machines_.end()) return;
    if (!known->second.pool.empty()) {
        state_.shares[known->second.pool].add(known->second.share, -1);
        mark({TypeId::ResourcePool, known->second.pool});
    }
    machines_.erase(known);
}

void Summaries::mark(const MoRef& at) {
    const Node* compute = state_.above(at, TypeId::ComputeResource);
    if (compute == nullptr) return;
    dirty_.insert(compute->ref.id);
    if (std::exchange(is_scheduled_, true)) return;
    auto& runtime = state_.context.runtime;
    runtime.spawn("summaries", publish_soon(runtime, self_));
}

void Summaries::observe(const model::Delta& delta) {
    std::vector<MoRef> gone;
    for (const auto& object : delta.destroyed) {
        const bool machine = vim::is_a(object->type(), TypeId::VirtualMachine);
        if (machine) forget_machine(object->id());
        if (machine || object->type() == TypeId::HostSystem) gone.push_back(object->ref());
        if (object->type() == TypeId::HostSystem) note(*object);
        if (vim::is_a(object->type(), TypeId::ResourcePool)) state_.shares.erase(object->id());
    }
    for (const ManagedObject* object : delta.created) {
        note(*object);
        // A browser is made with the first host.
        if (object->type() != TypeId::EnvironmentBrowser) continue;
        for (const auto& [id, node] : state_.nodes) {
            if (vim::is_a(node.ref.type, TypeId::ComputeResource)) mark(node.ref);
        }
    }
    for (const model::PropertyChange& change : delta.changes) {
        const TypeId type = change.object->type();
        if (type == TypeId::HostSystem) {
            namespace host = property::HostSystem;
            const auto index = change.property;
            if (index == host::parent && change.old_value) mark(change.old_value.as_moref());
            if (index == host::parent || index == host::summary || index == host::runtime ||
                index == host::datastore || index == host::network ||
                index == host::overallStatus) {
                note(*change.object);
            }
        } else if (vim::is_a(type, TypeId::VirtualMachine)) {
            namespace machine = property::VirtualMachine;
            if (change.property == machine::summary || change.property == machine::resourcePool) {
                note_machine(*change.object);
            }
        } else if (vim::is_a(type, TypeId::ResourcePool)) {
            namespace pool = property::ResourcePool;
            if (change.property == pool::config || change.property == pool::parent) {
                mark(change.object->ref());
            }
        } else if (vim::is_a(type, TypeId::ComputeResource)) {
            if (change.property == property::ComputeResource::host) mark(change.object->ref());
        }
    }
    if (!gone.empty()) {
        state_.context.runtime.spawn("rules of machines that are gone",
                                     clean_configurations(std::move(gone)));
    }
}

task::Awaitable<void> Summaries::publish_soon(task::Runtime& runtime,
                                              std::weak_ptr<Summaries*> self) {
    co_await runtime.sleep(kSoon);
    const auto summaries = self.lock();
    if (!summaries) co_return;
    (*summaries)->is_scheduled_ = false;
    (*summaries)->publish();
}

void Summaries::publish() {
    const auto dirty = std::exchange(dirty_, {});
    Transaction transaction(state_.context.inventory);
    for (const std::string& id : dirty) {
        const auto node = state_.nodes.find(id);
        if (node == state_.nodes.end()) continue;
        publish_compute(transaction, node->second.ref);
        publish_pools(transaction, node->second.ref);
    }
    transaction.commit();
}

void Summaries::publish_compute(Transaction& transaction, const MoRef& compute) {
    namespace shown = property::ComputeResource;
    const auto& inventory = state_.context.inventory;
    Capacity capacity;
    std::vector<const ManagedObject*> hosts;
    const Value& list = transaction.get(compute, shown::host);
    for (const Value& each : list.elements()) {
        const ManagedObject* host = inventory.find(each.as_moref());
        if (host == nullptr) continue;
        hosts.push_back(host);
        add_host(capacity, *host);
    }
    const bool is_cluster = compute.type == TypeId::ClusterComputeResource;
    const Value& before = transaction.get(compute, shown::summary);
    Value summary = before ? before : empty_summary(is_cluster);
    set_property(summary, "totalCpu", Value::int_(narrow(capacity.mhz)));
    set_property(summary, "totalMemory", Value::long_(capacity.bytes));
    const auto small = [](std::int64_t value) {
        return Value::short_(static_cast<std::int16_t>(std::min<std::int64_t>(value, INT16_MAX)));
    };
    set_property(summary, "numCpuCores", small(capacity.cores));
    set_property(summary, "numCpuThreads", small(capacity.threads));
    set_property(summary, "effectiveCpu", Value::int_(narrow(capacity.effective_mhz)));
    set_property(summary, "effectiveMemory", Value::long_(capacity.effective_bytes >> 20));
    set_property(summary, "numHosts", Value::int_(narrow(capacity.hosts)));
    set_property(summary, "numEffectiveHosts", Value::int_(narrow(capacity.effective_hosts)));
    const Value status = vim::Convert<ManagedEntityStatus>::to(capacity.status);
    // Between such changes the entity's own may follow from its alarms.
    const bool is_news = !before || !(before.property("overallStatus") == status);
    set_property(summary, "overallStatus", status);
    if (is_cluster) {
        PoolShare all;
        for (const MoRef& ref : state_.subtree(compute)) {
            const auto share = state_.shares.find(ref.id);
            if (share != state_.shares.end()) all.add(share->second);
        }
        set_property(summary, "usageSummary", cluster_usage(capacity, all));
        transaction.set(compute, property::ClusterComputeResource::summaryEx, summary);
    }
    transaction.set(compute, shown::summary, summary);
    if (is_news) transaction.set(compute, shown::overallStatus, status);
    transaction.set(compute, shown::datastore,
                    union_of(hosts, property::HostSystem::datastore, TypeId::Datastore));
    transaction.set(compute, shown::network,
                    union_of(hosts, property::HostSystem::network, TypeId::Network));

    // The root pool is what the hosts give.
    const MoRef root = state_.root_pool_of(compute);
    if (!root) return;
    auto& pool = *state_.nodes.at(root.id).pool;
    pool.cpu.set_reservation(capacity.effective_mhz);
    pool.cpu.set_limit(capacity.effective_mhz);
    pool.memory.set_reservation(capacity.effective_bytes >> 20);
    pool.memory.set_limit(capacity.effective_bytes >> 20);
    transaction.set(root, property::ResourcePool::config, pool.config().raw());
}

void Summaries::publish_pools(Transaction& transaction, const MoRef& compute) {
    namespace shown = property::ResourcePool;
    const auto cpu = pool_tree(state_, compute, PoolResource::cpu);
    const auto memory = pool_tree(state_, compute, PoolResource::memory);
    std::unordered_map<std::string, PoolShare> sums;
    auto pools = state_.subtree(compute);
    std::ranges::reverse(pools);  // those below first
    for (const MoRef& ref : pools) {
        const Node& node = state_.nodes.at(ref.id);
        if (!node.pool) continue;
        PoolShare& sum = sums[ref.id];
        const auto own = state_.shares.find(ref.id);
        if (own != state_.shares.end()) sum.add(own->second);
        const PoolShare total = sum;
        sums[node.parent.id].add(total);
        auto runtime = vim::ResourcePoolRuntimeInfo::make();
        runtime.set_cpu(usage_of(cpu.use_of(ref.id), 1, total.cpu_mhz));
        runtime.set_memory(usage_of(memory.use_of(ref.id), 1 << 20, total.host_mb << 20));
        runtime.set_overallStatus(ManagedEntityStatus::green);
        transaction.set(ref, shown::runtime, runtime.raw());
        auto summary = vim::ResourcePoolSummary::make();
        summary.set_name(node.name);
        summary.set_config(node.pool->config());
        summary.set_runtime(runtime);
        summary.set_quickStats(quick_stats(total));
        summary.set_configuredMemoryMB(narrow(total.configured_mb));
        transaction.set(ref, shown::summary, summary.raw());
    }
}

// Rules and overrides of machines and hosts that are gone go with them.
task::Awaitable<void> Summaries::clean_configurations(std::vector<MoRef> gone) {
    const auto turn = co_await state_.turns.take();
    std::vector<Node> changed;
    std::set<std::string> ids;
    for (const MoRef& ref : gone) {
        if (state_.context.inventory.find(ref) == nullptr) ids.insert(ref.id);
    }
    for (const auto& [id, node] : state_.nodes) {
        if (node.ref.type != TypeId::ClusterComputeResource) continue;
        const vim::ClusterConfigInfoEx before(node.config);
        const auto after =
            without(before, [&ids](const MoRef& ref) { return ids.contains(ref.id); });
        if (after.raw().same_content(before.raw())) continue;
        changed.push_back(node);
        changed.back().config = after.raw();
    }
    if (changed.empty()) co_return;
    co_await state_.store(changed);
    state_.show(std::move(changed));
}

}  // namespace drover::center
