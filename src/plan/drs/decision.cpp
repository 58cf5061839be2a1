#include "plan/drs/decision.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "plan/balance/descent.hpp"

namespace drover::plan {

namespace {

// By threshold: what a move has to bring beyond its cost, in usual hosts. What a tenth of a host
// brings that goes from half busy to a third busy is about 0.015.
constexpr std::array<double, 6> kMargins{1e9, 1e9, 0.05, 0.015, 0.004, 0.0005};

constexpr double kBySize = 0.5;  // part of the margin that follows a machine's size
constexpr double kAgain = 2;     // times the margin, for each move within an hour

double margin_of(const DrsSettings& settings) {
    return kMargins[static_cast<std::size_t>(std::clamp(settings.threshold, 1, 5))];
}

double usual_mhz(const Cluster& cluster) {
    double sum = 0;
    for (const auto& host : cluster.snapshot().hosts) sum += host.cpu_mhz;
    return std::max(1.0, sum / static_cast<double>(std::max<std::size_t>(1, cluster.host_count())));
}

// What the migration takes, and the threshold's margin: more of it for machines with much memory,
// so that light ones move where that is enough, and for those that have just moved.
std::vector<double> move_costs(const Cluster& cluster, const DrsSettings& settings) {
    auto costs = migration_prices(cluster, settings);
    const auto& machines = cluster.snapshot().machines;
    double usual_bytes = 0;
    for (const auto& machine : machines) usual_bytes += machine.memory_configured_bytes;
    usual_bytes =
        std::max(1.0, usual_bytes / static_cast<double>(std::max<std::size_t>(1, machines.size())));
    for (MachineIndex at = 0; at < machines.size(); ++at) {
        const double size = machines[at].memory_configured_bytes / usual_bytes;
        const double again = 1 + kAgain * machines[at].moves_last_hour;
        costs[at] += margin_of(settings) * (1 - kBySize + kBySize * size) * again;
    }
    return costs;
}

struct Parts {
    double cpu;
    double memory;
    double network;
};

Parts parts_of(const State& state, HostIndex host) {
    const auto& described = state.cluster().snapshot().hosts[host];
    return {described.cpu_mhz > 0 ? state.load(host).cpu_demand_mhz / described.cpu_mhz : 0,
            described.memory_bytes > 0
                ? state.load(host).memory_demand_bytes / described.memory_bytes
                : 0,
            described.network_bytes_per_s > 0
                ? state.load(host).network_bytes_per_s / described.network_bytes_per_s
                : 0};
}

bool breaks_rule(const State& before, MachineIndex machine) {
    const auto host = before.host_of(machine);
    const auto& cluster = before.cluster();
    if (cluster.dislikes(machine, host) > 0) return true;
    for (const auto index : cluster.rules_of(machine)) {
        const auto& rule = cluster.snapshot().rules[index];
        if (rule.kind == RuleKind::spread) continue;
        const bool together = rule.kind == RuleKind::keep_together;
        for (const auto other : rule.machines) {
            if (other == machine || before.host_of(other) == kNone) continue;
            if ((before.host_of(other) == host) != together) return true;
        }
    }
    return false;
}

class Explainer {
public:
    Explainer(const Cluster& cluster, const DrsSettings& settings, State& after)
        : cluster_(cluster),
          settings_(settings),
          before_(cluster),
          after_(after),
          weights_(weights_for(cluster, settings)),
          cost_(after_, weights_),
          usual_(usual_mhz(cluster)) {}

    Recommendation explain(MachineIndex machine) {
        Recommendation made;
        made.machine = machine;
        made.from = before_.host_of(machine);
        made.to = after_.host_of(machine);
        made.migration =
            estimate_migration(cluster_.snapshot().machines[machine], settings_.migration);
        made.cost_host_s = made.migration.mhz_s / usual_;
        // What staying alone would cost.
        const double gain = cost_.move_delta(after_, machine, made.from);
        made.benefit_host_s = gain * settings_.horizon_s;
        made.reason = reason_of(machine, gain);
        made.priority = priority_of(made.reason, gain - made.cost_host_s / settings_.horizon_s);
        made.explanation = text(made);
        made.automatic =
            settings_.automation == Automation::fully_automated &&
            (cluster_.snapshot().machines[machine].movability == Movability::automatic ||
             made.reason == MoveReason::evacuation);
        return made;
    }

private:
    MoveReason reason_of(MachineIndex machine, double gain) const {
        const auto from = before_.host_of(machine);
        if (!cluster_.snapshot().hosts[from].usable) return MoveReason::evacuation;
        if (!cluster_.compatible(machine, from) || breaks_rule(before_, machine)) {
            return MoveReason::rule;
        }
        if (gain <= 0) return MoveReason::room;
        const auto here = parts_of(before_, from);
        const auto there = parts_of(before_, after_.host_of(machine));
        const double cpu = here.cpu - there.cpu;
        const double memory = here.memory - there.memory;
        const double network = here.network - there.network;
        if (nearer(machine) && std::max(here.cpu, here.memory) < weights_.knee &&
            here.cpu <= there.cpu) {
            return MoveReason::traffic;
        }
        if (network > std::max(cpu, memory)) {
            return here.network > weights_.network_knee ? MoveReason::network_contention
                                                        : MoveReason::network_balance;
        }
        if (cpu >= memory) {
            return here.cpu > weights_.knee ? MoveReason::cpu_contention : MoveReason::cpu_balance;
        }
        return here.memory > weights_.memory_knee ? MoveReason::memory_contention
                                                  : MoveReason::memory_balance;
    }

