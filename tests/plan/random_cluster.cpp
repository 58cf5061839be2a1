#include "random_cluster.hpp"

#include <algorithm>
#include <string>

namespace drover::plan::judge {

namespace {

std::uint32_t below(std::mt19937_64& random, std::size_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
}

double held(const Machine& machine) {
    return machine.memory_configured_bytes + machine.memory_overhead_bytes;
}

Rule random_rule(const Snapshot& snapshot, std::mt19937_64& random, std::size_t number) {
    constexpr RuleKind kKinds[] = {RuleKind::keep_together,   RuleKind::keep_apart,
                                   RuleKind::keep_apart,      RuleKind::must_run_on,
                                   RuleKind::must_not_run_on, RuleKind::should_run_on,
                                   RuleKind::spread};
    Rule rule;
    rule.name = "rule" + std::to_string(number);
    rule.kind = kKinds[below(random, std::size(kKinds))];
    const auto members = 2 + below(random, 3);
    while (rule.machines.size() < members) {
        const auto machine = below(random, snapshot.machines.size());
        if (std::ranges::find(rule.machines, machine) == rule.machines.end()) {
            rule.machines.push_back(machine);
        }
    }
    for (HostIndex host = 0; host < snapshot.hosts.size(); ++host) {
        if (below(random, 3) != 0) rule.hosts.push_back(host);
    }
    rule.minimum_domains = 2 + below(random, 2);
    return rule;
}

}  // namespace

Snapshot random_cluster(std::mt19937_64& random) {
    Snapshot snapshot;
    const auto hosts = 3 + below(random, 5);
    for (HostIndex at = 0; at < hosts; ++at) {
        Host host;
        host.name = "host" + std::to_string(at);
        host.cpu_mhz = 1000 + below(random, 4) * 500;
        host.memory_bytes = 100 + below(random, 3) * 30;
        host.networks = {"net0"};
        if (below(random, 4) != 0) host.networks.emplace_back("net1");
        if (below(random, 2) == 0) host.failure_domain = "rack" + std::to_string(at % 3);
        snapshot.hosts.push_back(host);
    }
    const auto fill = 0.5 + 0.1 * below(random, 6);
    for (HostIndex at = 0; at < hosts; ++at) {
        double used = 0;
        while (true) {
            Machine machine;
            machine.name = "vm" + std::to_string(snapshot.machines.size());
            machine.host = at;
            machine.memory_configured_bytes = 5 + below(random, 30);
            machine.memory_overhead_bytes = 1;
            machine.cpu_demand_mhz = 10 + below(random, 200);
            machine.memory_demand_bytes = machine.memory_configured_bytes / 2;
            if (below(random, 3) == 0) machine.memory.reservation = 3;
            if (below(random, 3) == 0) machine.cpu.reservation = 30 + below(random, 60);
            used += held(machine);
            if (used > fill * snapshot.hosts[at].memory_bytes) break;
            snapshot.machines.push_back(machine);
        }
    }
    while (snapshot.machines.size() < 6) {
        Machine machine;
        machine.name = "vm" + std::to_string(snapshot.machines.size());
        machine.host = below(random, hosts);
        machine.memory_configured_bytes = 2;
        snapshot.machines.push_back(machine);
    }
    for (auto& machine : snapshot.machines) {
        if (below(random, 6) == 0) machine.networks = {"net1"};
    }
    const auto rules = below(random, 6);
    for (std::size_t at = 0; at < rules; ++at) {
        snapshot.rules.push_back(random_rule(snapshot, random, at));
    }
    return snapshot;
}

std::vector<HostIndex> random_targets(const Snapshot& snapshot, std::mt19937_64& random) {
    std::vector<HostIndex> targets;
    for (const auto& machine : snapshot.machines) targets.push_back(machine.host);
    const auto kind = below(random, 3);
    if (kind == 0) {  // anything
        for (auto& target : targets) {
            if (below(random, 2) == 0) target = below(random, snapshot.hosts.size());
        }
    } else if (kind == 1) {  // hosts change their contents: the worst for memory
        std::vector<HostIndex> shuffled;
        for (HostIndex at = 0; at < snapshot.hosts.size(); ++at) shuffled.push_back(at);
        std::ranges::shuffle(shuffled, random);
        for (auto& target : targets) target = shuffled[target];
    } else {  // machines change places
        for (int times = 0; times < 20; ++times) {
            std::swap(targets[below(random, targets.size())],
                      targets[below(random, targets.size())]);
        }
    }
    return targets;
}

}  // namespace drover::plan::judge
