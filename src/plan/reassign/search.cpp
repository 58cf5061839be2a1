#include "plan/reassign/search.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace drover::plan::reassign {

namespace {

constexpr int kTries = 8;          // machines that are looked at for one that makes way, or comes
constexpr std::size_t kScan = 12;  // that are looked at for one with room

}  // namespace

Search::Search(const Problem& problem, const Assignment& original, std::uint64_t seed)
    : problem_(problem),
      placement_(problem, original),
      dice_(seed),
      of_service_(problem.services),
      is_mine_(problem.machines),
      look_every_(512 * (1 + std::uint64_t{problem.processes} / 4096)) {
    best_ = {placement_.assignment(), static_cast<Cost>(placement_.cost())};
    sort_by_size();
    for (const auto process : by_size_) of_service_[problem.service[process]].push_back(process);
    std::vector<Index> all(problem.machines);
    std::iota(all.begin(), all.end(), Index{0});
    confine(std::move(all));
}

void Search::confine(std::vector<Index> machines) {
    machines_ = std::move(machines);
    std::ranges::fill(is_mine_, std::uint8_t{0});
    for (const auto machine : machines_) is_mine_[machine] = 1;
    members_.clear();
    std::ranges::copy_if(by_size_, std::back_inserter(members_),
                         [&](Index at) { return is_mine(placement_.machine_of(at)); });
}

double Search::usual_change() {
    std::vector<double> changes;
    double away = 0;
    constexpr int kSample = 20'000;
    for (int tries = 0; tries < kSample; ++tries) {
        const auto process = any_process();
        const auto to = any_machine();
        away += std::max(0.0, placement_.move_costs(process, to)) / kSample;
        if (changes.size() == 1000 || to == placement_.machine_of(process)) continue;
        if (!placement_.may_move(process, to)) continue;
        changes.push_back(std::abs(placement_.move_delta(process, to)));
    }
    usual_move_cost_ = away;
    if (changes.empty()) return 1000;
    std::ranges::sort(changes);
    return std::max(10.0, changes[changes.size() * 4 / 5]);
}

void Search::run(const Effort& effort, const Stretch& stretch, Schedule& schedule) {
    if (machines_.size() < 2 || members_.empty()) return;
    const double length = stretch.round_end - stretch.round_start;
    for (;; ++iteration_) {
        if (iteration_ % 512 == 0) {
            const double done = effort.part_done(iteration_);
            if (done >= stretch.end) break;
            const double part = std::clamp((done - stretch.round_start) / length, 0.0, 1.0);
            temperature_ = schedule.temperature(stretch.first_bin, part);
            goes_home_ = temperature_ < 5 * usual_move_cost_;
            schedule.note(placement_.cost());
            if (iteration_ % look_every_ == 0) keep_if_best();
        }
        step();
    }
    keep_if_best();
}

void Search::keep_if_best() {
    const auto cost = static_cast<Cost>(placement_.cost());
    if (cost < best_.cost) best_ = {placement_.assignment(), cost};
}

void Search::step() {
    allowed_ = -1;
    const auto kind = dice_.below(goes_home_ ? 80 : 64);
    if (kind < mix_.shift) {
        shift();
    } else if (kind < mix_.swap) {
        swap();
    } else if (kind < mix_.replace) {
        replace();
    } else if (kind < mix_.chain) {
        chain();
    } else if (kind < 64) {
        exchange();
    } else {
        come_home();
    }
}

// The first of some, or `but`.
Index Search::machine_with_room(Index process, Index but) {
    std::size_t at = dice_.below(machines_.size());
    const std::size_t tries = std::min(kScan, machines_.size());
    for (std::size_t count = 0; count < tries; ++count) {
        const auto machine = machines_[at];
        if (machine != but && placement_.has_room(process, machine)) return machine;
        if (++at == machines_.size()) at = 0;
    }
    return but;
}

void Search::shift() {
    const auto process = any_process();
    const auto from = placement_.machine_of(process);
    // Worth a look before room only where moves are what costs.
    if (goes_home_ && placement_.arriving_costs() && placement_.is_home(process) &&
        !accepts(placement_.leave_delta(process) + placement_.least_away_cost(process))) {
        return;
    }
    const auto to = machine_with_room(process, from);
    if (to == from) return;
    if (accepts(placement_.move_delta(process, to)) && placement_.rules_allow(process, to)) {
        placement_.move(process, to);
    }
}

