// What a cluster shows of DRS: recommendations, faults, balance, scores and what was done.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "center/compatibility/cpu_facts.hpp"
#include "center/drs/drs.hpp"
#include "center/tree/data.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::ClusterComputeResource;

namespace {

constexpr std::string_view kType = "V1";
constexpr std::size_t kMostFaults = 200;
constexpr std::size_t kBuckets = 5;

template <class Handle>
Value list_of(TypeId element, const std::vector<Handle>& items) {
    std::vector<Value> values;
    for (const auto& each : items) values.push_back(each.raw());
    return Value::array(element, std::move(values));
}

vim::ClusterDrsMigration migration_of(std::string_view key, base::WallTime time,
                                      const MoRef& machine, const MoRef& from, const MoRef& to) {
    auto made = vim::ClusterDrsMigration::make();
    made.set_key(key);
    made.set_time(time);
    made.set_vm(machine);
    made.set_source(from);
    made.set_destination(to);
    return made;
}

vim::ClusterMigrationAction action_of(const vim::ClusterDrsMigration& migration) {
    auto action = vim::ClusterMigrationAction::make();
    action.set_type("MigrationV1");
    action.set_target(migration.vm());
    action.set_drsMigration(migration);
    return action;
}

std::int32_t percent(double part, double whole) {
    return whole > 0 ? static_cast<std::int32_t>(std::lround(100 * part / whole)) : 0;
}

// The migration with the loads that speak for it: CPU in percent, memory in bytes.
void add_loads(vim::ClusterDrsMigration& made, const plan::Cluster& cluster,
               const plan::Recommendation& move) {
    const plan::State state(cluster);
    const auto& hosts = cluster.snapshot().hosts;
    const auto& load = cluster.load(move.machine);
    made.set_cpuLoad(static_cast<std::int32_t>(load.cpu_demand_mhz));
    made.set_memoryLoad(static_cast<std::int64_t>(load.memory_demand_bytes));
    made.set_sourceCpuLoad(percent(state.load(move.from).cpu_demand_mhz, hosts[move.from].cpu_mhz));
    made.set_sourceMemoryLoad(static_cast<std::int64_t>(state.load(move.from).memory_demand_bytes));
    made.set_destinationCpuLoad(
        percent(state.load(move.to).cpu_demand_mhz, hosts[move.to].cpu_mhz));
    made.set_destinationMemoryLoad(
        static_cast<std::int64_t>(state.load(move.to).memory_demand_bytes));
}

std::string_view rule_reason(const ClusterView& view, plan::MachineIndex machine) {
    for (const auto& rule : view.snapshot.rules) {
        if (std::ranges::find(rule.machines, machine) == rule.machines.end()) continue;
        switch (rule.kind) {
            case plan::RuleKind::keep_together:
                return "jointAffin";
            case plan::RuleKind::keep_apart:
                return "antiAffin";
            case plan::RuleKind::must_run_on:
            case plan::RuleKind::must_not_run_on:
                return "vmHostHardAffinity";
            case plan::RuleKind::should_run_on:
            case plan::RuleKind::should_not_run_on:
                return "vmHostSoftAffinity";
            case plan::RuleKind::spread:
                break;
        }
    }
    return "antiAffin";
}

vim::ClusterDrsFaults faults_of(const ClusterView& view, const Thought& thought) {
    std::vector<vim::ClusterDrsFaultsFaultsByVm> list;
    const auto add = [&](plan::MachineIndex machine, const vim::Fault& fault) {
        if (list.size() >= kMostFaults) return;
        auto made = vim::ClusterDrsFaultsFaultsByVm::make();
        made.set_vm(view.machines[machine]);
        made.set_fault(std::vector{fault.localized()});
        list.push_back(made);
    };
    for (const auto machine : thought.decision.homeless) {
        auto fault = vim::NoCompatibleHost::make();
        add(machine, vim::Fault(fault, fmt::format("No host can take '{}'.",
                                                   view.snapshot.machines[machine].name)));
    }
    for (const auto& blocked : thought.decision.migrations.blocked) {
        add(blocked.machine,
            vim::make_fault<vim::InvalidState>(fmt::format(
                "'{}' can't go to {} safely: {}.", view.snapshot.machines[blocked.machine].name,
                view.snapshot.hosts[blocked.to].name, blocked.reason)));
    }
    auto made = vim::ClusterDrsFaults::make();
    made.set_reason("fairnessCpuAvg");
    made.set_faultsByVm(list);
    return made;
}

void set_summary(model::Transaction& transaction, const MoRef& cluster,
                 const std::function<void(Value&)>& change) {
    for (const auto index : {vim::property::ComputeResource::summary, property::summaryEx}) {
        Value summary = transaction.get(cluster, index);
        if (!summary) continue;
        change(summary);
        transaction.set(cluster, index, std::move(summary));
    }
}

void show_balance(model::Transaction& transaction, const MoRef& cluster, const Thought& thought) {
    const auto thousandths = [](double value) {
        return Value::int_(static_cast<std::int32_t>(std::lround(value * 1000)));
    };
    std::array<std::int32_t, kBuckets> buckets{};
    for (const double score : thought.scores) {
        ++buckets[std::min(kBuckets - 1, static_cast<std::size_t>(score / 20))];
    }
    std::vector<Value> counts;
    for (const auto count : buckets) counts.push_back(Value::int_(count));
    const auto& decision = thought.decision;
    set_summary(transaction, cluster, [&](Value& summary) {
        set_property(summary, "currentBalance", thousandths(decision.imbalance_before));
        set_property(summary, "targetBalance",
                     thousandths(std::min(decision.imbalance_before, decision.imbalance_after)));
        set_property(summary, "drsScore",
                     Value::int_(static_cast<std::int32_t>(std::lround(thought.score()))));
        set_property(summary, "numVmsPerDrsScoreBucket", Value::array(TypeId::int_, counts));
    });
}

}  // namespace

