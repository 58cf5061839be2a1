#pragma once

// An assignment with all sums that follow from it, so that a change is judged by looking at the two
// machines it touches.
//
// Both costs of a machine are sums of max(0, term): a load's term is what exceeds its safety, a
// balance's what is lacking, each times its weight. A process changes every term by a number of
// its own. So a cost with or without a process is one pass over a short row. Costs are whole
// numbers in doubles: exact up to 2^53.

#include <vector>

#include "plan/reassign/problem.hpp"
#include "plan/reassign/rows.hpp"

namespace drover::plan::reassign {

class Placement {
public:
    /// Both must outlive the placement. `original` must keep the hard constraints.
    Placement(const Problem& problem, const Assignment& original);

    const Assignment& assignment() const { return at_; }
    Index machine_of(Index process) const { return at_[process]; }
    const std::vector<Index>& processes_on(Index machine) const { return on_[machine]; }
    double cost() const { return cost_; }

    bool may_move(Index process, Index to) const {
        return has_room(process, to) && rules_allow(process, to);
    }
    bool has_room(Index process, Index to) const {
        const RoomLane* free = free_[to];
        const RoomLane* plus = arriving(process, to);
        return none_below_zero(free_.width(),
                               [=](auto k) { return free[k].lanes - plus[k].lanes; });
    }
    /// Whether a process would have room if all others left: transient resources stay in use.
    bool could_hold(Index machine, Index process) const {
        const RoomLane* most = most_free_[machine];
        const RoomLane* plus = arriving(process, machine);
        return none_below_zero(most_free_.width(),
                               [=](auto k) { return most[k].lanes - plus[k].lanes; });
    }
    /// Whether more of a resource is used there than there is, after moves that nobody asked about.
    bool is_overfull(Index machine) const {
        const RoomLane* free = free_[machine];
        return !none_below_zero(free_.width(), [=](auto k) { return free[k].lanes; });
    }
    /// One process a service and machine, spread and dependencies.
    bool rules_allow(Index process, Index to) const;
    double move_delta(Index process, Index to) const {
        return leave_delta(process) + arrive_delta(process, to);
    }
    /// Both parts of move_delta: where the process is, and all the rest. The first is remembered.
    double leave_delta(Index process) const;
    double arrive_delta(Index process, Index to) const;
    /// Of arrive_delta, what the move itself costs.
    double move_costs(Index process, Index to) const {
        return away_cost(process, to) - away_now_[process];
    }
    /// What it costs at least that a process is not at home.
    double least_away_cost(Index process) const { return process_cost_[process]; }
    /// Without balances arriving never gains: then leave_delta says whether a move can be worth it.
    bool arriving_costs() const { return problem_.balances.empty(); }

    bool is_home(Index process) const { return at_[process] == original_[process]; }
    Index home_of(Index process) const { return original_[process]; }
    /// Those that are not where they were at first.
    const std::vector<Index>& away() const { return away_; }
    /// Whether a process would have room where another is, once that one has gone.
    bool has_room_after(Index process, Index other) const {
        const auto machine = at_[other];
        const RoomLane* free = free_[machine];
        const RoomLane* plus = arriving(process, machine);
        const RoomLane* minus = arriving(other, machine);
        return none_below_zero(
            free_.width(), [=](auto k) { return free[k].lanes + minus[k].lanes - plus[k].lanes; });
    }
    /// What it changes that a process takes the place of another, which goes to `place`; all three
    /// machines differ. Service moves are only known afterwards.
    double replace_delta(Index process, Index other, Index place) const;

    /// Whether two processes on different machines have room in each other's place.
    bool have_room_to_swap(Index one, Index two) const {
        return has_room_after(one, two) && has_room_after(two, one);
    }
    /// Whether spread and the like let them; dependencies between the two show only afterwards.
    bool rules_allow_swap(Index one, Index two) const {
        // Of one service, they are one for the other to all rules.
        return problem_.service[one] == problem_.service[two] ||
               (rules_allow(one, at_[two]) && rules_allow(two, at_[one]));
    }
    double swap_delta(Index one, Index two) const;

    void move(Index process, Index to);
    void assign(const Assignment& assignment);