void Search::swap() {
    const auto one = any_process();
    if (dice_.below(4) == 0) {
        swap_in_service(one);
        return;
    }
    const auto machine = any_machine();
    if (machine == placement_.machine_of(one)) return;
    const auto& others = placement_.processes_on(machine);
    if (others.empty()) return;
    std::size_t at = dice_.below(others.size());
    const std::size_t tries = std::min(kScan, others.size());
    for (std::size_t count = 0; count < tries; ++count) {
        if (placement_.have_room_to_swap(one, others[at])) {
            try_swap(one, others[at]);
            return;
        }
        if (++at == others.size()) at = 0;
    }
}

// Rules never forbid that.
void Search::swap_in_service(Index one) {
    const auto& others = of_service_[problem_.service[one]];
    const auto from = placement_.machine_of(one);
    std::size_t at = dice_.below(others.size());
    const std::size_t tries = std::min(kScan, others.size());
    for (std::size_t count = 0; count < tries; ++count) {
        const auto two = others[at];
        const auto machine = placement_.machine_of(two);
        if (machine != from && is_mine(machine) && placement_.have_room_to_swap(one, two)) {
            try_swap(one, two);
            return;
        }
        if (++at == others.size()) at = 0;
    }
}

// Of two that have room in each other's place.
bool Search::try_swap(Index one, Index two) {
    if (!accepts(placement_.swap_delta(one, two)) || !placement_.rules_allow_swap(one, two)) {
        return false;
    }
    const auto first = placement_.machine_of(one);
    const auto second = placement_.machine_of(two);
    const double before = placement_.cost();
    placement_.move(one, second);
    placement_.move(two, first);
    // The moves of services and dependencies between the two are only known now.
    if (accepts(placement_.cost() - before) && still_depend(one, two)) return true;
    placement_.move(two, second);
    placement_.move(one, first);
    return false;
}

// Each was looked at with the other still in its place.
bool Search::still_depend(Index one, Index two) const {
    const auto needs = [&](Index left, Index right) {
        const auto& list = problem_.needs[problem_.service[left]];
        return std::ranges::find(list, problem_.service[right]) != list.end();
    };
    return problem_.service[one] == problem_.service[two] ||
           (!needs(one, two) && !needs(two, one)) ||
           problem_.neighbourhood[placement_.machine_of(one)] ==
               problem_.neighbourhood[placement_.machine_of(two)];
}

// One takes the place of another, which mostly goes home: there its transient resources are still
// its own.
void Search::replace() {
    const auto process = any_process();
    const auto to = any_machine();
    const auto from = placement_.machine_of(process);
    const auto& others = placement_.processes_on(to);
    if (from == to || others.empty()) return;
    std::size_t at = dice_.below(others.size());
    const std::size_t tries = std::min(kScan, others.size());
    for (std::size_t count = 0; count < tries; ++count, ++at) {
        if (at == others.size()) at = 0;
        const auto other = others[at];
        if (!placement_.has_room_after(process, other)) continue;
        const auto home = placement_.home_of(other);
        const bool goes_home = home != to && home != from && is_mine(home) && dice_.below(4) != 0;
        if (goes_home && !placement_.has_room(other, home)) continue;
        const auto place = goes_home ? home : machine_with_room(other, to);
        if (place == to || place == from) continue;
        try_replace(process, other, place);
        return;
    }
}

// All have room; the three machines differ.
void Search::try_replace(Index process, Index other, Index place) {
    if (!accepts(placement_.replace_delta(process, other, place)) ||
        !placement_.rules_allow(other, place)) {
        return;
    }
    const auto to = placement_.machine_of(other);
    const auto from = placement_.machine_of(process);
    const double before = placement_.cost();
    placement_.move(other, place);
    if (placement_.may_move(process, to)) {
        placement_.move(process, to);
        if (accepts(placement_.cost() - before)) return;
        placement_.move(process, from);
    }
    placement_.move(other, to);
}

// Someone who is away goes home, if need be for another that leaves there: to its own home, or to
// where the first comes from.
void Search::come_home() {
    const auto& away = placement_.away();
    if (away.empty()) return;
    const auto process = away[dice_.below(away.size())];
    const auto from = placement_.machine_of(process);
    const auto home = placement_.home_of(process);
    if (!is_mine(from) || !is_mine(home)) return;
    if (placement_.has_room(process, home)) {
        if (accepts(placement_.move_delta(process, home)) &&
            placement_.rules_allow(process, home)) {
            placement_.move(process, home);
            return;
        }
    }
    const auto& others = placement_.processes_on(home);
    if (others.empty()) return;
    const auto other = others[dice_.below(others.size())];
    if (!placement_.has_room_after(process, other)) return;
    auto place = placement_.home_of(other);
    if (place == home) place = dice_.below(2) == 0 ? from : any_machine();
    if (place == home || !is_mine(place)) return;
    if (place == from) {
        if (placement_.has_room_after(other, process)) try_swap(process, other);
    } else if (placement_.has_room(other, place)) {
        try_replace(process, other, place);
    }
}