void Drs::publish(ClusterState& state, std::shared_ptr<const ClusterView> view,
                  const Thought& thought) {
    const auto& decision = thought.decision;
    const plan::Cluster cluster(view->snapshot);
    std::vector<Offer> offers;
    std::vector<std::string> key_of_step(decision.migrations.steps.size());
    for (const auto& move : decision.recommendations) {
        if (view->snapshot.machines[move.machine].movability == plan::Movability::automatic) {
            continue;
        }
        Offer offer;
        offer.machine = view->machines[move.machine];
        offer.from = view->hosts[move.from];
        offer.to = view->hosts[move.to];
        // The same advice keeps its key.
        const auto before = std::ranges::find_if(state.offers, [&](const Offer& other) {
            return other.machine == offer.machine && other.from == offer.from &&
                   other.to == offer.to;
        });
        offer.key = before != state.offers.end() ? before->key : std::to_string(state.next_key++);
        const auto time = before != state.offers.end() ? before->shown.time()
                                                       : parts().context.runtime.clock().wall_now();
        auto migration = migration_of(offer.key, time, offer.machine, offer.from, offer.to);
        add_loads(migration, cluster, move);
        offer.shown = vim::ClusterRecommendation::make();
        offer.shown.set_key(offer.key);
        offer.shown.set_type(kType);
        offer.shown.set_time(time);
        offer.shown.set_rating(std::clamp(6 - move.priority, 1, 5));
        offer.shown.set_reason(move.reason == plan::MoveReason::rule
                                   ? rule_reason(*view, move.machine)
                                   : reason_code(move.reason));
        offer.shown.set_reasonText(move.explanation);
        offer.shown.set_action(std::vector<vim::ClusterAction>{action_of(migration)});
        offer.shown.set_target(view->cluster);
        for (plan::StepIndex at = 0; at < decision.migrations.steps.size(); ++at) {
            if (decision.migrations.steps[at].machine != move.machine) continue;
            offer.steps.push_back(at);
            key_of_step[at] = offer.key;
        }
        offers.push_back(std::move(offer));
    }
    for (Offer& offer : offers) {
        std::set<std::string> needed;
        for (const auto step : offer.steps) {
            for (const auto before : decision.migrations.steps[step].after) {
                if (!key_of_step[before].empty() && key_of_step[before] != offer.key) {
                    needed.insert(key_of_step[before]);
                }
            }
        }
        if (needed.empty()) continue;
        offer.shown.set_prerequisite(std::vector<std::string_view>(needed.begin(), needed.end()));
    }
    state.offers = std::move(offers);
    state.view = view;
    state.plan = std::make_shared<const plan::MigrationPlan>(decision.migrations);
    publish_offers(view->cluster, state);
    model::Transaction transaction(parts().context.inventory);
    show_balance(transaction, view->cluster, thought);
    std::vector<vim::ClusterDrsFaults> faults{faults_of(*view, thought)};
    if (faults.front().faultsByVm().empty()) faults.clear();
    transaction.set(view->cluster, property::drsFault, list_of(TypeId::ClusterDrsFaults, faults));
    transaction.commit();
    tell_rules(state, *view, thought);
}

