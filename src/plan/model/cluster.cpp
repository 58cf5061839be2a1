#include "plan/model/cluster.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "base/check.hpp"
#include "plan/cpu/baseline.hpp"

namespace drover::plan {

namespace {

bool about_hosts(RuleKind kind) {
    return kind == RuleKind::must_run_on || kind == RuleKind::must_not_run_on ||
           kind == RuleKind::should_run_on || kind == RuleKind::should_not_run_on;
}

// Machines with the same key may run on the same hosts.
std::string key_of(const Machine& machine, const std::vector<RuleIndex>& host_rules) {
    std::string key;
    const auto append = [&key](const std::vector<std::string>& names) {
        for (const auto& name : names) key.append(name).push_back('\n');
        key.push_back('\f');
    };
    key.push_back(static_cast<char>('0' + static_cast<int>(machine.cpu_vendor)));
    append(machine.cpu_features.names());
    append(machine.networks);
    append(machine.datastores);
    for (const auto rule : host_rules) key.append(std::to_string(rule)).push_back(' ');
    return key;
}

bool has_all(const std::unordered_set<std::string>& offered,
             const std::vector<std::string>& wanted) {
    return std::ranges::all_of(wanted, [&](const auto& name) { return offered.contains(name); });
}

}  // namespace

Cluster::Cluster(const Snapshot& snapshot) : snapshot_(&snapshot) {
    rooms_.reserve(snapshot.hosts.size());
    for (const auto& host : snapshot.hosts) {
        rooms_.push_back(room_of(host, snapshot.memory_overcommit));
    }
    loads_.reserve(snapshot.machines.size());
    for (const auto& machine : snapshot.machines) {
        DROVER_CHECK(machine.host == kNone || machine.host < snapshot.hosts.size());
        loads_.push_back(load_of(machine));
    }
    for (const auto& rule : snapshot.rules) {
        for (const auto machine : rule.machines) DROVER_CHECK(machine < loads_.size());
        for (const auto host : rule.hosts) DROVER_CHECK(host < rooms_.size());
    }
    classify();
    index_rules();
    index_domains();
    index_groups();
    if (!snapshot.conversations.empty()) talks_.resize(loads_.size());
    for (const auto& talk : snapshot.conversations) {
        DROVER_CHECK(talk.first < loads_.size() && talk.second < loads_.size());
        talks_[talk.first].push_back({talk.second, talk.bytes_per_s});
        talks_[talk.second].push_back({talk.first, talk.bytes_per_s});
    }
}

Cluster::Class Cluster::make_class(const Machine& machine,
                                   const std::vector<RuleIndex>& host_rules) const {
    Class made{HostSet(host_count()), HostSet(host_count()), {}};
    for (HostIndex at = 0; at < host_count(); ++at) {
        const auto& host = snapshot_->hosts[at];
        const std::unordered_set<std::string> networks(host.networks.begin(), host.networks.end());
        const std::unordered_set<std::string> datastores(host.datastores.begin(),
                                                         host.datastores.end());
        const bool cpu_fits =
            machine.cpu_vendor == CpuVendor::unknown ||
            missing_features(machine.cpu_vendor, machine.cpu_features, host.cpu).empty();
        if (!cpu_fits || !has_all(networks, machine.networks) ||
            !has_all(datastores, machine.datastores)) {
            continue;
        }
        made.hosts.add(at);
    }
    for (const auto index : host_rules) {
        const auto& rule = snapshot_->rules[index];
        HostSet named(host_count());
        for (const auto host : rule.hosts) named.add(host);
        const bool wants_named =
            rule.kind == RuleKind::must_run_on || rule.kind == RuleKind::should_run_on;
        const bool is_must =
            rule.kind == RuleKind::must_run_on || rule.kind == RuleKind::must_not_run_on;
        if (!is_must && made.dislikes.empty()) made.dislikes.resize(host_count());
        for (HostIndex host = 0; host < host_count(); ++host) {
            if (named.contains(host) == wants_named) continue;
            if (is_must) {
                made.hosts.remove(host);
            } else {
                ++made.dislikes[host];
            }
        }
    }
    for (HostIndex host = 0; host < host_count(); ++host) {
        if (snapshot_->hosts[host].usable && made.hosts.contains(host)) made.usable.add(host);
    }
    return made;
}

void Cluster::classify() {
    std::vector<std::vector<RuleIndex>> host_rules(machine_count());
    for (RuleIndex at = 0; at < snapshot_->rules.size(); ++at) {
        if (!about_hosts(snapshot_->rules[at].kind)) continue;
        for (const auto machine : snapshot_->rules[at].machines) host_rules[machine].push_back(at);
    }
    std::unordered_map<std::string, std::uint32_t> known;
    class_of_.reserve(machine_count());
    for (MachineIndex at = 0; at < machine_count(); ++at) {
        const auto& machine = snapshot_->machines[at];
        const auto [place, is_new] = known.try_emplace(key_of(machine, host_rules[at]),
                                                       static_cast<std::uint32_t>(classes_.size()));
        if (is_new) {
            classes_.push_back(make_class(machine, host_rules[at]));
            has_dislikes_ |= !classes_.back().dislikes.empty();
        }
        class_of_.push_back(place->second);
    }
}

void Cluster::index_rules() {
    rules_of_.resize(machine_count());
    for (RuleIndex at = 0; at < snapshot_->rules.size(); ++at) {
        if (about_hosts(snapshot_->rules[at].kind)) continue;
        for (const auto machine : snapshot_->rules[at].machines) {
            auto& list = rules_of_[machine];
            // A machine named twice counts once.
            if (list.empty() || list.back() != at) list.push_back(at);
        }
    }
}

void Cluster::index_domains() {
    std::unordered_map<std::string, std::uint32_t> known;
    domains_.reserve(host_count());
    for (const auto& host : snapshot_->hosts) {
        if (host.failure_domain.empty()) {
            domains_.push_back(domain_count_++);
            continue;
        }
        const auto [place, is_new] = known.try_emplace(host.failure_domain, domain_count_);
        if (is_new) ++domain_count_;
        domains_.push_back(place->second);
    }
}

void Cluster::index_groups() {
    std::vector<MachineIndex> parent(machine_count());
    std::iota(parent.begin(), parent.end(), MachineIndex{0});
    const auto root = [&parent](MachineIndex at) {
        while (parent[at] != at) at = parent[at] = parent[parent[at]];
        return at;
    };
    std::vector<MachineIndex> named;
    for (const auto& rule : snapshot_->rules) {
        if (rule.kind != RuleKind::keep_together) continue;
        for (const auto machine : rule.machines) {
            parent[root(machine)] = root(rule.machines.front());
            named.push_back(machine);
        }
    }
    std::ranges::sort(named);
    named.erase(std::ranges::unique(named).begin(), named.end());
    group_of_.assign(machine_count(), kNone);
    std::unordered_map<MachineIndex, std::uint32_t> group_of_root;
    for (const auto machine : named) {
        const auto [place, is_new] =
            group_of_root.try_emplace(root(machine), static_cast<std::uint32_t>(groups_.size()));
        if (is_new) groups_.emplace_back();
        group_of_[machine] = place->second;
        groups_[place->second].push_back(machine);
    }
}

const std::vector<MachineIndex>& Cluster::companions(MachineIndex machine) const {
    static const std::vector<MachineIndex> alone;
    return group_of_[machine] == kNone ? alone : groups_[group_of_[machine]];
}

}  // namespace drover::plan
