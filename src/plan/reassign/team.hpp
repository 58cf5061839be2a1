#pragma once

// Searchers that work on one assignment: for a while each changes other machines than the rest,
// then all take over what the others did and the machines are dealt anew. So two do twice the steps
// of one, where two that know nothing of each other would only do the same search twice.
//
// Machines are dealt by whole neighbourhoods where there are enough: then dependencies hold of
// themselves. Otherwise, and at times in any case, one by one, and what two did is put together
// only if the rules hold for it.

#include <memory>
#include <vector>

#include "plan/model/dice.hpp"
#include "plan/reassign/search.hpp"

namespace drover::plan::reassign {

class Team {
public:
    /// All must outlive the team.
    Team(const Problem& problem, const Assignment& original, std::uint64_t seed,
         const Effort& effort, const Crew& crew);

    unsigned size() const { return static_cast<unsigned>(workers_.size()); }
    Search& worker(unsigned at) { return *workers_[at]; }
    /// The best that one of them has seen.
    const Solution& best() const;
    /// All begin again from here.
    void assign(const Assignment& assignment);
    void use(const Mix& mix);
    /// Calls `piece` with the number of each.
    void run_all(const std::function<void(unsigned)>& piece);
    /// A round of steps together; `schedule` learns what was reached where.
    void round(double start, double end, Schedule& schedule, std::size_t first_bin);

private:
    bool can_divide() const;
    void stretch_together(const Stretch& stretch, Schedule& schedule);
    void deal();
    std::vector<std::vector<Index>> deal_neighbourhoods();
    std::vector<std::vector<Index>> deal_machines();
    void put_together(const Assignment& before);
    void take_best();

    const Problem& problem_;
    const Effort& effort_;
    const Crew& crew_;
    Dice dice_;
    std::vector<std::unique_ptr<Search>> workers_;
    std::vector<std::vector<Index>> neighbourhoods_;  // their machines, of those that have some
    bool dealt_one_by_one_ = false;
    unsigned not_before_ = 0;  // deals until machines are dealt one by one again
    unsigned pause_ = 1;
};

}  // namespace drover::plan::reassign
