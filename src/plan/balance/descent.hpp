#pragma once

// From the busiest host downwards: the move that helps most, towards the least busy hosts; where no
// move helps, two machines change places. It ends when neither helps anywhere, so that asked again
// about what it left it does nothing.

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "plan/balance/demand_cost.hpp"
#include "plan/balance/effort.hpp"
#include "plan/model/state.hpp"

namespace drover::plan {

/// Runs, may be moved by the planner alone, and has not moved too often.
bool may_be_balanced(const Cluster& cluster, MachineIndex machine);

struct DescentOptions {
    std::size_t max_moves = static_cast<std::size_t>(-1);
    std::size_t candidates = 24;  ///< hosts that are looked at for each machine
    double minimum_gain = 1e-7;
    bool swaps = true;
};

class Descent {
public:
    Descent(State& state, DemandCost& cost, const DescentOptions& options);

    /// First whatever is where it must not be, then balance.
    void run(const Effort& effort);
    /// Moves machines off unusable and forbidden hosts and mends rules. Those that found no place.
    std::vector<MachineIndex> mend();

    /// The host where the machine (which may be nowhere) costs least.
    std::optional<HostIndex> best_host(MachineIndex machine) const;
    /// Puts a machine that is nowhere where it costs least, others making room if need be. False if
    /// no host can take it.
    bool start(MachineIndex machine);

private:
    struct Change {
        double delta = 0;
        MachineIndex machine = kNone;
        HostIndex to = kNone;
        MachineIndex other = kNone;  ///< comes in return
    };
    bool improve(HostIndex host);
    Change best_move_from(HostIndex host) const;
    Change best_swap_from(HostIndex host) const;
    bool move_companions(HostIndex host);
    double move_group(const std::vector<MachineIndex>& group, HostIndex to);
    void apply(MachineIndex machine, HostIndex to);
    bool within_moves(MachineIndex machine, HostIndex to) const;
    bool must_leave(MachineIndex machine) const;
    bool spread_out(const Rule& rule);
    bool make_room(MachineIndex machine);
    bool unite(const std::vector<MachineIndex>& group);
    double worth_trying(HostIndex host) const;

    State& state_;
    DemandCost& cost_;
    DescentOptions options_;
    const Cluster& cluster_;
    std::set<std::pair<double, HostIndex>> by_pressure_;
    std::vector<double> pressure_;
    std::size_t moved_ = 0;
    std::uint64_t looked_ = 0;
};

}  // namespace drover::plan
