#pragma once

// What is to be protected, and how: configuration, the same on every host.

#include <memory>
#include <vector>

#include "ha/protocol/ids.hpp"
#include "ha/response/isolation.hpp"
#include "plan/model/snapshot.hpp"

namespace drover::ha {

/// vSphere's restart priorities, the first first.
enum class Priority { highest, high, medium, low, lowest, disabled };

/// What a machine must have reached before those of the next priority, or those that depend on it,
/// may start.
enum class ReadyWhen { assigned, running, guest_ready };

struct ProtectedMachine {
    MachineId id{};
    Priority priority = Priority::medium;
    ReadyWhen ready_when = ReadyWhen::assigned;
    Duration ready_timeout = std::chrono::minutes{10};  ///< then the others go on without it
    std::vector<MachineId> depends_on{};
    IsolationResponse isolation = IsolationResponse::leave_on;
    /// Tells one place of its lease from another: what was read there says nothing here.
    std::uint64_t lease_place = 0;
};

/// `machines[i]` is `shape.machines[i]` and `hosts[i]` is `shape.hosts[i]`, so that the planner's
/// rules, reservations and CPU compatibility decide what fits.
struct Catalogue {
    std::uint64_t version = 0;
    std::vector<ProtectedMachine> machines{};
    std::vector<HostId> hosts{};
    plan::Snapshot shape{};
    std::uint32_t starts_per_host = 4;            ///< at a time
    std::uint32_t failures_at_most = 6;           ///< of one machine, before it waits for a person
    Duration back_off = std::chrono::seconds{5};  ///< doubles with each failure
    Duration back_off_at_most = std::chrono::minutes{5};
    IsolationSettings isolation{};
};
using CataloguePtr = std::shared_ptr<const Catalogue>;

}  // namespace drover::ha
