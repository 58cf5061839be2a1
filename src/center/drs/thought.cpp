#include "center/drs/thought.hpp"

#include <chrono>
#include <numeric>

namespace drover::center {

namespace {

// Machines of a rule that are not where it wants them.
std::vector<plan::MachineIndex> breakers(const plan::Snapshot& snapshot, const plan::Rule& rule) {
    std::vector<plan::MachineIndex> found;
    const auto host_of = [&](plan::MachineIndex machine) {
        return snapshot.machines[machine].host;
    };
    const auto named = [&](plan::HostIndex host) {
        return std::ranges::find(rule.hosts, host) != rule.hosts.end();
    };
    for (const auto machine : rule.machines) {
        if (host_of(machine) == plan::kNone) continue;
        bool breaks = false;
        switch (rule.kind) {
            case plan::RuleKind::keep_together:
            case plan::RuleKind::keep_apart:
                for (const auto other : rule.machines) {
                    if (other == machine || host_of(other) == plan::kNone) continue;
                    const bool together = host_of(other) == host_of(machine);
                    breaks |= together != (rule.kind == plan::RuleKind::keep_together);
                }
                break;
            case plan::RuleKind::must_run_on:
            case plan::RuleKind::should_run_on:
                breaks = !named(host_of(machine));
                break;
            case plan::RuleKind::must_not_run_on:
            case plan::RuleKind::should_not_run_on:
                breaks = named(host_of(machine));
                break;
            case plan::RuleKind::spread:
                break;
        }
        if (breaks) found.push_back(machine);
    }
    return found;
}

}  // namespace

double Thought::score() const {
    if (scores.empty()) return 100;
    return std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
}

Thought think(const ClusterView& view) {
    const auto begun = std::chrono::steady_clock::now();
    Thought thought;
    const plan::Cluster cluster(view.snapshot);
    thought.scores = plan::drs_scores(plan::State(cluster));
    thought.decision = plan::decide(cluster, view.settings);
    for (plan::RuleIndex at = 0; at < view.rule_keys.size(); ++at) {
        auto machines = breakers(view.snapshot, view.snapshot.rules[at]);
        if (!machines.empty()) thought.broken.push_back({at, std::move(machines)});
    }
    thought.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return thought;
}

std::string_view reason_code(plan::MoveReason reason) {
    switch (reason) {
        case plan::MoveReason::evacuation:
            return "hostMaint";
        case plan::MoveReason::rule:
            return "jointAffin";
        case plan::MoveReason::cpu_contention:
        case plan::MoveReason::cpu_balance:
            return "fairnessCpuAvg";
        case plan::MoveReason::memory_contention:
        case plan::MoveReason::memory_balance:
            return "fairnessMemAvg";
        case plan::MoveReason::network_contention:
        case plan::MoveReason::network_balance:
            return "balanceNetworkBandwidthUsage";
        case plan::MoveReason::traffic:
            return "colocateCommunicatingVM";
        case plan::MoveReason::room:
            return "unreservedCapacity";
    }
    return "fairnessCpuAvg";
}

}  // namespace drover::center