    bool nearer(MachineIndex machine) const {
        double change = 0;
        for (const auto& talk : cluster_.talks(machine)) {
            const bool was = before_.host_of(talk.other) == before_.host_of(machine);
            const bool is = after_.host_of(talk.other) == after_.host_of(machine);
            change += talk.bytes_per_s * (is - was);
        }
        return change > 0;
    }

    static int priority_of(MoveReason reason, double net_gain) {
        if (reason == MoveReason::evacuation || reason == MoveReason::rule) return 1;
        for (int level = 2; level < 5; ++level) {
            if (net_gain >= kMargins[static_cast<std::size_t>(level)]) return level;
        }
        return 5;
    }

    std::string text(const Recommendation& made) const {
        const auto& hosts = cluster_.snapshot().hosts;
        const auto here = parts_of(before_, made.from);
        const auto there = parts_of(before_, made.to);
        const auto then = parts_of(after_, made.from);
        const std::string network =
            here.network > 0 || there.network > 0
                ? fmt::format("; network {:.0f} % (afterwards {:.0f} %) and {:.0f} %",
                              here.network * 100, then.network * 100, there.network * 100)
                : std::string();
        return fmt::format(
            "{}: {} has CPU {:.0f} %, memory {:.0f} % (afterwards {:.0f} %, {:.0f} %), {} has "
            "{:.0f} %, {:.0f} %{}; brings {:.1f} host-seconds, costs {:.1f} ({:.1f} s, {:.0f} MiB "
            "to copy)",
            text_of(made.reason), hosts[made.from].name, here.cpu * 100, here.memory * 100,
            then.cpu * 100, then.memory * 100, hosts[made.to].name, there.cpu * 100,
            there.memory * 100, network, made.benefit_host_s, made.cost_host_s,
            made.migration.duration_s, made.migration.bytes / (1024 * 1024));
    }

