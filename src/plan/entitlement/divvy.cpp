#include "plan/entitlement/divvy.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace drover::plan {

namespace {

struct Bounds {
    double floor;
    double ceiling;
    double shares;
};

// The level at which sum(clamp(level * shares, floor, ceiling)) is the capacity: the sum is
// piecewise linear in the level, with a corner where somebody begins or ends to grow.
double find_level(double capacity, const std::vector<Bounds>& all) {
    struct Corner {
        double level;
        double slope_change;
    };
    std::vector<Corner> corners;
    double sum = 0;
    for (const auto& bounds : all) {
        sum += bounds.floor;
        if (bounds.ceiling <= bounds.floor) continue;
        corners.push_back({bounds.floor / bounds.shares, bounds.shares});
        corners.push_back({bounds.ceiling / bounds.shares, -bounds.shares});
    }
    std::ranges::sort(corners, {}, [](const Corner& corner) {
        return std::pair(corner.level, corner.slope_change);
    });
    double level = 0;
    double slope = 0;
    for (const auto& corner : corners) {
        const double next = sum + slope * (corner.level - level);
        if (next >= capacity && slope > 0) return level + (capacity - sum) / slope;
        sum = next;
        level = corner.level;
        slope = std::max(0.0, slope + corner.slope_change);
    }
    return level;
}

class Tree {
public:
    Tree(const Snapshot& snapshot, std::vector<Claim> machines, const Allocation Pool::* allocation)
        : snapshot_(snapshot), machines_(std::move(machines)), allocation_(allocation) {
        const auto pools = snapshot.pools.size();
        child_pools_.resize(pools + 1);
        child_machines_.resize(pools + 1);
        for (PoolIndex at = 0; at < pools; ++at) {
            child_pools_[slot(snapshot.pools[at].parent)].push_back(at);
        }
        for (MachineIndex at = 0; at < machines_.size(); ++at) {
            if (snapshot.machines[at].host == kNone) continue;
            child_machines_[slot(snapshot.machines[at].pool)].push_back(at);
        }
        pools_.resize(pools);
        result_.machines.resize(machines_.size());
        result_.pools.resize(pools);
    }

    Entitlements run(double capacity) {
        for (const auto pool : child_pools_.back()) gather(pool);
        give(snapshot_.pools.size(), capacity);
        return std::move(result_);
    }

private:
    std::size_t slot(PoolIndex pool) const { return pool == kNone ? snapshot_.pools.size() : pool; }
    static double ceiling(const Claim& claim) { return std::min(claim.limit, claim.demand); }
    static double floor(const Claim& claim) { return std::min(claim.reservation, ceiling(claim)); }

    void gather(PoolIndex pool) {
        const auto& allocation = snapshot_.pools[pool].*allocation_;
        double demand = 0;
        double floors = 0;
        for (const auto machine : child_machines_[pool]) {
            demand += ceiling(machines_[machine]);
            floors += floor(machines_[machine]);
        }
        for (const auto child : child_pools_[pool]) {
            gather(child);
            demand += ceiling(pools_[child]);
            floors += floor(pools_[child]);
        }
        // What expands holds what its members were promised, wherever it came from.
        const double reservation = allocation.expandable ? std::max(allocation.reservation, floors)
                                                         : allocation.reservation;
        pools_[pool] = {reservation, allocation.limit, allocation.shares, demand};
    }

    void give(std::size_t pool, double amount) {
        std::vector<Claim> claims;
        for (const auto machine : child_machines_[pool]) claims.push_back(machines_[machine]);
        for (const auto child : child_pools_[pool]) claims.push_back(pools_[child]);
        const auto parts = divvy(amount, claims);
        std::size_t at = 0;
        for (const auto machine : child_machines_[pool]) result_.machines[machine] = parts[at++];
        for (const auto child : child_pools_[pool]) {
            result_.pools[child] = parts[at++];
            give(child, result_.pools[child]);
        }
    }

    const Snapshot& snapshot_;
    std::vector<Claim> machines_;
    const Allocation Pool::* allocation_;
    std::vector<std::vector<PoolIndex>> child_pools_;  // the last: of the cluster
    std::vector<std::vector<MachineIndex>> child_machines_;
    std::vector<Claim> pools_;
    Entitlements result_;
};

}  // namespace

std::vector<double> divvy(double capacity, std::span<const Claim> claims) {
    std::vector<Bounds> all;
    all.reserve(claims.size());
    double floors = 0;
    double most_shares = 0;
    for (const auto& claim : claims) most_shares = std::max(most_shares, claim.shares);
    for (const auto& claim : claims) {
        const double ceiling = std::max(0.0, std::min(claim.limit, claim.demand));
        const double floor = std::clamp(claim.reservation, 0.0, ceiling);
        // Who has no shares gets what the others leave.
        const double shares = std::max(claim.shares, most_shares > 0 ? most_shares * 1e-9 : 1);
        all.push_back({floor, ceiling, shares});
        floors += floor;
    }
    std::vector<double> parts;
    parts.reserve(claims.size());
    capacity = std::max(0.0, capacity);
    if (floors >= capacity) {
        const double part = floors > 0 ? capacity / floors : 0;
        for (const auto& bounds : all) parts.push_back(bounds.floor * part);
        return parts;
    }
    const double level = find_level(capacity, all);
    for (const auto& bounds : all) {
        parts.push_back(std::clamp(level * bounds.shares, bounds.floor, bounds.ceiling));
    }
    return parts;
}

Entitlements entitle_cpu(const Snapshot& snapshot, double capacity_mhz) {
    std::vector<Claim> machines;
    for (const auto& machine : snapshot.machines) {
        machines.push_back({machine.cpu.reservation, machine.cpu.limit, machine.cpu.shares,
                            machine.cpu_demand_mhz});
    }
    return Tree(snapshot, std::move(machines), &Pool::cpu).run(capacity_mhz);
}

Entitlements entitle_memory(const Snapshot& snapshot, double capacity_bytes) {
    std::vector<Claim> machines;
    for (const auto& machine : snapshot.machines) {
        const double overhead = machine.memory_overhead_bytes;
        machines.push_back({machine.memory.reservation + overhead, machine.memory.limit + overhead,
                            machine.memory.shares, machine.memory_demand_bytes + overhead});
    }
    return Tree(snapshot, std::move(machines), &Pool::memory).run(capacity_bytes);
}

double cpu_capacity(const Snapshot& snapshot) {
    double sum = 0;
    for (const auto& host : snapshot.hosts) sum += host.usable ? host.cpu_mhz : 0;
    return sum;
}

double memory_capacity(const Snapshot& snapshot) {
    double sum = 0;
    for (const auto& host : snapshot.hosts) sum += host.usable ? host.memory_bytes : 0;
    return sum;
}

}  // namespace drover::plan