// One goes where another has to leave, and so on.
void Search::chain() {
    done_.clear();
    const double before = placement_.cost();
    auto process = any_process();
    for (int length = 0; length < 4; ++length) {
        const auto to = any_machine();
        const auto from = placement_.machine_of(process);
        if (to == from) break;
        if (placement_.may_move(process, to)) {
            go(process, to);
            if (accepts(placement_.cost() - before)) return;
            const auto& others = placement_.processes_on(to);
            process = others[dice_.below(others.size())];
            continue;
        }
        const auto& others = placement_.processes_on(to);
        if (others.empty() || !placement_.rules_allow(process, to)) break;
        const auto ejected = others[dice_.below(others.size())];
        if (!placement_.has_room_after(process, ejected)) break;
        const auto place = machine_with_room(ejected, to);
        if (place == to || place == from || !placement_.rules_allow(ejected, place)) break;
        go(ejected, place);
        if (!placement_.may_move(process, to)) break;
        go(process, to);
        if (accepts(placement_.cost() - before)) return;
        const auto& next = placement_.processes_on(place);
        process = next[dice_.below(next.size())];
    }
    take_back();
}

// Most are too small for the largest, and making room there in vain is what costs time.
Index Search::machine_that_could_hold(Index process, Index but) {
    for (int tries = 0; tries < kTries; ++tries) {
        const auto machine = any_machine();
        if (machine != but && placement_.could_hold(machine, process)) return machine;
    }
    return but;
}

// A large process goes to another machine, and what must or should leave there for it takes its
// place.
void Search::exchange() {
    const auto process = members_[dice_.below(dice_.below(members_.size()) + std::size_t{1})];
    const auto from = placement_.machine_of(process);
    const auto to = machine_that_could_hold(process, from);
    if (to == from || !placement_.rules_allow(process, to)) return;
    const double before = placement_.cost();
    done_.clear();
    go(process, to);
    make_room(process, to, from);
    if (!placement_.is_overfull(to)) {
        settle(process, to, from);
        settle(process, from, to);
        if (accepts(placement_.cost() - before)) return;
    }
    take_back();
}

void Search::go(Index process, Index to) {
    done_.push_back({process, placement_.machine_of(process)});
    placement_.move(process, to);
}

void Search::take_back() {
    for (auto at = done_.rbegin(); at != done_.rend(); ++at) {
        placement_.move(at->process, at->from);
    }
}

// Whatever has to go for it to fit: home if it is not there, to where the large one comes from, or
// to the best of some others.
void Search::make_room(Index but, Index machine, Index from) {
    others_ = placement_.processes_on(machine);
    const auto first = dice_.below(others_.size());
    for (std::size_t at = 0; at < others_.size(); ++at) {
        if (!placement_.is_overfull(machine)) return;
        const auto other = others_[(first + at) % others_.size()];
        if (other == but) continue;
        const auto to = way_out(other, machine, from);
        if (to != machine) go(other, to);
    }
}

Index Search::way_out(Index process, Index machine, Index from) {
    Index best = machine;
    double least = 0;
    const auto consider = [&](Index to) {
        if (to == machine || !is_mine(to) || !placement_.may_move(process, to)) return;
        const double cost = placement_.arrive_delta(process, to);
        if (best != machine && cost >= least) return;
        best = to;
        least = cost;
    };
    consider(placement_.home_of(process));
    consider(from);
    for (int tries = 0; tries < kTries; ++tries) consider(any_machine());
    return best;
}

// From one machine to another: whatever gains.
void Search::settle(Index but, Index from, Index to) {
    others_ = placement_.processes_on(from);
    for (const auto other : others_) {
        if (other == but || !placement_.may_move(other, to)) continue;
        if (placement_.move_delta(other, to) < 0) go(other, to);
    }
}

void Search::sort_by_size() {
    std::vector<double> total(problem_.resources, 1);
    for (std::size_t at = 0; at < problem_.capacity.size(); ++at) {
        total[at % problem_.resources] += static_cast<double>(problem_.capacity[at]);
    }
    std::vector<double> size(problem_.processes);
    for (std::size_t at = 0; at < problem_.requirement.size(); ++at) {
        auto& largest = size[at / problem_.resources];
        const auto part =
            static_cast<double>(problem_.requirement[at]) / total[at % problem_.resources];
        largest = std::max(largest, part);
    }
    by_size_.resize(problem_.processes);
    std::iota(by_size_.begin(), by_size_.end(), Index{0});
    std::ranges::sort(by_size_, {}, [&](Index at) { return std::pair(-size[at], at); });
}

}  // namespace drover::plan::reassign