    const Cluster& cluster_;
    const DrsSettings& settings_;
    State before_;
    State& after_;
    CostWeights weights_;
    DemandCost cost_;
    double usual_;
};

}  // namespace

// The knee is halfway between what all have on average and what a host can do, if that is more.
CostWeights weights_for(const Cluster& cluster, const DrsSettings& settings) {
    double mhz = 0;
    double bytes = 0;
    Load demand;
    const auto& snapshot = cluster.snapshot();
    for (const auto& host : snapshot.hosts) {
        if (!host.usable) continue;
        mhz += host.cpu_mhz;
        bytes += host.memory_bytes;
    }
    for (MachineIndex at = 0; at < cluster.machine_count(); ++at) {
        if (snapshot.machines[at].host != kNone) demand += cluster.load(at);
    }
    auto weights = settings.weights;
    const auto raised = [](double knee, double mean) {
        return std::max(knee, 0.5 + 0.5 * std::min(1.0, mean));
    };
    const double memory_knee = weights.memory_knee > 0 ? weights.memory_knee : weights.knee;
    if (mhz > 0) weights.knee = raised(weights.knee, demand.cpu_demand_mhz / mhz);
    weights.memory_knee =
        bytes > 0 ? raised(memory_knee, demand.memory_demand_bytes / bytes) : memory_knee;
    return weights;
}

std::vector<double> migration_prices(const Cluster& cluster, const DrsSettings& settings) {
    std::vector<double> prices;
    const double usual = usual_mhz(cluster);
    for (const auto& machine : cluster.snapshot().machines) {
        const auto estimate = estimate_migration(machine, settings.migration);
        prices.push_back(estimate.mhz_s / usual / settings.horizon_s);
    }
    return prices;
}

std::string_view text_of(MoveReason reason) {
    switch (reason) {
        case MoveReason::evacuation:
            return "its host takes no machines";
        case MoveReason::rule:
            return "mends a rule";
        case MoveReason::cpu_contention:
            return "its host is short of CPU";
        case MoveReason::memory_contention:
            return "its host is short of memory";
        case MoveReason::cpu_balance:
            return "evens out CPU";
        case MoveReason::memory_balance:
            return "evens out memory";
        case MoveReason::network_contention:
            return "its host is short of network";
        case MoveReason::network_balance:
            return "evens out network";
        case MoveReason::traffic:
            return "nearer to what it talks to";
        case MoveReason::room:
            return "makes room for another";
    }
    return "unknown";
}

Decision decide(const Cluster& cluster, const DrsSettings& settings) {
    Decision decision;
    State state(cluster);
    decision.imbalance_before = imbalance(state);
    DemandCost cost(state, weights_for(cluster, settings), move_costs(cluster, settings));
    Descent descent(state, cost, {.max_moves = settings.max_moves});
    decision.homeless = descent.mend();
    if (settings.threshold > 1) descent.run({.iterations = 1'000'000'000, .progress = {}});
    decision.migrations = order_moves(cluster, state.hosts());
    // What can't be made safely is not promised.
    State after(cluster);
    for (const auto& step : decision.migrations.steps) after.move(step.machine, step.to);
    decision.imbalance_after = imbalance(after);
    decision.hosts_after = after.hosts();
    Explainer explainer(cluster, settings, after);
    std::vector<bool> seen(cluster.machine_count());
    for (const auto& step : decision.migrations.steps) {
        if (seen[step.machine]) continue;
        seen[step.machine] = true;
        if (after.host_of(step.machine) == cluster.snapshot().machines[step.machine].host) continue;
        decision.recommendations.push_back(explainer.explain(step.machine));
    }
    return decision;
}

WhyNot why_not(const Cluster& cluster, const DrsSettings& settings, const Decision& decision,
               MachineIndex machine) {
    State state(cluster);
    for (MachineIndex at = 0; at < decision.hosts_after.size(); ++at) {
        state.move(at, decision.hosts_after[at]);
    }
    WhyNot answer;
    const auto& described = cluster.snapshot().machines[machine];
    if (state.host_of(machine) == kNone) return {.explanation = "it does not run"};
    if (described.movability == Movability::pinned) return {.explanation = "it can't be moved"};
    if (described.movability == Movability::disabled) {
        return {.explanation = "automation is disabled for it"};
    }
    if (described.moves_last_hour >= 2) {
        return {.explanation = "it has moved twice within an hour"};
    }
    const DemandCost cost(state, weights_for(cluster, settings));
    std::array<std::size_t, 16> refused{};
    double best = std::numeric_limits<double>::infinity();
    for (HostIndex to = 0; to < cluster.host_count(); ++to) {
        if (to == state.host_of(machine)) continue;
        const auto refusal = state.check(machine, to);
        ++refused[static_cast<std::size_t>(refusal)];
        if (refusal != Refusal::none) continue;
        const double delta = cost.move_delta(state, machine, to);
        if (delta >= best) continue;
        best = delta;
        answer.best = to;
    }
    if (!answer.best) {
        std::string reasons;
        for (std::size_t at = 1; at < refused.size(); ++at) {
            if (refused[at] == 0) continue;
            reasons += fmt::format("{}{} of the other hosts: {}", reasons.empty() ? "" : "; ",
                                   refused[at], text_of(static_cast<Refusal>(at)));
        }
        answer.explanation = reasons.empty() ? "there is no other host" : reasons;
        return answer;
    }
    answer.benefit_host_s = -best * settings.horizon_s;
    answer.cost_host_s = move_costs(cluster, settings)[machine] * settings.horizon_s;
    const auto& name = cluster.snapshot().hosts[*answer.best].name;
    if (answer.benefit_host_s <= 0) {
        answer.explanation = fmt::format("it is best where it is; next is {}", name);
    } else if (settings.threshold <= 1) {
        answer.explanation = fmt::format(
            "{} would bring {:.1f} host-seconds; at threshold 1 only what must be is moved", name,
            answer.benefit_host_s);
    } else {
        answer.explanation = fmt::format(
            "{} would bring {:.2f} host-seconds, less than the {:.2f} that a move has to bring",
            name, answer.benefit_host_s, answer.cost_host_s);
    }
    return answer;
}

double imbalance(const State& state) {
    double cpu_sum = 0;
    double cpu_squares = 0;
    double memory_sum = 0;
    double memory_squares = 0;
    double network_sum = 0;
    double network_squares = 0;
    double count = 0;
    for (HostIndex at = 0; at < state.cluster().host_count(); ++at) {
        if (!state.cluster().snapshot().hosts[at].usable) continue;
        const auto parts = parts_of(state, at);
        cpu_sum += parts.cpu;
        cpu_squares += parts.cpu * parts.cpu;
        memory_sum += parts.memory;
        memory_squares += parts.memory * parts.memory;
        network_sum += parts.network;
        network_squares += parts.network * parts.network;
        ++count;
    }
    if (count == 0) return 0;
    const auto deviation = [count](double sum, double squares) {
        return std::sqrt(std::max(0.0, squares / count - (sum / count) * (sum / count)));
    };
    return std::max({deviation(cpu_sum, cpu_squares), deviation(memory_sum, memory_squares),
                     deviation(network_sum, network_squares)});
}

}  // namespace drover::plan
