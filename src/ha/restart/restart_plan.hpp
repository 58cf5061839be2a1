#pragma once

// Which machines should be started now and where: a value from values. Priorities and dependencies
// give the order, the planner's feasibility the places, the bounds the number at a time.

#include <string_view>
#include <vector>

#include "ha/protocol/heartbeat.hpp"
#include "ha/protocol/lease.hpp"
#include "ha/restart/catalogue.hpp"

namespace drover::ha {

/// What the planning host knows about a machine, in the catalogue's order.
struct MachineState {
    Lease lease{};
    /// Its lease was read of late. While the datastore that has it is away nobody can start it.
    bool is_read = true;
    bool takeable = false;  ///< wanted, and everybody who could run it is over
    /// Its owner was heard of late, in the lease's epoch; of takeable ones without meaning. After
    /// all hosts lost their power it takes a while until the machines of others are takeable.
    bool has_owner = true;
    Phase phase = Phase::running;  ///< as its owner says; of takeable ones without meaning
    std::uint32_t failures = 0;
    Time failed_at = kNever;     ///< the last time
    HostId failed_on = kNoHost;  ///< avoided while others can take it
    Time down_since = kNever;    ///< of takeable ones, as far as this host knows
};

struct RestartView {
    Time now{};
    std::vector<MachineState> machines{};
    std::vector<HostId> usable{};  ///< heard of late, and taking machines
};

enum class Waiting {
    priority,
    dependency,
    back_off,
    too_many_failures,
    start_slots,
    no_host,  ///< nobody can take it: room, rules or features
    disabled,
};
std::string_view text_of(Waiting why);

struct RestartPlan {
    std::vector<Assignment> assignments{};  ///< old ones that still hold, and new ones
    struct Waits {
        MachineId machine{};
        Waiting why{};
    };
    std::vector<Waits> waiting{};
};

/// `standing`: the newest assignments; those that are still of use are kept.
RestartPlan plan_restarts(const Catalogue& catalogue, const RestartView& view,
                          const std::vector<Assignment>& standing);

}  // namespace drover::ha
