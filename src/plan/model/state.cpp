#include "plan/model/state.hpp"

#include <algorithm>

namespace drover::plan {

std::string_view text_of(Refusal refusal) {
    switch (refusal) {
        case Refusal::none:
            return "possible";
        case Refusal::host_unusable:
            return "the host takes no machines";
        case Refusal::incompatible:
            return "the host lacks a CPU feature, network or datastore, or a rule forbids it";
        case Refusal::memory:
            return "not enough memory";
        case Refusal::memory_reservation:
            return "not enough unreserved memory";
        case Refusal::cpu_reservation:
            return "not enough unreserved CPU";
        case Refusal::apart:
            return "a rule keeps it apart from a machine there";
        case Refusal::together:
            return "a rule keeps it together with machines elsewhere";
        case Refusal::spread:
            return "a rule spreads its group over more failure domains";
    }
    return "unknown";
}

State::State(const Cluster& cluster)
    : cluster_(&cluster),
      host_of_(cluster.machine_count(), kNone),
      slot_of_(cluster.machine_count(), 0),
      loads_(cluster.host_count()),
      on_host_(cluster.host_count()),
      counts_(cluster.snapshot().rules.size()) {
    for (RuleIndex at = 0; at < counts_.size(); ++at) {
        const auto kind = cluster.snapshot().rules[at].kind;
        if (kind == RuleKind::keep_apart || kind == RuleKind::keep_together) {
            counts_[at].at.resize(cluster.host_count());
        } else if (kind == RuleKind::spread) {
            counts_[at].at.resize(cluster.domain_count());
        }
    }
    for (MachineIndex at = 0; at < cluster.machine_count(); ++at) {
        const auto host = cluster.snapshot().machines[at].host;
        if (host != kNone) move(at, host);
    }
}

void State::count(MachineIndex machine, HostIndex host, int change) {
    for (const auto rule : cluster_->rules_of(machine)) {
        auto& counts = counts_[rule];
        const bool is_spread = cluster_->snapshot().rules[rule].kind == RuleKind::spread;
        auto& here = counts.at[is_spread ? cluster_->domain(host) : host];
        if (change > 0 && here == 0) ++counts.occupied;
        here = static_cast<std::uint16_t>(here + change);
        if (change < 0 && here == 0) --counts.occupied;
    }
}

void State::move(MachineIndex machine, HostIndex to) {
    const auto from = host_of_[machine];
    if (from == to) return;
    if (from != kNone) {
        loads_[from] -= cluster_->load(machine);
        auto& list = on_host_[from];
        list[slot_of_[machine]] = list.back();
        slot_of_[list.back()] = slot_of_[machine];
        list.pop_back();
        if (cluster_->has_rules(machine)) count(machine, from, -1);
    }
    host_of_[machine] = to;
    if (to == kNone) return;
    loads_[to] += cluster_->load(machine);
    slot_of_[machine] = static_cast<std::uint32_t>(on_host_[to].size());
    on_host_[to].push_back(machine);
    if (cluster_->has_rules(machine)) count(machine, to, 1);
}

Refusal State::check_rule(RuleIndex index, HostIndex from, HostIndex to) const {
    const auto& rule = cluster_->snapshot().rules[index];
    const auto& counts = counts_[index];
    switch (rule.kind) {
        case RuleKind::keep_apart:
            return counts.at[to] == 0 ? Refusal::none : Refusal::apart;
        case RuleKind::keep_together: {
            // Towards more companions, or from none to none: never away from any.
            const int here = from == kNone ? 0 : counts.at[from] - 1;
            const bool joins = counts.at[to] > here;
            const bool alone = here == 0 && (from != kNone || counts.occupied == 0);
            return joins || (alone && counts.occupied <= 1) ? Refusal::none : Refusal::together;
        }
        case RuleKind::spread: {
            if (from == kNone) return Refusal::none;
            const auto old_domain = cluster_->domain(from);
            const auto new_domain = cluster_->domain(to);
            if (old_domain == new_domain) return Refusal::none;
            const auto after = counts.occupied - (counts.at[old_domain] == 1 ? 1 : 0) +
                               (counts.at[new_domain] == 0 ? 1 : 0);
            return after >= counts.occupied || after >= rule.minimum_domains ? Refusal::none
                                                                             : Refusal::spread;
        }
        default:
            return Refusal::none;
    }
}

Refusal State::check_rules(MachineIndex machine, HostIndex to) const {
    if (!cluster_->allowed(machine, to)) {
        return cluster_->compatible(machine, to) ? Refusal::host_unusable : Refusal::incompatible;
    }
    const auto from = host_of_[machine];
    for (const auto rule : cluster_->rules_of(machine)) {
        const auto refusal = check_rule(rule, from, to);
        if (refusal != Refusal::none) return refusal;
    }
    return Refusal::none;
}

Refusal State::check_room(HostIndex host, const Load& sum) const {
    const auto& room = cluster_->room(host);
    if (!fits_in(sum.memory_held_bytes, room.memory_held_bytes)) return Refusal::memory;
    if (!fits_in(sum.memory_reserved_bytes, room.memory_reserved_bytes)) {
        return Refusal::memory_reservation;
    }
    if (!fits_in(sum.cpu_reserved_mhz, room.cpu_reserved_mhz)) return Refusal::cpu_reservation;
    return Refusal::none;
}

Refusal State::check(MachineIndex machine, HostIndex to) const {
    const auto refusal = check_rules(machine, to);
    if (refusal != Refusal::none) return refusal;
    return check_room(to, loads_[to] + cluster_->load(machine));
}

bool State::may_swap(MachineIndex one, MachineIndex two) const {
    const auto first = host_of_[one];
    const auto second = host_of_[two];
    if (!cluster_->allowed(one, second) || !cluster_->allowed(two, first)) return false;
    const auto change = cluster_->load(one) - cluster_->load(two);
    if (!fits(loads_[second] + change, cluster_->room(second)) ||
        !fits(loads_[first] - change, cluster_->room(first))) {
        return false;
    }
    // Both bound by the rules of several machines is rare: then the swap is not tried.
    if (cluster_->has_rules(one) && cluster_->has_rules(two)) return false;
    return check_rules(one, second) == Refusal::none && check_rules(two, first) == Refusal::none;
}

std::uint64_t State::broken_rules() const {
    std::uint64_t broken = 0;
    for (RuleIndex at = 0; at < counts_.size(); ++at) {
        const auto& rule = cluster_->snapshot().rules[at];
        const auto& counts = counts_[at];
        std::uint64_t total = 0;
        std::uint64_t most = 0;
        for (const std::uint64_t here : counts.at) {
            if (rule.kind == RuleKind::keep_apart && here > 1) broken += here * (here - 1) / 2;
            total += here;
            most = std::max(most, here);
        }
        if (rule.kind == RuleKind::keep_together) broken += total - most;
        if (rule.kind == RuleKind::spread && counts.occupied < rule.minimum_domains) {
            broken += std::min<std::uint64_t>(total, rule.minimum_domains) - counts.occupied;
        }
    }
    for (MachineIndex at = 0; at < host_of_.size(); ++at) {
        if (host_of_[at] != kNone && !cluster_->compatible(at, host_of_[at])) ++broken;
    }
    return broken;
}

}  // namespace drover::plan
