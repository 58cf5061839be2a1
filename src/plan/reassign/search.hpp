#pragma once

// One searcher: an assignment, and steps that change it at a temperature.

#include <cstdint>
#include <vector>

#include "plan/balance/effort.hpp"
#include "plan/model/dice.hpp"
#include "plan/reassign/placement.hpp"
#include "plan/reassign/schedule.hpp"
#include "plan/reassign/solve.hpp"

namespace drover::plan::reassign {

/// Of 64 steps, those up to which each kind counts; the rest are exchanges.
struct Mix {
    std::uint32_t shift;
    std::uint32_t swap;
    std::uint32_t replace;
    std::uint32_t chain;
    double hot;  ///< the first temperature, by what a usual step changes
};

/// A piece of all time, and how the temperature falls while a round lasts that it is part of.
struct Stretch {
    double end = 1;
    double round_start = 0;
    double round_end = 1;
    std::size_t first_bin = 0;
};

class Search {
public:
    /// Both must outlive the search. One thread at a time.
    Search(const Problem& problem, const Assignment& original, std::uint64_t seed);

    Placement& placement() { return placement_; }
    const Solution& best() const { return best_; }
    void use(const Mix& mix) { mix_ = mix; }
    /// From now on only these machines and what is on them change.
    void confine(std::vector<Index> machines);
    const std::vector<Index>& members() const { return members_; }

    /// What a step usually changes, in costs.
    double usual_change();
    /// Steps until the effort says that `stretch.end` is over; keeps the best it sees.
    void run(const Effort& effort, const Stretch& stretch, Schedule& schedule);
    void keep_if_best();

private:
    struct Move {
        Index process;
        Index from;
    };

    // Drawn when first asked for: most steps fail before.
    bool accepts(double delta) {
        if (delta <= 0) return true;
        if (allowed_ < 0) allowed_ = temperature_ * dice_.allowance();
        return delta <= allowed_;
    }
    Index any_process() { return members_[dice_.below(members_.size())]; }
    Index any_machine() { return machines_[dice_.below(machines_.size())]; }
    bool is_mine(Index machine) const { return is_mine_[machine] != 0; }

    void step();
    void shift();
    void swap();
    void swap_in_service(Index one);
    bool try_swap(Index one, Index two);
    bool still_depend(Index one, Index two) const;
    void replace();
    void try_replace(Index process, Index other, Index place);
    void come_home();
    void chain();
    void exchange();

    Index machine_with_room(Index process, Index but);
    Index machine_that_could_hold(Index process, Index but);
    void go(Index process, Index to);
    void take_back();
    void make_room(Index but, Index machine, Index from);
    Index way_out(Index process, Index machine, Index from);
    void settle(Index but, Index from, Index to);
    void sort_by_size();

    const Problem& problem_;
    Placement placement_;
    Dice dice_;
    Solution best_;
    Mix mix_{};
    std::vector<std::vector<Index>> of_service_;
    std::vector<Index> by_size_;   // the largest first
    std::vector<Index> machines_;  // that it may change
    std::vector<Index> members_;   // and what is on them, the largest first
    std::vector<std::uint8_t> is_mine_;
    std::vector<Move> done_;  // in a step that may be taken back
    std::vector<Index> others_;
    std::uint64_t iteration_ = 0;
    std::uint64_t look_every_;  // steps between looks at whether this is the best
    double usual_move_cost_ = 0;
    double temperature_ = 0;
    double allowed_ = -1;
    bool goes_home_ = false;  // moves cost enough to be looked after
};

}  // namespace drover::plan::reassign