    /// For searches that change different machines at the same time: how many of the locations of
    /// a service this one may give up (`share` of `shares`); one of one takes all back.
    void share_spread(std::size_t share, std::size_t shares);
    /// Whether spread and dependencies hold as a whole, after changes that others made.
    bool keeps_rules() const;

private:
    // What a process adds to a machine when it comes and takes away when it goes: of transient
    // resources nothing where it was at first, as they stay in use there.
    const RoomLane* arriving(Index process, Index machine) const {
        return room_[std::size_t{process} * 2 + (original_[process] == machine ? 1 : 0)];
    }
    double away_cost(Index process, Index machine) const {
        const auto home = original_[process];
        if (machine == home) return 0;
        return process_cost_[process] +
               machine_weight_ *
                   static_cast<double>(
                       problem_.move_cost[std::size_t{home} * problem_.machines + machine]);
    }
    double cost_with(Index machine, Index plus) const {
        const CostLane* now = term_[machine];
        const CostLane* more = change_[plus];
        return sum_above_zero(term_.width(), [=](auto k) { return now[k].lanes + more[k].lanes; });
    }
    double cost_without(Index machine, Index minus) const {
        const CostLane* now = term_[machine];
        const CostLane* less = change_[minus];
        return sum_above_zero(term_.width(), [=](auto k) { return now[k].lanes - less[k].lanes; });
    }
    double cost_with_other(Index machine, Index plus, Index minus) const {
        const CostLane* now = term_[machine];
        const CostLane* more = change_[plus];
        const CostLane* less = change_[minus];
        return sum_above_zero(term_.width(),
                              [=](auto k) { return now[k].lanes + more[k].lanes - less[k].lanes; });
    }
    void set_up_costs();
    void set_up_room();
    void put(Index process, Index machine);
    void update_machine(Index machine);
    double service_moves_delta(Index process, Index to) const;
    bool has_service(Index service, Index machine) const {
        const std::size_t bit = std::size_t{service} * problem_.machines + machine;
        return (service_on_[bit / 64] >> (bit % 64) & 1) != 0;
    }
    void flip_service(Index service, Index machine) {
        const std::size_t bit = std::size_t{service} * problem_.machines + machine;
        service_on_[bit / 64] ^= std::uint64_t{1} << (bit % 64);
    }
    Index& in_location(Index service, Index location) {
        return in_location_[std::size_t{service} * problem_.locations + location];
    }
    Index& in_neighbourhood(Index service, Index place) {
        return in_neighbourhood_[std::size_t{service} * problem_.neighbourhoods + place];
    }
    Index in_location(Index service, Index location) const {
        return in_location_[std::size_t{service} * problem_.locations + location];
    }
    Index in_neighbourhood(Index service, Index place) const {
        return in_neighbourhood_[std::size_t{service} * problem_.neighbourhoods + place];
    }
    void count_service_move(Index service, int change);
    void note_home(Index process, bool home);
    void move_service(Index service, Index from, Index to);

    const Problem& problem_;
    const Assignment& original_;
    Assignment at_;
    std::vector<Index> slot_;
    std::vector<std::vector<Index>> on_;
    RoomRows free_;       ///< by machine: of what all who use it left
    RoomRows most_free_;  ///< by machine: of what can ever be free there
    RoomRows room_;       ///< by process: what it requires; and that with 0 for what is transient
    CostRows term_;       ///< by machine
    CostRows change_;     ///< by process
    double machine_weight_ = 0;
    std::vector<double> process_cost_;  ///< of being away, without the machines' part
    std::vector<double> away_now_;      ///< the cost of being where it is
    std::vector<Index> away_;
    std::vector<Index> away_slot_;
    std::vector<std::uint8_t> is_simple_;  ///< services that only mind their own on a machine
    std::vector<std::uint64_t> service_on_;
    std::vector<Index> spread_;
    std::vector<Index> in_location_;
    std::vector<Index> locations_used_;
    std::vector<Index> in_neighbourhood_;
    std::vector<Index> moved_;         ///< by service
    std::vector<Index> with_so_many_;  ///< services that have moved so many
    Index most_moved_ = 0;
    std::vector<double> machine_cost_;
    std::vector<std::uint32_t> version_;  ///< of a machine: how often it has changed
    struct Leaving {
        std::uint32_t version = 0;
        Index machine = 0;
        double delta = 0;
    };
    mutable std::vector<Leaving> leaving_;
    double cost_ = 0;
};

}  // namespace drover::plan::reassign
