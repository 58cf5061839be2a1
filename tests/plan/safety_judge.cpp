#include "safety_judge.hpp"

#include <algorithm>

namespace drover::plan::judge {

SafetyJudge::SafetyJudge(const Snapshot& snapshot) : snapshot_(snapshot) {
    for (const auto& machine : snapshot.machines) place_.push_back(machine.host);
    for (HostIndex host = 0; host < snapshot.hosts.size(); ++host) {
        first_sums_.push_back(sums_on(host));
    }
    for (const auto& rule : snapshot.rules) {
        first_pairs_.push_back(close_pairs(rule));
        first_apart_.push_back(apart_from_most(rule));
        first_domains_.push_back(domains(rule));
    }
}

void SafetyJudge::expect(const std::vector<Step>& steps) {
    for (const auto& step : steps) {
        if (step.bundle != kNone) members_[step.bundle].insert(step.machine);
    }
}

void SafetyJudge::started(const Step& step) {
    coming_[step.machine] = step.to;
    if (step.bundle != kNone) bundles_[step.bundle];
}

void SafetyJudge::succeeded(const Step& step) {
    coming_.erase(step.machine);
    place_[step.machine] = step.to;
    if (step.bundle == kNone) return;
    auto& moved = bundles_[step.bundle];
    if (moved.contains(step.machine)) {
        moved.erase(step.machine);  // back again
    } else {
        moved[step.machine] = step;
    }
}

void SafetyJudge::failed(const Step& step) {
    coming_.erase(step.machine);
}

std::set<HostIndex> SafetyJudge::places_of(MachineIndex machine) const {
    std::set<HostIndex> places;
    if (place_[machine] != kNone) places.insert(place_[machine]);
    const auto found = coming_.find(machine);
    if (found != coming_.end()) places.insert(found->second);
    return places;
}

SafetyJudge::Sums SafetyJudge::sums_on(HostIndex host) const {
    Sums sums;
    for (MachineIndex at = 0; at < place_.size(); ++at) {
        if (!places_of(at).contains(host)) continue;
        const auto& machine = snapshot_.machines[at];
        sums.held += machine.memory_configured_bytes + machine.memory_overhead_bytes;
        sums.memory_reserved += machine.memory.reservation + machine.memory_overhead_bytes;
        sums.cpu_reserved += machine.cpu.reservation;
    }
    return sums;
}

std::set<std::pair<MachineIndex, MachineIndex>> SafetyJudge::close_pairs(const Rule& rule) const {
    std::set<std::pair<MachineIndex, MachineIndex>> pairs;
    for (const auto one : rule.machines) {
        for (const auto two : rule.machines) {
            if (one >= two) continue;
            for (const auto host : places_of(one)) {
                if (places_of(two).contains(host)) pairs.insert({one, two});
            }
        }
    }
    return pairs;
}

std::size_t SafetyJudge::apart_from_most(const Rule& rule) const {
    std::map<HostIndex, std::size_t> counts;
    std::size_t total = 0;
    std::size_t most = 0;
    for (const auto machine : rule.machines) {
        if (place_[machine] == kNone) continue;
        ++total;
        most = std::max(most, ++counts[place_[machine]]);
    }
    return total - most;
}

std::size_t SafetyJudge::domains(const Rule& rule) const {
    std::set<std::string> names;
    for (const auto machine : rule.machines) {
        if (place_[machine] == kNone) continue;
        const auto& host = snapshot_.hosts[place_[machine]];
        names.insert(host.failure_domain.empty() ? "host " + host.name
                                                 : "domain " + host.failure_domain);
    }
    return names.size();
}

bool SafetyJudge::may_be_there(MachineIndex machine, HostIndex host) const {
    for (const auto& rule : snapshot_.rules) {
        if (std::ranges::find(rule.machines, machine) == rule.machines.end()) continue;
        const bool named = std::ranges::find(rule.hosts, host) != rule.hosts.end();
        if (rule.kind == RuleKind::must_run_on && !named) return false;
        if (rule.kind == RuleKind::must_not_run_on && named) return false;
    }
    const auto& there = snapshot_.hosts[host];
    for (const auto& name : snapshot_.machines[machine].networks) {
        if (std::ranges::find(there.networks, name) == there.networks.end()) return false;
    }
    for (const auto& name : snapshot_.machines[machine].datastores) {
        if (std::ranges::find(there.datastores, name) == there.datastores.end()) return false;
    }
    return there.usable;
}

bool SafetyJudge::bundle_under_way(const Rule& rule) const {
    for (const auto& [bundle, moved] : bundles_) {
        const auto& members = members_.at(bundle);
        const bool concerned = std::ranges::any_of(
            rule.machines, [&](MachineIndex machine) { return members.contains(machine); });
        if (concerned && !moved.empty() && moved.size() < members.size()) return true;
    }
    return false;
}

std::string SafetyJudge::complaint_about_hosts() const {
    for (HostIndex host = 0; host < snapshot_.hosts.size(); ++host) {
        const auto sums = sums_on(host);
        const auto& first = first_sums_[host];
        const auto& there = snapshot_.hosts[host];
        const auto over = [](double sum, double room, double before) {
            return sum > room + 1e-3 && sum > before + 1e-3;
        };
        if (over(sums.held, there.memory_bytes * snapshot_.memory_overcommit, first.held)) {
            return "memory of " + there.name;
        }
        if (over(sums.memory_reserved, there.memory_bytes, first.memory_reserved)) {
            return "reserved memory of " + there.name;
        }
        if (over(sums.cpu_reserved, there.cpu_mhz, first.cpu_reserved)) {
            return "reserved CPU of " + there.name;
        }
    }
    for (MachineIndex at = 0; at < place_.size(); ++at) {
        for (const auto host : places_of(at)) {
            if (host != snapshot_.machines[at].host && !may_be_there(at, host)) {
                return snapshot_.machines[at].name + " may not be on " + snapshot_.hosts[host].name;
            }
        }
    }
    return "";
}

std::string SafetyJudge::complaint_about(RuleIndex index) const {
    const auto& rule = snapshot_.rules[index];
    switch (rule.kind) {
        case RuleKind::keep_apart:
            for (const auto& pair : close_pairs(rule)) {
                if (!first_pairs_[index].contains(pair)) return "newly close: " + rule.name;
            }
            return "";
        case RuleKind::keep_together:
            if (bundle_under_way(rule)) return "";
            return apart_from_most(rule) > first_apart_[index] ? "newly parted: " + rule.name : "";
        case RuleKind::spread: {
            const auto needed = std::min<std::size_t>(rule.minimum_domains, first_domains_[index]);
            return domains(rule) < needed ? "too few domains: " + rule.name : "";
        }
        default:
            return "";
    }
}

std::string SafetyJudge::complaint() const {
    auto found = complaint_about_hosts();
    for (RuleIndex at = 0; found.empty() && at < snapshot_.rules.size(); ++at) {
        found = complaint_about(at);
    }
    return found;
}

}  // namespace drover::plan::judge
