#include "plan/admission/admission.hpp"

#include <algorithm>

#include "plan/entitlement/divvy.hpp"

namespace drover::plan {

namespace {

constexpr double kRounding = 1e-6;

const Allocation& allocation_of(const Snapshot& snapshot, Resource resource, PoolIndex pool) {
    const auto& described = snapshot.pools[pool];
    return resource == Resource::cpu ? described.cpu : described.memory;
}

// What a pool takes from its parent.
double claim_of(const Allocation& allocation, double reserved) {
    return allocation.expandable ? std::max(allocation.reservation, reserved)
                                 : allocation.reservation;
}

AdmissionRefusal refusal(const Snapshot& snapshot, Resource resource, PoolIndex pool,
                         double requested, double unreserved) {
    return {resource, pool, pool == kNone ? "the cluster" : snapshot.pools[pool].name, requested,
            std::max(0.0, unreserved)};
}

// Whether `more` can be reserved in a pool, on top of what is.
std::optional<AdmissionRefusal> admit_in(const Snapshot& snapshot, Resource resource,
                                         PoolIndex pool, double more) {
    while (more > kRounding) {
        const double reserved = reserved_in(snapshot, resource, pool);
        if (pool == kNone) {
            const double capacity =
                resource == Resource::cpu ? cpu_capacity(snapshot) : memory_capacity(snapshot);
            if (reserved + more <= capacity + kRounding) return std::nullopt;
            return refusal(snapshot, resource, pool, more, capacity - reserved);
        }
        const auto& allocation = allocation_of(snapshot, resource, pool);
        const double after = reserved + more;
        const double bound = allocation.expandable
                                 ? allocation.limit
                                 : std::min(allocation.reservation, allocation.limit);
        if (after > bound + kRounding) {
            return refusal(snapshot, resource, pool, more, bound - reserved);
        }
        more = claim_of(allocation, after) - claim_of(allocation, reserved);
        pool = snapshot.pools[pool].parent;
    }
    return std::nullopt;
}

std::optional<AdmissionRefusal> admit_allocation(const Snapshot& snapshot, Resource resource,
                                                 PoolIndex pool, const Allocation& changed) {
    const double reserved = reserved_in(snapshot, resource, pool);
    const double bound =
        changed.expandable ? changed.limit : std::min(changed.reservation, changed.limit);
    if (reserved > bound + kRounding) {
        return refusal(snapshot, resource, pool, reserved, bound);
    }
    const double more =
        claim_of(changed, reserved) - claim_of(allocation_of(snapshot, resource, pool), reserved);
    return admit_in(snapshot, resource, snapshot.pools[pool].parent, more);
}

}  // namespace

double reserved_in(const Snapshot& snapshot, Resource resource, PoolIndex pool) {
    double sum = 0;
    for (const auto& machine : snapshot.machines) {
        if (machine.pool != pool || machine.host == kNone) continue;
        const auto asked = reservation_of(machine);
        sum += resource == Resource::cpu ? asked.cpu_mhz : asked.memory_bytes;
    }
    for (PoolIndex child = 0; child < snapshot.pools.size(); ++child) {
        if (snapshot.pools[child].parent != pool) continue;
        sum += claim_of(allocation_of(snapshot, resource, child),
                        reserved_in(snapshot, resource, child));
    }
    return sum;
}

ReservationChange reservation_of(const Machine& machine) {
    return {machine.cpu.reservation, machine.memory.reservation + machine.memory_overhead_bytes};
}

std::optional<AdmissionRefusal> admit(const Snapshot& snapshot, PoolIndex pool,
                                      const ReservationChange& more) {
    if (auto refused = admit_in(snapshot, Resource::cpu, pool, more.cpu_mhz)) return refused;
    return admit_in(snapshot, Resource::memory, pool, more.memory_bytes);
}

std::optional<AdmissionRefusal> admit_pool_change(const Snapshot& snapshot, PoolIndex pool,
                                                  const Allocation& cpu, const Allocation& memory) {
    if (auto refused = admit_allocation(snapshot, Resource::cpu, pool, cpu)) return refused;
    return admit_allocation(snapshot, Resource::memory, pool, memory);
}

std::optional<AdmissionRefusal> admit_new_pool(const Snapshot& snapshot, PoolIndex parent,
                                               const Allocation& cpu, const Allocation& memory) {
    if (auto refused = admit_in(snapshot, Resource::cpu, parent, cpu.reservation)) return refused;
    return admit_in(snapshot, Resource::memory, parent, memory.reservation);
}

}  // namespace drover::plan
