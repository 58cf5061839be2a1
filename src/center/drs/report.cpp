#include "center/drs/report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"

namespace drover::center {

using nlohmann::json;

namespace {

std::string_view word_of(plan::Automation automation) {
    switch (automation) {
        case plan::Automation::manual:
            return "manual";
        case plan::Automation::partially_automated:
            return "partiallyAutomated";
        case plan::Automation::fully_automated:
            break;
    }
    return "fullyAutomated";
}

double rounded(double value) {
    return std::round(value * 1000) / 1000;
}

json hosts_of(const ClusterView& view, const plan::State& state) {
    json list = json::array();
    for (plan::HostIndex at = 0; at < view.hosts.size(); ++at) {
        const auto& host = view.snapshot.hosts[at];
        const auto& load = state.load(at);
        list.push_back({{"id", view.hosts[at].id},
                        {"name", host.name},
                        {"takesMachines", host.usable},
                        {"cpuMhz", std::llround(host.cpu_mhz)},
                        {"cpuDemandMhz", std::llround(load.cpu_demand_mhz)},
                        {"memoryBytes", std::llround(host.memory_bytes)},
                        {"memoryDemandBytes", std::llround(load.memory_demand_bytes)},
                        {"networkBytesPerSecond", std::llround(host.network_bytes_per_s)},
                        {"networkDemandBytesPerSecond", std::llround(load.network_bytes_per_s)},
                        {"vms", state.machines_on(at).size()}});
    }
    return list;
}

json machines_of(const ClusterView& view, const plan::Cluster& cluster, const Thought& thought,
                 const WhyNotWanted& wanted) {
    json list = json::array();
    for (plan::MachineIndex at = 0; at < view.machines.size(); ++at) {
        const auto& machine = view.snapshot.machines[at];
        const auto automation = view.policy.automation_of(view.machines[at].id);
        json made{{"id", view.machines[at].id},
                  {"name", machine.name},
                  {"automation", automation ? word_of(*automation) : "disabled"},
                  {"cpuDemandMhz", std::llround(machine.cpu_demand_mhz)},
                  {"memoryDemandBytes", std::llround(machine.memory_demand_bytes)},
                  {"networkDemandBytesPerSecond", std::llround(machine.network_bytes_per_s)},
                  {"movesLastHour", machine.moves_last_hour}};
        if (at < thought.scores.size()) made["score"] = std::llround(thought.scores[at]);
        if (machine.host != plan::kNone) made["host"] = view.snapshot.hosts[machine.host].name;
        const auto& after = thought.decision.hosts_after;
        const bool stays = at >= after.size() || after[at] == machine.host;
        made["moves"] = !stays;
        const bool asked =
            wanted.all || std::ranges::find(wanted.machines, at) != wanted.machines.end();
        if (asked && stays && machine.host != plan::kNone) {
            const auto why = plan::why_not(cluster, view.settings, thought.decision, at);
            made["whyNot"] = why.explanation;
            made["benefitHostSeconds"] = rounded(why.benefit_host_s);
            made["costHostSeconds"] = rounded(why.cost_host_s);
            if (why.best) made["best"] = view.snapshot.hosts[*why.best].name;
        }
        list.push_back(std::move(made));
    }
    return list;
}

json moves_of(const ClusterView& view, const Thought& thought) {
    json list = json::array();
    const auto& hosts = view.snapshot.hosts;
    for (const auto& move : thought.decision.recommendations) {
        const auto& machine = view.snapshot.machines[move.machine];
        list.push_back({{"vm", view.machines[move.machine].id},
                        {"name", machine.name},
                        {"from", hosts[move.from].name},
                        {"to", hosts[move.to].name},
                        {"reason", plan::text_of(move.reason)},
                        {"explanation", move.explanation},
                        {"priority", move.priority},
                        {"benefitHostSeconds", rounded(move.benefit_host_s)},
                        {"costHostSeconds", rounded(move.cost_host_s)},
                        {"seconds", rounded(move.migration.duration_s)},
                        {"downtimeSeconds", rounded(move.migration.downtime_s)},
                        {"bytes", std::llround(move.migration.bytes)},
                        {"automatic", machine.movability == plan::Movability::automatic}});
    }
    return list;
}

json obstacles_of(const ClusterView& view, const Thought& thought) {
    json list = json::array();
    for (const auto machine : thought.decision.homeless) {
        list.push_back({{"vm", view.machines[machine].id},
                        {"name", view.snapshot.machines[machine].name},
                        {"reason", "it must leave its host, and no other can take it"}});
    }
    for (const auto& blocked : thought.decision.migrations.blocked) {
        list.push_back({{"vm", view.machines[blocked.machine].id},
                        {"name", view.snapshot.machines[blocked.machine].name},
                        {"to", view.snapshot.hosts[blocked.to].name},
                        {"reason", blocked.reason}});
    }
    return list;
}

json rules_of(const ClusterView& view, const Thought& thought) {
    json list = json::array();
    for (const auto& broken : thought.broken) {
        json names = json::array();
        for (const auto at : broken.machines) names.push_back(view.snapshot.machines[at].name);
        list.push_back({{"rule", view.snapshot.rules[broken.rule].name}, {"vms", names}});
    }
    return list;
}

json history_of(const ReportFacts& facts) {
    json list = json::array();
    for (const DoneMove& move : facts.history) {
        list.push_back({{"time", base::format_time(move.time)},
                        {"name", move.machine},
                        {"from", move.from},
                        {"to", move.to},
                        {"reason", move.reason}});
    }
    return list;
}

}  // namespace

std::string report_text(const ClusterView& view, const Thought& thought, const ReportFacts& facts,
                        const WhyNotWanted& wanted) {
    const plan::Cluster cluster(view.snapshot);
    const plan::State state(cluster);
    const auto& model = view.settings.migration;
    const json document{
        {"cluster", view.cluster.id},
        {"name", facts.cluster_name},
        {"enabled", view.policy.enabled},
        {"automation", word_of(view.policy.automation)},
        {"threshold", view.policy.threshold},
        {"score", std::llround(thought.score())},
        {"imbalance", rounded(thought.decision.imbalance_before)},
        {"imbalanceAfter", rounded(thought.decision.imbalance_after)},
        {"hosts", hosts_of(view, state)},
        {"vms", machines_of(view, cluster, thought, wanted)},
        {"moves", moves_of(view, thought)},
        {"obstacles", obstacles_of(view, thought)},
        {"brokenRules", rules_of(view, thought)},
        {"history", history_of(facts)},
        {"movesMade", facts.moves},
        {"migration",
         {{"bytesPerSecond", std::llround(model.bandwidth_bytes_per_s)},
          {"setupSeconds", rounded(model.setup_s)},
          {"measured", facts.migrations_measured}}},
    };
    return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace drover::center
