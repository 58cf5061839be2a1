#include "center/drs/pool_parts.hpp"

#include <algorithm>
#include <cmath>

#include "plan/entitlement/divvy.hpp"
#include "service/pools/pool_tree.hpp"

namespace drover::center {

namespace {

constexpr double kMebibyte = 1 << 20;
// A machine with a host to itself has so many shares; they need only be fine enough.
constexpr double kAllShares = 100'000;
// Parts that swing a little are not told anew each time.
constexpr double kGrain = 0.05;

std::int64_t coarse(double value, double whole) {
    const double grain = std::max(1.0, whole * kGrain);
    return std::max<std::int64_t>(1, std::llround(std::round(value / grain) * grain));
}

// What part of each pool's machines, by what they are entitled to, runs on the host.
std::vector<double> parts_here(const ClusterView& view, plan::HostIndex host,
                               const std::vector<double>& entitled) {
    const auto& shot = view.snapshot;
    std::vector<double> here(shot.pools.size());
    std::vector<double> all(shot.pools.size());
    for (std::size_t at = 0; at < shot.machines.size(); ++at) {
        const auto& machine = shot.machines[at];
        if (machine.host == plan::kNone) continue;
        // Also an idle machine may begin to work.
        const double weight = entitled[at] + 1;
        for (auto pool = machine.pool; pool != plan::kNone; pool = shot.pools[pool].parent) {
            all[pool] += weight;
            if (machine.host == host) here[pool] += weight;
        }
    }
    for (std::size_t at = 0; at < all.size(); ++at) here[at] = all[at] > 0 ? here[at] / all[at] : 0;
    return here;
}

plan::Allocation scaled(plan::Allocation allocation, double part) {
    allocation.reservation *= part;
    if (!std::isinf(allocation.limit)) allocation.limit *= part;
    return allocation;
}

// The host by itself, with its part of each pool.
plan::Snapshot alone(const ClusterView& view, plan::HostIndex host,
                     const std::vector<double>& cpu_parts, const std::vector<double>& memory_parts,
                     std::vector<plan::MachineIndex>& machines) {
    plan::Snapshot shot;
    shot.hosts = {view.snapshot.hosts[host]};
    shot.pools = view.snapshot.pools;
    for (std::size_t at = 0; at < shot.pools.size(); ++at) {
        shot.pools[at].cpu = scaled(shot.pools[at].cpu, cpu_parts[at]);
        shot.pools[at].memory = scaled(shot.pools[at].memory, memory_parts[at]);
    }
    for (plan::MachineIndex at = 0; at < view.snapshot.machines.size(); ++at) {
        if (view.snapshot.machines[at].host != host) continue;
        machines.push_back(at);
        shot.machines.push_back(view.snapshot.machines[at]);
        shot.machines.back().host = 0;
    }
    return shot;
}

std::int64_t whole_or_none(double limit) {
    return std::isinf(limit) ? -1 : std::llround(limit);
}

service::PoolTree tree_of(const plan::Snapshot& shot, bool is_cpu) {
    const double unit = is_cpu ? 1 : kMebibyte;
    const auto allocation = [unit](const plan::Allocation& from) {
        return service::Allocation{std::llround(from.reservation / unit),
                                   whole_or_none(from.limit / unit), std::llround(from.shares),
                                   from.expandable};
    };
    const auto name = [](plan::PoolIndex pool) {
        return pool == plan::kNone ? std::string("root") : "p" + std::to_string(pool);
    };
    std::vector<service::PoolNode> nodes{{"root", "", false, {0, -1, 1, false}, 0}};
    for (plan::PoolIndex at = 0; at < shot.pools.size(); ++at) {
        const auto& pool = shot.pools[at];
        nodes.push_back(
            {name(at), name(pool.parent), false, allocation(is_cpu ? pool.cpu : pool.memory), 0});
    }
    for (std::size_t at = 0; at < shot.machines.size(); ++at) {
        const auto& machine = shot.machines[at];
        const double demand = is_cpu ? machine.cpu_demand_mhz : machine.memory_demand_bytes / unit;
        nodes.push_back({"m" + std::to_string(at), name(machine.pool), true,
                         allocation(is_cpu ? machine.cpu : machine.memory), std::llround(demand)});
    }
    return service::PoolTree(nodes);
}

}  // namespace

std::vector<std::pair<vim::MoRef, service::MachinePart>> pool_parts(const ClusterView& view,
                                                                    plan::HostIndex host) {
    if (view.snapshot.pools.empty()) return {};
    const auto& shot = view.snapshot;
    const auto cpu =
        parts_here(view, host, plan::entitle_cpu(shot, plan::cpu_capacity(shot)).machines);
    const auto memory =
        parts_here(view, host, plan::entitle_memory(shot, plan::memory_capacity(shot)).machines);
    std::vector<plan::MachineIndex> machines;
    plan::Snapshot here = alone(view, host, cpu, memory, machines);
    const auto cpu_limits = tree_of(here, true).limits();
    const auto memory_limits = tree_of(here, false).limits();
    // What each would get if all wanted all: that is what shares and reservations promise.
    const double capacity = here.hosts.front().cpu_mhz;
    for (auto& machine : here.machines) machine.cpu_demand_mhz = capacity;
    const auto promised = plan::entitle_cpu(here, capacity).machines;
    std::vector<std::pair<vim::MoRef, service::MachinePart>> parts;
    for (std::size_t at = 0; at < machines.size(); ++at) {
        const std::string key = "m" + std::to_string(at);
        service::MachinePart part;
        part.cpu_shares =
            std::max<std::int64_t>(1, std::llround(kAllShares * promised[at] / capacity));
        const auto& machine = here.machines[at];
        const bool is_pooled = machine.pool != plan::kNone;
        if (const auto limit = cpu_limits.find(key); is_pooled && limit != cpu_limits.end()) {
            part.cpu_limit_mhz = coarse(static_cast<double>(limit->second), capacity);
        }
        if (const auto limit = memory_limits.find(key); is_pooled && limit != memory_limits.end()) {
            part.memory_limit_mb = coarse(static_cast<double>(limit->second),
                                          machine.memory_configured_bytes / kMebibyte);
        }
        parts.emplace_back(view.machines[machines[at]], part);
    }
    return parts;
}

}  // namespace drover::center
