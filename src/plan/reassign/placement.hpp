#pragma once

// An assignment with all sums that follow from it, so that a change is judged by looking at the two
// machines it touches.
//
// Both costs of a machine are sums of max(0, term): a load's term is what exceeds its safety, a
// balance's what is lacking, each times its weight. A process changes every term by a number of
// its own. So a cost with or without a process is one pass over a short row.

#include <vector>

#include "plan/reassign/problem.hpp"

namespace drover::plan::reassign {

class Placement {
public:
    /// Both must outlive the placement. `original` must keep the hard constraints.
    Placement(const Problem& problem, const Assignment& original);

    const Assignment& assignment() const { return at_; }
    Index machine_of(Index process) const { return at_[process]; }
    const std::vector<Index>& processes_on(Index machine) const { return on_[machine]; }
    Cost cost() const { return cost_; }

    bool may_move(Index process, Index to) const {
        return has_room(process, to) && rules_allow(process, to);
    }
    bool has_room(Index process, Index to) const {
        return fits(to, arriving(process, to), nullptr);
    }
    /// Whether more of a resource is used there than there is, after moves that nobody asked about.
    bool is_overfull(Index machine) const;
    /// One process a service and machine, spread and dependencies.
    bool rules_allow(Index process, Index to) const;
    Cost move_delta(Index process, Index to) const {
        return leave_delta(process) + arrive_delta(process, to);
    }
    /// Both parts of move_delta: where the process is, and all the rest. The first is remembered.
    Cost leave_delta(Index process) const;
    Cost arrive_delta(Index process, Index to) const;
    /// Of arrive_delta, what the move itself costs.
    Cost move_costs(Index process, Index to) const;
    /// Without balances arriving never gains: then leave_delta says whether a move can be worth it.
    bool arriving_costs() const { return problem_.balances.empty(); }

    bool is_home(Index process) const { return at_[process] == original_[process]; }
    Index home_of(Index process) const { return original_[process]; }
    /// Whether a process would have room where another is, once that one has gone.
    bool has_room_after(Index process, Index other) const {
        const auto to = at_[other];
        return fits(to, arriving(process, to), arriving(other, to));
    }
    /// What it changes that a process takes the place of another, which goes to `place`; all three
    /// machines differ. Service moves are only known afterwards.
    Cost replace_delta(Index process, Index other, Index place) const;

    /// Whether two processes on different machines may change places.
    bool may_swap(Index one, Index two) const;
    Cost swap_delta(Index one, Index two) const;

    void move(Index process, Index to);
    void assign(const Assignment& assignment);

private:
    // What a process adds to a machine when it comes and takes away when it goes: of transient
    // resources nothing where it was at first, as they stay in use there.
    const Cost* arriving(Index process, Index machine) const {
        const auto& table = original_[process] == machine ? kept_ : problem_.requirement;
        return &table[std::size_t{process} * problem_.resources];
    }
    const Cost* change(Index process) const {
        return changes_.data() + std::size_t{process} * terms_;
    }
    bool fits(Index machine, const Cost* plus, const Cost* minus) const;
    Cost cost_with(Index machine, const Cost* plus) const;
    Cost cost_without(Index machine, const Cost* minus) const;
    Cost cost_with_other(Index machine, const Cost* plus, const Cost* minus) const;
    void set_up_terms();
    void update_machine(Index machine);
    Cost service_moves_delta(Index process, Index to) const;
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

    const Problem& problem_;
    const Assignment& original_;
    Assignment at_;
    std::vector<Index> slot_;
    std::vector<std::vector<Index>> on_;
    std::vector<Cost> slack_;      ///< machine * resources: what is free, of all who use it
    std::vector<Cost> kept_;       ///< process * resources: the requirement, 0 if transient
    std::size_t terms_ = 0;        ///< of a machine's cost
    std::vector<Cost> term_;       ///< machine * terms
    std::vector<Cost> changes_;    ///< process * terms
    std::vector<bool> is_simple_;  ///< services that only mind their own processes on a machine
    std::vector<std::uint64_t> service_on_;
    std::vector<Index> in_location_;
    std::vector<Index> locations_used_;
    std::vector<Index> in_neighbourhood_;
    std::vector<Index> moved_;         ///< by service
    std::vector<Index> with_so_many_;  ///< services that have moved so many
    Index most_moved_ = 0;
    std::vector<Cost> machine_cost_;
    std::vector<std::uint32_t> version_;  ///< of a machine: how often it has changed
    struct Leaving {
        std::uint32_t version = 0;
        Index machine = 0;
        Cost delta = 0;
    };
    mutable std::vector<Leaving> leaving_;
    Cost cost_ = 0;
};

}  // namespace drover::plan::reassign
