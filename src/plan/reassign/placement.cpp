#include "plan/reassign/placement.hpp"

#include <algorithm>

namespace drover::plan::reassign {

Placement::Placement(const Problem& problem, const Assignment& original)
    : problem_(problem),
      original_(original),
      at_(original),
      slot_(problem.processes),
      on_(problem.machines),
      slack_(problem.capacity),
      kept_(problem.requirement),
      service_on_((std::size_t{problem.services} * problem.machines + 63) / 64),
      in_location_(std::size_t{problem.services} * problem.locations),
      locations_used_(problem.services),
      in_neighbourhood_(std::size_t{problem.services} * problem.neighbourhoods),
      moved_(problem.services),
      with_so_many_(std::size_t{problem.processes} + 1),
      machine_cost_(problem.machines),
      version_(problem.machines, 1),
      leaving_(problem.processes) {
    set_up_terms();
    for (Index process = 0; process < problem.processes; ++process) {
        const auto machine = original[process];
        const auto service = problem.service[process];
        slot_[process] = static_cast<Index>(on_[machine].size());
        on_[machine].push_back(process);
        const auto row = std::size_t{process} * problem.resources;
        for (Index r = 0; r < problem.resources; ++r) {
            slack_[std::size_t{machine} * problem.resources + r] -= problem.requirement[row + r];
            if (problem.transient[r]) kept_[row + r] = 0;
        }
        for (std::size_t k = 0; k < terms_; ++k) {
            term_[std::size_t{machine} * terms_ + k] += change(process)[k];
        }
        flip_service(service, machine);
        if (in_location(service, problem.location[machine])++ == 0) ++locations_used_[service];
        ++in_neighbourhood(service, problem.neighbourhood[machine]);
    }
    for (Index service = 0; service < problem.services; ++service) {
        is_simple_.push_back(problem.spread[service] <= 1 && problem.needs[service].empty() &&
                             problem.needed_by[service].empty());
    }
    with_so_many_[0] = problem.services;
    for (Index machine = 0; machine < problem.machines; ++machine) update_machine(machine);
}

void Placement::set_up_terms() {
    std::vector<Index> weighed;
    for (Index r = 0; r < problem_.resources; ++r) {
        if (problem_.load_weight[r] != 0) weighed.push_back(r);
    }
    terms_ = weighed.size() + problem_.balances.size();
    for (Index machine = 0; machine < problem_.machines; ++machine) {
        const Cost* capacity = &problem_.capacity[std::size_t{machine} * problem_.resources];
        const Cost* safety = &problem_.safety[std::size_t{machine} * problem_.resources];
        for (const auto r : weighed) term_.push_back(-problem_.load_weight[r] * safety[r]);
        for (const auto& balance : problem_.balances) {
            term_.push_back(balance.weight *
                            (balance.target * capacity[balance.first] - capacity[balance.second]));
        }
    }
    for (Index process = 0; process < problem_.processes; ++process) {
        const Cost* needs = &problem_.requirement[std::size_t{process} * problem_.resources];
        for (const auto r : weighed) changes_.push_back(problem_.load_weight[r] * needs[r]);
        for (const auto& balance : problem_.balances) {
            changes_.push_back(balance.weight *
                               (needs[balance.second] - balance.target * needs[balance.first]));
        }
    }
}

void Placement::update_machine(Index machine) {
    const Cost* row = term_.data() + std::size_t{machine} * terms_;
    Cost now = 0;
    for (std::size_t k = 0; k < terms_; ++k) now += std::max<Cost>(0, row[k]);
    cost_ += now - machine_cost_[machine];
    machine_cost_[machine] = now;
    ++version_[machine];
}

bool Placement::fits(Index machine, const Cost* plus, const Cost* minus) const {
    const Cost* slack = &slack_[std::size_t{machine} * problem_.resources];
    if (minus == nullptr) {
        for (Index r = 0; r < problem_.resources; ++r) {
            if (slack[r] < plus[r]) return false;
        }
    } else {
        for (Index r = 0; r < problem_.resources; ++r) {
            if (slack[r] + minus[r] < plus[r]) return false;
        }
    }
    return true;
}

bool Placement::is_overfull(Index machine) const {
    const Cost* slack = slack_.data() + std::size_t{machine} * problem_.resources;
    return std::any_of(slack, slack + problem_.resources, [](Cost left) { return left < 0; });
}

Cost Placement::cost_with(Index machine, const Cost* plus) const {
    const Cost* row = term_.data() + std::size_t{machine} * terms_;
    Cost cost = 0;
    for (std::size_t k = 0; k < terms_; ++k) cost += std::max<Cost>(0, row[k] + plus[k]);
    return cost;
}

Cost Placement::cost_without(Index machine, const Cost* minus) const {
    const Cost* row = term_.data() + std::size_t{machine} * terms_;
    Cost cost = 0;
    for (std::size_t k = 0; k < terms_; ++k) cost += std::max<Cost>(0, row[k] - minus[k]);
    return cost;
}

Cost Placement::cost_with_other(Index machine, const Cost* plus, const Cost* minus) const {
    const Cost* row = term_.data() + std::size_t{machine} * terms_;
    Cost cost = 0;
    for (std::size_t k = 0; k < terms_; ++k) {
        cost += std::max<Cost>(0, row[k] + plus[k] - minus[k]);
    }
    return cost;
}

bool Placement::rules_allow(Index process, Index to) const {
    const auto service = problem_.service[process];
    const auto from = at_[process];
    if (has_service(service, to)) return false;
    if (is_simple_[service]) return true;
    const auto old_location = problem_.location[from];
    const auto new_location = problem_.location[to];
    if (old_location != new_location) {
        const auto used = locations_used_[service] -
                          (in_location(service, old_location) == 1 ? 1 : 0) +
                          (in_location(service, new_location) == 0 ? 1 : 0);
        if (used < problem_.spread[service]) return false;
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

Cost Placement::move_costs(Index process, Index to) const {
    const auto home = original_[process];
    const auto from = at_[process];
    const Cost* row = &problem_.move_cost[std::size_t{home} * problem_.machines];
    Cost delta = problem_.process_move_weight * problem_.process_cost[process] *
                 (Cost{to != home} - Cost{from != home});
    delta += problem_.machine_move_weight *
             ((to != home ? row[to] : 0) - (from != home ? row[from] : 0));
    return delta;
}

Cost Placement::service_moves_delta(Index process, Index to) const {
    const auto home = original_[process];
    const auto service = problem_.service[process];
    const bool was = at_[process] != home;
    const bool is = to != home;
    if (was == is) return 0;
    if (is) return moved_[service] + 1 > most_moved_ ? problem_.service_move_weight : 0;
    const bool alone = moved_[service] == most_moved_ && with_so_many_[most_moved_] == 1;
    return alone ? -problem_.service_move_weight : 0;
}

Cost Placement::leave_delta(Index process) const {
    const auto from = at_[process];
    auto& known = leaving_[process];
    if (known.version != version_[from] || known.machine != from) {
        known = {version_[from], from, cost_without(from, change(process)) - machine_cost_[from]};
    }
    return known.delta;
}

Cost Placement::arrive_delta(Index process, Index to) const {
    return cost_with(to, change(process)) - machine_cost_[to] + move_costs(process, to) +
           service_moves_delta(process, to);
}

bool Placement::may_swap(Index one, Index two) const {
    const auto first = at_[one];
    const auto second = at_[two];
    if (!fits(second, arriving(one, second), arriving(two, second)) ||
        !fits(first, arriving(two, first), arriving(one, first))) {
        return false;
    }
    // Of one service, they are one for the other to all rules.
    if (problem_.service[one] == problem_.service[two]) return true;
    return rules_allow(one, second) && rules_allow(two, first);
}

Cost Placement::swap_delta(Index one, Index two) const {
    const auto first = at_[one];
    const auto second = at_[two];
    // What the largest number of moves of a service changes by is rarely both's doing: exact after
    // the swap.
    return cost_with_other(first, change(two), change(one)) - machine_cost_[first] +
           cost_with_other(second, change(one), change(two)) - machine_cost_[second] +
           move_costs(one, second) + move_costs(two, first) + service_moves_delta(one, second) +
           service_moves_delta(two, first);
}

Cost Placement::replace_delta(Index process, Index other, Index place) const {
    const auto to = at_[other];
    return leave_delta(process) + cost_with_other(to, change(process), change(other)) -
           machine_cost_[to] + cost_with(place, change(other)) - machine_cost_[place] +
           move_costs(process, to) + move_costs(other, place);
}

void Placement::count_service_move(Index service, int change) {
    --with_so_many_[moved_[service]];
    moved_[service] = static_cast<Index>(static_cast<int>(moved_[service]) + change);
    ++with_so_many_[moved_[service]];
    const auto before = most_moved_;
    most_moved_ = std::max(most_moved_, moved_[service]);
    while (most_moved_ > 0 && with_so_many_[most_moved_] == 0) --most_moved_;
    cost_ += problem_.service_move_weight * (Cost{most_moved_} - Cost{before});
}

void Placement::move(Index process, Index to) {
    const auto from = at_[process];
    if (from == to) return;
    const auto home = original_[process];
    const auto service = problem_.service[process];
    cost_ += move_costs(process, to);
    if ((from == home) != (to == home)) count_service_move(service, to == home ? -1 : 1);
    const Cost* leaving = arriving(process, from);
    const Cost* coming = arriving(process, to);
    const auto resources = problem_.resources;
    for (Index r = 0; r < resources; ++r) {
        slack_[std::size_t{from} * resources + r] += leaving[r];
        slack_[std::size_t{to} * resources + r] -= coming[r];
    }
    const Cost* by = change(process);
    for (std::size_t k = 0; k < terms_; ++k) {
        term_[std::size_t{from} * terms_ + k] -= by[k];
        term_[std::size_t{to} * terms_ + k] += by[k];
    }
    // Two of a service that change places meet on a machine for a moment: then the first stays
    // noted.
    auto& old_list = on_[from];
    old_list[slot_[process]] = old_list.back();
    slot_[old_list.back()] = slot_[process];
    old_list.pop_back();
    slot_[process] = static_cast<Index>(on_[to].size());
    on_[to].push_back(process);
    at_[process] = to;
    flip_service(service, from);
    flip_service(service, to);
    if (--in_location(service, problem_.location[from]) == 0) --locations_used_[service];
    if (in_location(service, problem_.location[to])++ == 0) ++locations_used_[service];
    --in_neighbourhood(service, problem_.neighbourhood[from]);
    ++in_neighbourhood(service, problem_.neighbourhood[to]);
    update_machine(from);
    update_machine(to);
}

void Placement::assign(const Assignment& assignment) {
    for (Index process = 0; process < problem_.processes; ++process) {
        if (at_[process] != assignment[process]) move(process, assignment[process]);
    }
}

}  // namespace drover::plan::reassign
