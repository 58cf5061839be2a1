#include "plan/balance/descent.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <tuple>

namespace drover::plan {

namespace {

constexpr std::size_t kSwapHosts = 4;
constexpr std::size_t kScanned = 256;  // hosts, for a machine that few take

}  // namespace

bool may_be_balanced(const Cluster& cluster, MachineIndex machine) {
    const auto& described = cluster.snapshot().machines[machine];
    return described.host != kNone && described.movability < Movability::disabled &&
           described.moves_last_hour < 2;
}

Descent::Descent(State& state, DemandCost& cost, const DescentOptions& options)
    : state_(state), cost_(cost), options_(options), cluster_(state.cluster()) {
    for (HostIndex at = 0; at < cluster_.host_count(); ++at) {
        pressure_.push_back(cost_.pressure(state_, at));
        if (cluster_.snapshot().hosts[at].usable) by_pressure_.emplace(pressure_[at], at);
    }
    for (MachineIndex at = 0; at < cluster_.machine_count(); ++at) {
        const auto home = cluster_.snapshot().machines[at].host;
        if (home != kNone && home != state_.host_of(at)) ++moved_;
    }
}

bool Descent::within_moves(MachineIndex machine, HostIndex to) const {
    const auto home = cluster_.snapshot().machines[machine].host;
    return moved_ < options_.max_moves || to == home || state_.host_of(machine) != home;
}

void Descent::apply(MachineIndex machine, HostIndex to) {
    const auto from = state_.host_of(machine);
    const auto home = cluster_.snapshot().machines[machine].host;
    if (home != kNone) moved_ = moved_ + (to != home) - (from != home);
    cost_.will_move(state_, machine, to);
    state_.move(machine, to);
    for (const auto host : {from, to}) {
        if (host == kNone || by_pressure_.erase({pressure_[host], host}) == 0) continue;
        pressure_[host] = cost_.pressure(state_, host);
        by_pressure_.emplace(pressure_[host], host);
    }
}

void Descent::run(const Effort& effort) {
    mend();
    // Rounds over all hosts, the busiest first, until a whole round finds nothing.
    for (bool any = true; any;) {
        any = false;
        std::vector<HostIndex> order;
        for (auto at = by_pressure_.rbegin(); at != by_pressure_.rend(); ++at) {
            order.push_back(at->second);
        }
        for (const auto host : order) {
            if (effort.part_done(looked_ / 16) >= 1) return;
            while (improve(host)) any = true;
        }
    }
}

// What evening out with the least busy host could bring at best.
double Descent::worth_trying(HostIndex host) const {
    return pressure_[host] - by_pressure_.begin()->first;
}

bool Descent::improve(HostIndex host) {
    if (by_pressure_.size() < 2) return false;
    looked_ += state_.machines_on(host).size() * options_.candidates;
    auto change = best_move_from(host);
    if (change.machine == kNone && options_.swaps && worth_trying(host) > 0.01) {
        change = best_swap_from(host);
    }
    if (change.machine == kNone) return move_companions(host);
    const auto from = state_.host_of(change.machine);
    apply(change.machine, change.to);
    if (change.other != kNone) apply(change.other, from);
    return true;
}

Descent::Change Descent::best_move_from(HostIndex host) const {
    Change best{.delta = -options_.minimum_gain};
    const auto consider = [&](MachineIndex machine, HostIndex to) {
        const double delta = cost_.move_delta(state_, machine, to);
        if (delta < best.delta) best = {delta, machine, to, kNone};
    };
    for (const auto machine : state_.machines_on(host)) {
        if (!may_be_balanced(cluster_, machine)) continue;
        std::size_t seen = 0;
        std::size_t scanned = 0;
        for (const auto& [pressure, to] : by_pressure_) {
            if (seen >= options_.candidates || ++scanned > kScanned) break;
            if (to == host || !within_moves(machine, to) || !state_.may_move(machine, to)) {
                continue;
            }
            ++seen;
            consider(machine, to);
        }
        for (const auto& talk : cluster_.talks(machine)) {
            const auto to = state_.host_of(talk.other);
            if (to == kNone || to == host || !within_moves(machine, to)) continue;
            if (state_.may_move(machine, to)) consider(machine, to);
        }
        const auto home = cluster_.snapshot().machines[machine].host;
        if (home != host && state_.may_move(machine, home)) consider(machine, home);
    }
    return best;
}

Descent::Change Descent::best_swap_from(HostIndex host) const {
    Change best{.delta = -options_.minimum_gain};
    std::size_t seen = 0;
    for (const auto& [pressure, to] : by_pressure_) {
        if (to == host) break;
        if (++seen > kSwapHosts) break;
        for (const auto one : state_.machines_on(host)) {
            if (!may_be_balanced(cluster_, one) || !within_moves(one, to)) continue;
            for (const auto two : state_.machines_on(to)) {
                if (!may_be_balanced(cluster_, two) || !within_moves(two, host)) continue;
                const double delta = cost_.swap_delta(state_, one, two);
                if (delta >= best.delta || !state_.may_swap(one, two)) continue;
                // One more of each must be left, if both are at home.
                if (moved_ + 2 > options_.max_moves) continue;
                best = {delta, one, to, two};
            }
        }
    }
    return best;
}

double Descent::move_group(const std::vector<MachineIndex>& group, HostIndex to) {
    const double before = cost_.cost();
    Load sum = state_.load(to);
    for (const auto machine : group) sum += cluster_.load(machine);
    if (!fits(sum, cluster_.room(to))) return 1;
    for (const auto machine : group) {
        if (!cluster_.allowed(machine, to)) return 1;
        const auto refusal = state_.check_rules(machine, to);
        if (refusal != Refusal::none && refusal != Refusal::together) return 1;
    }
    for (const auto machine : group) apply(machine, to);
    return cost_.cost() - before;
}

// Those that belong together move together.
bool Descent::move_companions(HostIndex host) {
    std::vector<MachineIndex> firsts;
    for (const auto machine : state_.machines_on(host)) {
        if (!cluster_.has_companions(machine)) continue;
        const auto& group = cluster_.companions(machine);
        const bool whole = std::ranges::all_of(group, [&](MachineIndex each) {
            return state_.host_of(each) == kNone ||
                   (state_.host_of(each) == host && may_be_balanced(cluster_, each));
        });
        if (whole && group.front() == machine) firsts.push_back(machine);
    }
    for (const auto first : firsts) {
        std::vector<MachineIndex> group;
        for (const auto each : cluster_.companions(first)) {
            if (state_.host_of(each) == host) group.push_back(each);
        }
        if (group.size() < 2 || moved_ + group.size() > options_.max_moves) continue;
        std::vector<HostIndex> targets;
        for (const auto& [pressure, to] : by_pressure_) {
            if (to == host || targets.size() >= kSwapHosts) break;
            targets.push_back(to);
        }
        for (const auto to : targets) {
            if (move_group(group, to) < -options_.minimum_gain) return true;
            for (const auto each : group) {
                if (state_.host_of(each) != host) apply(each, host);
            }
        }
    }
    return false;
}

bool Descent::must_leave(MachineIndex machine) const {
    const auto host = state_.host_of(machine);
    const auto movability = cluster_.snapshot().machines[machine].movability;
    if (host == kNone || movability == Movability::pinned) return false;
    if (!cluster_.snapshot().hosts[host].usable) return true;
    if (movability == Movability::disabled) return false;
    if (!cluster_.allowed(machine, host)) return true;
    for (const auto index : cluster_.rules_of(machine)) {
        const auto& rule = cluster_.snapshot().rules[index];
        if (rule.kind != RuleKind::keep_apart) continue;
        for (const auto other : rule.machines) {
            if (other != machine && state_.host_of(other) == host) return true;
        }
    }
    return false;
}

std::optional<HostIndex> Descent::best_host(MachineIndex machine) const {
    double best = std::numeric_limits<double>::infinity();
    HostIndex found = kNone;
    for (HostIndex to = 0; to < cluster_.host_count(); ++to) {
        if (to == state_.host_of(machine) || !state_.may_move(machine, to)) continue;
        const double delta = cost_.move_delta(state_, machine, to);
        if (delta >= best) continue;
        best = delta;
        found = to;
    }
    return found == kNone ? std::nullopt : std::optional(found);
}

bool Descent::start(MachineIndex machine) {
    const auto to = best_host(machine);
    if (!to) return make_room(machine);
    apply(machine, *to);
    return true;
}

std::vector<MachineIndex> Descent::mend() {
    std::vector<MachineIndex> wrong;
    for (MachineIndex at = 0; at < cluster_.machine_count(); ++at) {
        if (must_leave(at)) wrong.push_back(at);
        if (cluster_.has_companions(at) && cluster_.companions(at).front() == at) {
            unite(cluster_.companions(at));
        }
    }
    // Off hosts the largest first, as the small ones find room anyway; of two that must part, the
    // smaller goes.
    std::ranges::sort(wrong, {}, [this](MachineIndex machine) {
        const bool leaves = !cluster_.snapshot().hosts[state_.host_of(machine)].usable;
        const double held = cluster_.load(machine).memory_held_bytes;
        return std::tuple(!leaves, leaves ? -held : held, machine);
    });
    std::vector<MachineIndex> homeless;
    for (const auto machine : wrong) {
        if (!must_leave(machine)) continue;
        const auto to = best_host(machine);
        if (to) {
            apply(machine, *to);
        } else if (!make_room(machine)) {
            homeless.push_back(machine);
        }
    }
    for (const auto& rule : cluster_.snapshot().rules) {
        if (rule.kind == RuleKind::spread) {
            while (spread_out(rule)) continue;
        }
    }
    return homeless;
}

// One machine to a failure domain where the rule has none yet, if it has too few.
bool Descent::spread_out(const Rule& rule) {
    std::map<std::uint32_t, std::size_t> counts;
    for (const auto machine : rule.machines) {
        const auto host = state_.host_of(machine);
        if (host != kNone) ++counts[cluster_.domain(host)];
    }
    if (counts.size() >= rule.minimum_domains) return false;
    double best = std::numeric_limits<double>::infinity();
    MachineIndex chosen = kNone;
    HostIndex found = kNone;
    for (const auto machine : rule.machines) {
        const auto from = state_.host_of(machine);
        if (!may_be_balanced(cluster_, machine) || from == kNone) continue;
        if (counts[cluster_.domain(from)] < 2) continue;
        for (HostIndex to = 0; to < cluster_.host_count(); ++to) {
            if (counts.contains(cluster_.domain(to)) || !state_.may_move(machine, to)) continue;
            const double delta = cost_.move_delta(state_, machine, to);
            if (delta >= best) continue;
            best = delta;
            chosen = machine;
            found = to;
        }
    }
    if (chosen == kNone) return false;
    apply(chosen, found);
    return true;
}

// Companions on different hosts, or on one that they must leave, go to one host.
bool Descent::unite(const std::vector<MachineIndex>& group) {
    std::vector<MachineIndex> running;
    for (const auto machine : group) {
        if (state_.host_of(machine) == kNone) continue;
        running.push_back(machine);
    }
    if (running.size() < 2) return true;
    const auto first = state_.host_of(running.front());
    const bool fine = std::ranges::all_of(running, [&](MachineIndex machine) {
        return state_.host_of(machine) == first && cluster_.allowed(machine, first);
    });
    if (fine) return true;
    std::vector<HostIndex> before;
    for (const auto machine : running) before.push_back(state_.host_of(machine));
    double best = std::numeric_limits<double>::infinity();
    HostIndex found = kNone;
    for (HostIndex to = 0; to < cluster_.host_count(); ++to) {
        std::vector<MachineIndex> movers;
        bool possible = true;
        for (const auto machine : running) {
            possible = possible && cluster_.allowed(machine, to);
            if (state_.host_of(machine) != to) movers.push_back(machine);
            const auto movability = cluster_.snapshot().machines[machine].movability;
            if (state_.host_of(machine) != to && movability >= Movability::disabled) {
                possible = possible && movability == Movability::disabled &&
                           !cluster_.allowed(machine, state_.host_of(machine));
            }
        }
        if (!possible) continue;
        const double start = cost_.cost();
        move_group(movers, to);
        const bool done = std::ranges::all_of(
            running, [&](MachineIndex machine) { return state_.host_of(machine) == to; });
        if (done && cost_.cost() - start < best) {
            best = cost_.cost() - start;
            found = to;
        }
        for (std::size_t at = 0; at < running.size(); ++at) apply(running[at], before[at]);
    }
    if (found == kNone) return false;
    for (const auto machine : running) apply(machine, found);
    return true;
}

// Another machine makes way on a host that would take this one.
bool Descent::make_room(MachineIndex machine) {
    for (const auto& [pressure, to] : std::vector(by_pressure_.begin(), by_pressure_.end())) {
        if (state_.check_rules(machine, to) != Refusal::none) continue;
        auto residents = state_.machines_on(to);
        std::ranges::sort(residents, [this](MachineIndex left, MachineIndex right) {
            return cluster_.load(left).memory_held_bytes < cluster_.load(right).memory_held_bytes;
        });
        for (const auto resident : residents) {
            if (!may_be_balanced(cluster_, resident)) continue;
            const auto after = state_.load(to) - cluster_.load(resident) + cluster_.load(machine);
            if (!fits(after, cluster_.room(to))) continue;
            const auto other = best_host(resident);
            if (!other) continue;
            apply(resident, *other);
            apply(machine, to);
            return true;
        }
    }
    return false;
}

}  // namespace drover::plan
