#include "plan/reassign/placement.hpp"

#include <algorithm>

namespace drover::plan::reassign {

Placement::Placement(const Problem& problem, const Assignment& original)
    : problem_(problem),
      original_(original),
      at_(original),
      slot_(problem.processes),
      on_(problem.machines),
      away_now_(problem.processes),
      away_slot_(problem.processes),
      service_on_((std::size_t{problem.services} * problem.machines + 63) / 64),
      spread_(problem.spread),
      in_location_(std::size_t{problem.services} * problem.locations),
      locations_used_(problem.services),
      in_neighbourhood_(std::size_t{problem.services} * problem.neighbourhoods),
      moved_(problem.services),
      with_so_many_(std::size_t{problem.processes} + 1),
      machine_cost_(problem.machines),
      version_(problem.machines, 1),
      leaving_(problem.processes) {
    set_up_costs();
    set_up_room();
    for (Index service = 0; service < problem.services; ++service) {
        is_simple_.push_back(problem.spread[service] <= 1 && problem.needs[service].empty() &&
                             problem.needed_by[service].empty());
    }
    with_so_many_[0] = problem.services;
    for (Index process = 0; process < problem.processes; ++process) put(process, original[process]);
    for (Index machine = 0; machine < problem.machines; ++machine) update_machine(machine);
}

void Placement::set_up_costs() {
    std::vector<Index> weighed;
    for (Index r = 0; r < problem_.resources; ++r) {
        if (problem_.load_weight[r] != 0) weighed.push_back(r);
    }
    const auto terms = weighed.size() + problem_.balances.size();
    term_.resize(problem_.machines, terms);
    change_.resize(problem_.processes, terms);
    const auto add = [](CostRows& rows, Index row, std::size_t at, Cost value) {
        rows.add(row, at, static_cast<double>(value));
    };
    for (Index machine = 0; machine < problem_.machines; ++machine) {
        const Cost* capacity = &problem_.capacity[std::size_t{machine} * problem_.resources];
        const Cost* safety = &problem_.safety[std::size_t{machine} * problem_.resources];
        std::size_t k = 0;
        for (const auto r : weighed) {
            add(term_, machine, k++, -problem_.load_weight[r] * safety[r]);
        }
        for (const auto& by : problem_.balances) {
            const auto lacking = by.target * capacity[by.first] - capacity[by.second];
            add(term_, machine, k++, by.weight * lacking);
        }
    }
    for (Index process = 0; process < problem_.processes; ++process) {
        const Cost* needs = &problem_.requirement[std::size_t{process} * problem_.resources];
        std::size_t k = 0;
        for (const auto r : weighed) {
            add(change_, process, k++, problem_.load_weight[r] * needs[r]);
        }
        for (const auto& by : problem_.balances) {
            const auto lacking = needs[by.second] - by.target * needs[by.first];
            add(change_, process, k++, by.weight * lacking);
        }
        process_cost_.push_back(
            static_cast<double>(problem_.process_move_weight * problem_.process_cost[process]));
    }
    machine_weight_ = static_cast<double>(problem_.machine_move_weight);
}

void Placement::set_up_room() {
    const auto resources = problem_.resources;
    free_.resize(problem_.machines, resources);
    room_.resize(std::size_t{problem_.processes} * 2, resources);
    for (std::size_t at = 0; at < problem_.capacity.size(); ++at) {
        free_.add(at / resources, at % resources, static_cast<std::int32_t>(problem_.capacity[at]));
    }
    most_free_ = free_;
    for (std::size_t at = 0; at < problem_.requirement.size(); ++at) {
        const auto process = at / resources;
        const auto needs = static_cast<std::int32_t>(problem_.requirement[at]);
        room_.add(process * 2, at % resources, needs);
        if (!problem_.transient[at % resources]) {
            room_.add(process * 2 + 1, at % resources, needs);
        } else {
            most_free_.add(original_[process], at % resources, -needs);
        }
        free_.add(original_[process], at % resources, -needs);
    }
}

// Into a placement that does not have it yet.
void Placement::put(Index process, Index machine) {
    const auto service = problem_.service[process];
    slot_[process] = static_cast<Index>(on_[machine].size());
    on_[machine].push_back(process);
    CostLane* now = term_[machine];
    const CostLane* by = change_[process];
    for (std::size_t k = 0; k < term_.width(); ++k) now[k].lanes += by[k].lanes;
    flip_service(service, machine);
    if (in_location(service, problem_.location[machine])++ == 0) ++locations_used_[service];
    ++in_neighbourhood(service, problem_.neighbourhood[machine]);
}

void Placement::update_machine(Index machine) {
    const CostLane* row = term_[machine];
    const double now = sum_above_zero(term_.width(), [=](auto k) { return row[k].lanes; });
    cost_ += now - machine_cost_[machine];
    machine_cost_[machine] = now;
    ++version_[machine];
}

bool Placement::rules_allow(Index process, Index to) const {
    const auto service = problem_.service[process];
    const auto from = at_[process];
    if (has_service(service, to)) return false;
    if (is_simple_[service] != 0) return true;
    const auto old_location = problem_.location[from];
    const auto new_location = problem_.location[to];
    if (old_location != new_location) {
        const auto used = locations_used_[service] -
                          (in_location(service, old_location) == 1 ? 1 : 0) +
                          (in_location(service, new_location) == 0 ? 1 : 0);
        if (used < spread_[service]) return false;
    }
    const auto old_place = problem_.neighbourhood[from];
    const auto new_place = problem_.neighbourhood[to];
    if (old_place == new_place) return true;
    if (in_neighbourhood(service, new_place) == 0) {
        for (const auto needed : problem_.needs[service]) {
            if (needed != service && in_neighbourhood(needed, new_place) == 0) return false;
        }
    }
    if (in_neighbourhood(service, old_place) == 1) {
        for (const auto needing : problem_.needed_by[service]) {
            if (needing != service && in_neighbourhood(needing, old_place) > 0) return false;
        }
    }
    return true;
}

void Placement::share_spread(std::size_t share, std::size_t shares) {
    for (Index service = 0; service < problem_.services; ++service) {
        spread_[service] = problem_.spread[service];
        if (shares < 2 || locations_used_[service] <= spread_[service]) continue;
        const auto slack = locations_used_[service] - spread_[service];
        // What can't be divided goes to each in turn.
        const bool more = (share + service) % shares < slack % shares;
        const auto own = slack / static_cast<Index>(shares) + (more ? 1 : 0);
        spread_[service] = locations_used_[service] - own;
    }
}

bool Placement::keeps_rules() const {
    for (Index service = 0; service < problem_.services; ++service) {
        if (is_simple_[service] != 0) continue;
        if (locations_used_[service] < problem_.spread[service]) return false;
        for (Index place = 0; place < problem_.neighbourhoods; ++place) {
            if (in_neighbourhood(service, place) == 0) continue;
            for (const auto needed : problem_.needs[service]) {
                if (in_neighbourhood(needed, place) == 0) return false;
            }
        }
    }
    return true;
}

double Placement::service_moves_delta(Index process, Index to) const {
    const auto home = original_[process];
    const auto service = problem_.service[process];
    const bool was = at_[process] != home;
    const bool is = to != home;
    if (was == is) return 0;
    const auto weight = static_cast<double>(problem_.service_move_weight);
    if (is) return moved_[service] + 1 > most_moved_ ? weight : 0;
    const bool alone = moved_[service] == most_moved_ && with_so_many_[most_moved_] == 1;
    return alone ? -weight : 0;
}

double Placement::leave_delta(Index process) const {
    const auto from = at_[process];
    auto& known = leaving_[process];
    if (known.version != version_[from] || known.machine != from) {
        known = {version_[from], from, cost_without(from, process) - machine_cost_[from]};
    }
    return known.delta;
}

double Placement::arrive_delta(Index process, Index to) const {
    return cost_with(to, process) - machine_cost_[to] + move_costs(process, to) +
           service_moves_delta(process, to);
}

double Placement::swap_delta(Index one, Index two) const {
    const auto first = at_[one];
    const auto second = at_[two];
    // What the largest number of moves of a service changes by is rarely both's doing: exact after
    // the swap.
    return cost_with_other(first, two, one) - machine_cost_[first] +
           cost_with_other(second, one, two) - machine_cost_[second] + move_costs(one, second) +
           move_costs(two, first) + service_moves_delta(one, second) +
           service_moves_delta(two, first);
}

double Placement::replace_delta(Index process, Index other, Index place) const {
    const auto to = at_[other];
    return leave_delta(process) + cost_with_other(to, process, other) - machine_cost_[to] +
           cost_with(place, other) - machine_cost_[place] + move_costs(process, to) +
           move_costs(other, place);
}

void Placement::count_service_move(Index service, int change) {
    --with_so_many_[moved_[service]];
    moved_[service] = static_cast<Index>(static_cast<int>(moved_[service]) + change);
    ++with_so_many_[moved_[service]];
    const auto before = most_moved_;
    most_moved_ = std::max(most_moved_, moved_[service]);
    while (most_moved_ > 0 && with_so_many_[most_moved_] == 0) --most_moved_;
    cost_ += static_cast<double>(problem_.service_move_weight) *
             (static_cast<double>(most_moved_) - static_cast<double>(before));
}

void Placement::note_home(Index process, bool home) {
    count_service_move(problem_.service[process], home ? -1 : 1);
    if (!home) {
        away_slot_[process] = static_cast<Index>(away_.size());
        away_.push_back(process);
        return;
    }
    away_[away_slot_[process]] = away_.back();
    away_slot_[away_.back()] = away_slot_[process];
    away_.pop_back();
}

// Two of a service that change places meet on a machine for a moment: each flips what the other
// flips back.
void Placement::move_service(Index service, Index from, Index to) {
    flip_service(service, from);
    flip_service(service, to);
    if (is_simple_[service] != 0) return;
    if (--in_location(service, problem_.location[from]) == 0) --locations_used_[service];
    if (in_location(service, problem_.location[to])++ == 0) ++locations_used_[service];
    --in_neighbourhood(service, problem_.neighbourhood[from]);
    ++in_neighbourhood(service, problem_.neighbourhood[to]);
}

void Placement::move(Index process, Index to) {
    const auto from = at_[process];
    if (from == to) return;
    const double away = away_cost(process, to);
    cost_ += away - away_now_[process];
    away_now_[process] = away;
    const RoomLane* leaving = arriving(process, from);
    const RoomLane* coming = arriving(process, to);
    RoomLane* more = free_[from];
    RoomLane* less = free_[to];
    for (std::size_t k = 0; k < free_.width(); ++k) {
        more[k].lanes += leaving[k].lanes;
        less[k].lanes -= coming[k].lanes;
    }
    const CostLane* by = change_[process];
    CostLane* old_terms = term_[from];
    CostLane* new_terms = term_[to];
    for (std::size_t k = 0; k < term_.width(); ++k) {
        old_terms[k].lanes -= by[k].lanes;
        new_terms[k].lanes += by[k].lanes;
    }
    auto& old_list = on_[from];
    old_list[slot_[process]] = old_list.back();
    slot_[old_list.back()] = slot_[process];
    old_list.pop_back();
    slot_[process] = static_cast<Index>(on_[to].size());
    on_[to].push_back(process);
    at_[process] = to;
    const auto home = original_[process];
    if (from == home || to == home) note_home(process, to == home);
    move_service(problem_.service[process], from, to);
    update_machine(from);
    update_machine(to);
}

void Placement::assign(const Assignment& assignment) {
    for (Index process = 0; process < problem_.processes; ++process) {
        if (at_[process] != assignment[process]) move(process, assignment[process]);
    }
}

}  // namespace drover::plan::reassign
