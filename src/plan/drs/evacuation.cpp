#include "plan/drs/evacuation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "plan/balance/descent.hpp"

namespace drover::plan {

namespace {

std::string fix_for(const Snapshot& snapshot, const State& state, MachineIndex machine) {
    std::map<Refusal, std::size_t> counts;
    for (HostIndex host = 0; host < snapshot.hosts.size(); ++host) {
        ++counts[state.check(machine, host)];
    }
    const auto& load = state.cluster().load(machine);
    if (counts[Refusal::memory] > 0) {
        return fmt::format("free {:.0f} MiB on one host, or power the machine off",
                           load.memory_held_bytes / (1024 * 1024));
    }
    if (counts[Refusal::memory_reservation] > 0 || counts[Refusal::cpu_reservation] > 0) {
        return "lower its reservation, or that of others";
    }
    for (const auto index : state.cluster().rules_of(machine)) {
        const auto& rule = snapshot.rules[index];
        return fmt::format("disable the rule {}, or power the machine off", rule.name);
    }
    if (counts[Refusal::incompatible] > 0) {
        return "give another host its networks, datastores and CPU features, or power it off";
    }
    return "add a host";
}

std::string reason_for(const State& state, MachineIndex machine) {
    std::map<Refusal, std::size_t> counts;
    const auto here = state.host_of(machine);
    for (HostIndex host = 0; host < state.cluster().host_count(); ++host) {
        if (host != here) ++counts[state.check(machine, host)];
    }
    std::string text;
    for (const auto& [refusal, count] : counts) {
        if (refusal == Refusal::none) continue;
        text += fmt::format("{}{} of the other hosts: {}", text.empty() ? "" : "; ", count,
                            text_of(refusal));
    }
    return text.empty() ? "there is no other host" : text;
}

}  // namespace

EvacuationPlan plan_evacuation(const Snapshot& snapshot, std::span<const HostIndex> hosts,
                               const CostWeights& weights) {
    Snapshot changed = snapshot;
    for (const auto host : hosts) changed.hosts[host].usable = false;
    const Cluster cluster(changed);
    State state(cluster);
    DemandCost cost(state, weights);
    Descent descent(state, cost, {});
    const auto homeless = descent.mend();
    EvacuationPlan plan;
    // Only what concerns these hosts: other things to mend are not asked for now, unless they make
    // room.
    plan.migrations = order_moves(cluster, state.hosts());
    const auto leaves = [&](MachineIndex machine) {
        return std::ranges::find(hosts, changed.machines[machine].host) != hosts.end();
    };
    for (MachineIndex at = 0; at < changed.machines.size(); ++at) {
        if (!leaves(at)) continue;
        if (changed.machines[at].movability == Movability::pinned) {
            plan.blockers.push_back({at, "it can't be moved", "power it off"});
        } else if (std::ranges::find(homeless, at) != homeless.end() ||
                   state.host_of(at) == changed.machines[at].host) {
            plan.blockers.push_back({at, reason_for(state, at), fix_for(changed, state, at)});
        }
    }
    for (const auto& blocked : plan.migrations.blocked) {
        if (leaves(blocked.machine)) {
            plan.blockers.push_back({blocked.machine, blocked.reason, "free memory on any host"});
        }
    }
    for (const auto& step : plan.migrations.steps) {
        if (step.from == changed.machines[step.machine].host) {
            plan.origins.push_back({step.machine, step.from});
        }
    }
    return plan;
}

MigrationPlan plan_return(const Snapshot& snapshot, std::span<const EvacuationPlan::Origin> origins,
                          const DrsSettings& settings) {
    const Cluster cluster(snapshot);
    State state(cluster);
    DemandCost cost(state, weights_for(cluster, settings));
    const auto prices = migration_prices(cluster, settings);
    std::vector<EvacuationPlan::Origin> away;
    for (const auto& origin : origins) {
        if (origin.machine >= cluster.machine_count() || origin.host >= cluster.host_count())
            continue;
        if (may_be_balanced(cluster, origin.machine)) away.push_back(origin);
    }
    // The one that gains most, again and again: each that has gone back makes the next worth less.
    while (true) {
        double best = 0;
        const EvacuationPlan::Origin* chosen = nullptr;
        for (const auto& origin : away) {
            if (state.host_of(origin.machine) == origin.host) continue;
            if (!state.may_move(origin.machine, origin.host)) continue;
            const double delta =
                cost.move_delta(state, origin.machine, origin.host) + prices[origin.machine];
            if (delta >= best) continue;
            best = delta;
            chosen = &origin;
        }
        if (chosen == nullptr) return order_moves(cluster, state.hosts());
        cost.will_move(state, chosen->machine, chosen->host);
        state.move(chosen->machine, chosen->host);
    }
}

}  // namespace drover::plan
