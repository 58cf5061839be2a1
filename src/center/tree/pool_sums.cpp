#include "center/tree/pool_sums.hpp"

#include <fmt/format.h>

#include "center/tree/tree_state.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;

void PoolShare::add(const PoolShare& other, std::int64_t sign) {
    machines += sign * other.machines;
    running += sign * other.running;
    cpu_mhz += sign * other.cpu_mhz;
    cpu_demand_mhz += sign * other.cpu_demand_mhz;
    guest_mb += sign * other.guest_mb;
    host_mb += sign * other.host_mb;
    private_mb += sign * other.private_mb;
    shared_mb += sign * other.shared_mb;
    swapped_mb += sign * other.swapped_mb;
    ballooned_mb += sign * other.ballooned_mb;
    overhead_mb += sign * other.overhead_mb;
    configured_mb += sign * other.configured_mb;
    reserved_mhz += sign * other.reserved_mhz;
    reserved_mb += sign * other.reserved_mb;
}

PoolShare share_of(const vim::VirtualMachineSummary& summary) {
    PoolShare share;
    if (!summary || !summary.config() || summary.config().template_()) return share;
    const auto config = summary.config();
    share.machines = 1;
    share.configured_mb = config.memorySizeMB().value_or(0);
    const auto runtime = summary.runtime();
    if (!runtime || runtime.powerState() != vim::VirtualMachinePowerState::poweredOn) return share;
    share.running = 1;
    share.reserved_mhz = config.cpuReservation().value_or(0);
    share.reserved_mb = config.memoryReservation().value_or(0);
    const auto stats = summary.quickStats();
    if (!stats) return share;
    share.cpu_mhz = stats.overallCpuUsage().value_or(0);
    share.cpu_demand_mhz = stats.overallCpuDemand().value_or(0);
    share.guest_mb = stats.guestMemoryUsage().value_or(0);
    share.host_mb = stats.hostMemoryUsage().value_or(0);
    share.private_mb = stats.privateMemory().value_or(0);
    share.shared_mb = stats.sharedMemory().value_or(0);
    share.swapped_mb = stats.swappedMemory().value_or(0);
    share.ballooned_mb = stats.balloonedMemory().value_or(0);
    share.overhead_mb = stats.consumedOverheadMemory().value_or(0);
    return share;
}

service::PoolTree pool_tree(const TreeState& state, const MoRef& compute_resource,
                            PoolResource resource) {
    const bool is_cpu = resource == PoolResource::cpu;
    std::vector<service::PoolNode> nodes;
    for (const MoRef& ref : state.subtree(compute_resource)) {
        const Node& node = state.nodes.at(ref.id);
        if (!node.pool) continue;
        service::PoolNode made;
        made.key = ref.id;
        made.parent = node.is_fixed ? std::string() : node.parent.id;
        made.allocation = service::allocation_of(is_cpu ? node.pool->cpu : node.pool->memory);
        // Nothing is above the root.
        if (node.is_fixed) made.allocation.expandable = false;
        nodes.push_back(std::move(made));
        const auto share = state.shares.find(ref.id);
        if (share == state.shares.end()) continue;
        // All machines of a pool as one.
        service::PoolNode machines;
        machines.key = ref.id + " machines";
        machines.parent = ref.id;
        machines.is_machine = true;
        machines.allocation.reservation =
            is_cpu ? share->second.reserved_mhz : share->second.reserved_mb;
        nodes.push_back(std::move(machines));
    }
    return service::PoolTree(nodes);
}

void require_room(const TreeState& state, const MoRef& pool, std::int64_t cpu_mhz,
                  std::int64_t memory_mb) {
    const Node* owner = state.above(pool, TypeId::ComputeResource);
    if (owner == nullptr) return;
    const std::string name = state.name_of(pool);
    const auto cpu = pool_tree(state, owner->ref, PoolResource::cpu);
    if (const auto missing = cpu.missing_for(pool.id, cpu_mhz)) {
        auto fault = vim::InsufficientCpuResourcesFault::make();
        fault.set_requested(cpu_mhz);
        fault.set_unreserved(cpu_mhz - missing);
        throw vim::Fault(fault, fmt::format("The pool '{}' can reserve {} MHz more, not {}.", name,
                                            cpu_mhz - missing, cpu_mhz));
    }
    const auto memory = pool_tree(state, owner->ref, PoolResource::memory);
    if (const auto missing = memory.missing_for(pool.id, memory_mb)) {
        auto fault = vim::InsufficientMemoryResourcesFault::make();
        fault.set_requested(memory_mb << 20);
        fault.set_unreserved((memory_mb - missing) << 20);
        throw vim::Fault(fault, fmt::format("The pool '{}' can reserve {} MB more, not {}.", name,
                                            memory_mb - missing, memory_mb));
    }
}

}  // namespace drover::center
