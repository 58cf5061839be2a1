#pragma once

// Whether what is promised can be kept: reservations are taken from the pool, and where a pool may
// expand, from its parents, up to the cluster itself.

#include <optional>
#include <string>

#include "plan/model/snapshot.hpp"

namespace drover::plan {

enum class Resource { cpu, memory };

struct AdmissionRefusal {
    Resource resource = Resource::cpu;
    PoolIndex pool = kNone;  ///< where it fails; kNone: the cluster itself
    std::string where{};     ///< its name
    double requested = 0;    ///< MHz or bytes that were asked of it
    double unreserved = 0;   ///< what it has left
};

/// What a pool has promised to its machines and pools; of the cluster with kNone. Machines that do
/// not run are promised nothing.
double reserved_in(const Snapshot& snapshot, Resource resource, PoolIndex pool);

/// Power-on of a machine (whose host is still kNone), or a higher reservation of one that runs:
/// `more` on top of what counts now, overhead included.
struct ReservationChange {
    double cpu_mhz = 0;
    double memory_bytes = 0;
};
std::optional<AdmissionRefusal> admit(const Snapshot& snapshot, PoolIndex pool,
                                      const ReservationChange& more);

/// What a machine asks for at power-on.
ReservationChange reservation_of(const Machine& machine);

/// Other settings for a pool that exists.
std::optional<AdmissionRefusal> admit_pool_change(const Snapshot& snapshot, PoolIndex pool,
                                                  const Allocation& cpu, const Allocation& memory);
/// A new, empty pool.
std::optional<AdmissionRefusal> admit_new_pool(const Snapshot& snapshot, PoolIndex parent,
                                               const Allocation& cpu, const Allocation& memory);

}  // namespace drover::plan
