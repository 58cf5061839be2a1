#pragma once

#include <optional>
#include <vector>

#include "ha/protocol/ids.hpp"

namespace drover::ha {

/// Who may run a machine; a cell on the machine's own datastore, changed by compare-and-swap.
struct Lease {
    Generation generation = 0;
    Tenure owner{};
    Tenure successor{};   ///< the target of a migration, named before the switch-over
    bool wanted = false;  ///< should run. Not wanted: an administrator or the guest turned it off.

    /// A host runs it that had not begun to protect it when it started it: the owner's epoch is 0.
    /// Only that host may change the lease; to others it is as good as unreadable.
    bool is_unguarded() const { return owner && owner.epoch == 0; }

    friend bool operator==(const Lease&, const Lease&) = default;
};

/// Which host should start which machine; advice. `generation` is that of the lease it is about:
/// when the lease has moved on, the advice is void.
struct Assignment {
    MachineId machine{};
    Generation generation = 0;
    HostId host = kNoHost;

    friend bool operator==(const Assignment&, const Assignment&) = default;
};

/// The planner's own lease, with its newest plan in it.
struct PlanCell {
    Generation generation = 0;
    Tenure planner{};
    std::vector<Assignment> assignments{};
};

}  // namespace drover::ha