void Drs::publish_offers(const MoRef& cluster, const ClusterState& state) {
    if (parts().context.inventory.find(cluster) == nullptr) return;
    std::vector<vim::ClusterRecommendation> all;
    std::vector<vim::ClusterDrsRecommendation> plain;
    for (const Offer& offer : state.offers) {
        all.push_back(offer.shown);
        auto made = vim::ClusterDrsRecommendation::make();
        made.set_key(offer.key);
        made.set_rating(offer.shown.rating());
        made.set_reason(offer.shown.reason());
        made.set_reasonText(offer.shown.reasonText());
        std::vector<vim::ClusterDrsMigration> migrations;
        for (const Value action : vim::ArrayView<Value>(offer.shown.raw().property("action"))) {
            migrations.emplace_back(action.property("drsMigration"));
        }
        made.set_migrationList(migrations);
        plain.push_back(made);
    }
    model::Transaction transaction(parts().context.inventory);
    transaction.set(cluster, property::recommendation, list_of(TypeId::ClusterRecommendation, all));
    transaction.set(cluster, property::drsRecommendation,
                    list_of(TypeId::ClusterDrsRecommendation, plain));
    transaction.commit();
}

void Drs::publish_history(const MoRef& cluster) {
    if (parts().context.inventory.find(cluster) == nullptr) return;
    std::vector<vim::ClusterDrsMigration> migrations;
    std::vector<vim::ClusterActionHistory> actions;
    std::int32_t number = history_.count_of(cluster);
    for (const DoneMove& move : history_.of(cluster)) {
        const MoRef machine{TypeId::VirtualMachine, move.machine};
        const MoRef to{TypeId::HostSystem, move.to};
        if (move.from.empty()) continue;
        const MoRef from{TypeId::HostSystem, move.from};
        migrations.push_back(migration_of(std::to_string(number--), move.time, machine, from, to));
        auto action = vim::ClusterActionHistory::make();
        action.set_action(action_of(migrations.back()));
        action.set_time(move.time);
        actions.push_back(action);
    }
    model::Transaction transaction(parts().context.inventory);
    transaction.set(cluster, property::migrationHistory,
                    list_of(TypeId::ClusterDrsMigration, migrations));
    transaction.set(cluster, property::actionHistory,
                    list_of(TypeId::ClusterActionHistory, actions));
    const std::int32_t count = history_.count_of(cluster);
    set_summary(transaction, cluster,
                [&](Value& summary) { set_property(summary, "numVmotions", Value::int_(count)); });
    transaction.commit();
}

// Once when a rule is broken, and once when it holds again.
void Drs::tell_rules(ClusterState& state, const ClusterView& view, const Thought& thought) {
    std::set<std::pair<std::int32_t, std::string>> broken;
    for (const auto& each : thought.broken) {
        for (const auto machine : each.machines) {
            broken.emplace(view.rule_keys[each.rule], view.machines[machine].id);
        }
    }
    const auto argument = [&](const std::string& id) {
        auto made = vim::VmEventArgument::make();
        const MoRef machine{TypeId::VirtualMachine, id};
        made.set_vm(machine);
        made.set_name(name_of(parts().context, machine));
        return made;
    };
    for (const auto& each : broken) {
        if (state.broken.contains(each)) continue;
        auto event = vim::DrsRuleViolationEvent::make();
        event.set_vm(argument(each.second));
        parts().context.events.post(event, "");
    }
    for (const auto& each : state.broken) {
        const MoRef machine{TypeId::VirtualMachine, each.second};
        if (broken.contains(each) || parts().context.inventory.find(machine) == nullptr) continue;
        auto event = vim::DrsRuleComplianceEvent::make();
        event.set_vm(argument(each.second));
        parts().context.events.post(event, "");
    }
    state.broken = std::move(broken);
}

}  // namespace drover::center
