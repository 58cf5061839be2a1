// Small clusters in a few lines, and what DRS does with them.

#include <gtest/gtest.h>

#include <random>

#include "plan/drs/capacity.hpp"
#include "plan/drs/decision.hpp"
#include "plan/drs/evacuation.hpp"
#include "plan/drs/placement.hpp"
#include "plan/drs/what_if.hpp"

namespace drover::plan {
namespace {

constexpr double kGibibyte = 1024.0 * 1024 * 1024;

Host host(const std::string& name, double mhz = 10000, double gibibytes = 64) {
    Host made;
    made.name = name;
    made.cpu_mhz = mhz;
    made.memory_bytes = gibibytes * kGibibyte;
    return made;
}

Machine machine(const std::string& name, HostIndex at, double mhz, double gibibytes = 2) {
    Machine made;
    made.name = name;
    made.host = at;
    made.cpu_demand_mhz = mhz;
    made.memory_configured_bytes = gibibytes * kGibibyte;
    made.memory_demand_bytes = gibibytes * kGibibyte / 4;
    return made;
}

Snapshot applied(Snapshot snapshot, const Decision& decision) {
    for (MachineIndex at = 0; at < snapshot.machines.size(); ++at) {
        snapshot.machines[at].host = decision.hosts_after[at];
    }
    return snapshot;
}

Decision decide_on(const Snapshot& snapshot, const DrsSettings& settings = {}) {
    const Cluster cluster(snapshot);
    return decide(cluster, settings);
}

TEST(Drs, parts_two_busy_machines) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b")};
    snapshot.machines = {machine("web", 0, 8000), machine("db", 0, 7000)};
    snapshot.conversations = {{0, 1, 50e6}};
    const auto decision = decide_on(snapshot);
    ASSERT_EQ(decision.recommendations.size(), 1U);
    const auto& move = decision.recommendations[0];
    EXPECT_EQ(move.reason, MoveReason::cpu_contention);
    EXPECT_GT(move.benefit_host_s, move.cost_host_s);
    EXPECT_TRUE(move.automatic);
    EXPECT_LT(decision.imbalance_after, decision.imbalance_before);
    EXPECT_TRUE(decide_on(applied(snapshot, decision)).recommendations.empty());
}

TEST(Drs, moves_the_light_machine_when_that_is_enough) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b")};
    snapshot.machines = {machine("heavy", 0, 5000, 48), machine("light", 0, 5000, 2)};
    const auto decision = decide_on(snapshot);
    ASSERT_EQ(decision.recommendations.size(), 1U);
    EXPECT_EQ(decision.recommendations[0].machine, 1U);
}

TEST(Drs, moves_the_heavy_machine_when_that_is_what_helps) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b")};
    snapshot.machines = {machine("heavy", 0, 7000, 32), machine("light", 0, 100, 2),
                         machine("pinned", 0, 7000, 2)};
    snapshot.machines[2].movability = Movability::pinned;
    const auto decision = decide_on(snapshot);
    ASSERT_EQ(decision.recommendations.size(), 1U);
    EXPECT_EQ(decision.recommendations[0].machine, 0U);
}

TEST(Drs, brings_together_what_talks_when_there_is_room) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b")};
    snapshot.machines = {machine("web", 0, 200), machine("db", 1, 200)};
    snapshot.conversations = {{0, 1, 500e6}};
    const auto decision = decide_on(snapshot);
    ASSERT_EQ(decision.recommendations.size(), 1U);
    EXPECT_EQ(decision.recommendations[0].reason, MoveReason::traffic);
}

TEST(Drs, does_only_what_must_be_at_threshold_1) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b"), host("c")};
    snapshot.machines = {machine("one", 0, 6000), machine("two", 0, 6000), machine("x", 2, 100),
                         machine("y", 2, 100)};
    snapshot.rules = {{.name = "apart", .kind = RuleKind::keep_apart, .machines = {2, 3}}};
    const auto decision = decide_on(snapshot, {.threshold = 1});
    ASSERT_EQ(decision.recommendations.size(), 1U);
    EXPECT_EQ(decision.recommendations[0].reason, MoveReason::rule);
    EXPECT_EQ(decision.recommendations[0].priority, 1);
}

TEST(Drs, higher_thresholds_do_more) {
    std::mt19937_64 random(4);
    Snapshot snapshot;
    for (int at = 0; at < 6; ++at) snapshot.hosts.push_back(host("h" + std::to_string(at)));
    for (int at = 0; at < 60; ++at) {
        snapshot.machines.push_back(machine("vm" + std::to_string(at),
                                            static_cast<HostIndex>(random() % 3),
                                            static_cast<double>(random() % 1500)));
    }
    double before = 1e9;
    for (int threshold = 1; threshold <= 5; ++threshold) {
        const auto decision = decide_on(snapshot, {.threshold = threshold});
        EXPECT_LE(decision.imbalance_after, before + 0.01) << threshold;
        before = decision.imbalance_after;
        const auto again = decide_on(applied(snapshot, decision), {.threshold = threshold});
        EXPECT_TRUE(again.recommendations.empty()) << threshold;
    }
    EXPECT_LT(before, 0.03);
}

TEST(Drs, respects_what_single_machines_are_set_to) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b")};
    snapshot.machines = {machine("one", 0, 8000), machine("two", 0, 8000)};
    for (auto& each : snapshot.machines) each.movability = Movability::disabled;
    auto decision = decide_on(snapshot);
    EXPECT_TRUE(decision.recommendations.empty());
    EXPECT_EQ(why_not(Cluster(snapshot), {}, decision, 0).explanation,
              "automation is disabled for it");
    snapshot.machines[0].movability = Movability::recommend;
    decision = decide_on(snapshot);
    ASSERT_EQ(decision.recommendations.size(), 1U);
    EXPECT_FALSE(decision.recommendations[0].automatic);
    snapshot.machines[0].moves_last_hour = 2;
    EXPECT_TRUE(decide_on(snapshot).recommendations.empty());
    snapshot.machines[0] = machine("one", 0, 8000);
    decision = decide_on(snapshot, {.automation = Automation::manual});
    ASSERT_EQ(decision.recommendations.size(), 1U);
    EXPECT_FALSE(decision.recommendations[0].automatic);
}

TEST(Drs, explains_why_a_machine_stays) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b"), host("c", 10000, 1)};
    snapshot.machines = {machine("one", 0, 2000), machine("two", 1, 2100)};
    const Cluster cluster(snapshot);
    const auto decision = decide(cluster, {});
    EXPECT_TRUE(decision.recommendations.empty());
    const auto answer = why_not(cluster, {}, decision, 0);
    ASSERT_TRUE(answer.best);
    EXPECT_EQ(*answer.best, 1U);
    EXPECT_LT(answer.benefit_host_s, answer.cost_host_s);
    snapshot.hosts[1].usable = false;
    snapshot.machines.pop_back();
    const Cluster alone(snapshot);
    EXPECT_EQ(why_not(alone, {}, decide(alone, {}), 0).explanation,
              "1 of the other hosts: the host takes no machines; 1 of the other hosts: not enough "
              "memory");
}

TEST(Drs, evens_out_the_network_as_well) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b")};
    for (auto& each : snapshot.hosts) each.network_bytes_per_s = 125e6;
    snapshot.machines = {machine("one", 0, 1000), machine("two", 0, 1000),
                         machine("three", 1, 1500)};
    snapshot.machines[0].network_bytes_per_s = 100e6;
    snapshot.machines[1].network_bytes_per_s = 90e6;
    const Cluster cluster(snapshot);
    const auto decision = decide(cluster, {});
    ASSERT_EQ(decision.recommendations.size(), 1U);
    EXPECT_EQ(decision.recommendations[0].reason, MoveReason::network_contention);
    EXPECT_NE(decision.recommendations[0].explanation.find("network 152 %"), std::string::npos);
    EXPECT_NEAR(drs_scores(State(cluster))[0], 100 * 125.0 / 190, 1e-6);
    EXPECT_NEAR(drs_scores(State(cluster))[2], 100, 1e-6);
    // A host of which nobody knows how much it can.
    for (auto& each : snapshot.hosts) each.network_bytes_per_s = 0;
    EXPECT_TRUE(decide(Cluster(snapshot), {}).recommendations.empty());
}

TEST(Drs, scores_follow_contention) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b")};
    snapshot.machines = {machine("one", 0, 10000), machine("two", 0, 10000),
                         machine("three", 1, 10000)};
    const Cluster cluster(snapshot);
    const auto scores = drs_scores(State(cluster));
    EXPECT_NEAR(scores[0], 50, 1e-6);
    EXPECT_NEAR(scores[2], 100, 1e-6);
}

TEST(Evacuation, empties_a_host_and_names_what_blocks) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b", 10000, 8), host("c", 10000, 8)};
    snapshot.machines = {machine("small", 0, 100, 4), machine("large", 0, 100, 16),
                         machine("fixed", 0, 100, 1)};
    snapshot.machines[2].movability = Movability::pinned;
    const std::vector<HostIndex> hosts{0};
    const auto plan = plan_evacuation(snapshot, hosts, {});
    ASSERT_EQ(plan.migrations.steps.size(), 1U);
    EXPECT_EQ(plan.migrations.steps[0].machine, 0U);
    ASSERT_EQ(plan.blockers.size(), 2U);
    EXPECT_EQ(plan.blockers[0].machine, 1U);
    EXPECT_NE(plan.blockers[0].fix.find("free 16384 MiB"), std::string::npos);
    EXPECT_EQ(plan.blockers[1].reason, "it can't be moved");
    snapshot.machines[0].host = plan.migrations.steps[0].to;
    const auto back = plan_return(snapshot, plan.origins, {});
    ASSERT_EQ(back.steps.size(), 1U);
    EXPECT_EQ(back.steps[0].to, 0U);
}

TEST(Evacuation, only_what_helps_goes_back_and_only_the_hosts_own) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b")};
    for (const auto* name : {"one", "two", "three", "four"}) {
        snapshot.machines.push_back(machine(name, 1, 2000));
    }
    const std::vector<EvacuationPlan::Origin> origins{{0, 0}, {1, 0}, {2, 0}};
    const auto back = plan_return(snapshot, origins, {});
    EXPECT_EQ(back.steps.size(), 2U);
    for (const auto& step : back.steps) EXPECT_NE(step.machine, 3U);
    snapshot.machines[0].moves_last_hour = 2;
    snapshot.machines[1].movability = Movability::disabled;
    EXPECT_EQ(plan_return(snapshot, origins, {}).steps.size(), 1U);
}

TEST(Evacuation, shifts_others_to_make_room) {
    Snapshot snapshot;
    snapshot.hosts = {host("a", 10000, 16), host("b", 10000, 16), host("c", 10000, 8)};
    snapshot.machines = {machine("large", 0, 100, 12), machine("small", 1, 100, 6)};
    const std::vector<HostIndex> hosts{0};
    const auto plan = plan_evacuation(snapshot, hosts, {});
    EXPECT_TRUE(plan.blockers.empty());
    ASSERT_EQ(plan.migrations.steps.size(), 2U);
    EXPECT_EQ(plan.migrations.steps[0].machine, 1U);
    EXPECT_EQ(plan.migrations.steps[1].after, std::vector<StepIndex>{0});
}

TEST(Placement, prefers_the_idle_host_and_keeps_rules) {
    Snapshot snapshot;
    snapshot.hosts = {host("a"), host("b"), host("c")};
    snapshot.machines = {machine("busy", 0, 8000), machine("new", kNone, 1000),
                         machine("twin", kNone, 1000), machine("third", kNone, 1000, 100)};
    snapshot.rules = {{.name = "apart", .kind = RuleKind::keep_apart, .machines = {1, 2}}};
    const Cluster cluster(snapshot);
    const State state(cluster);
    const DemandCost cost(state, {});
    const auto choices = recommend_hosts(state, cost, 1);
    ASSERT_EQ(choices.size(), 3U);
    EXPECT_EQ(choices[0].host, 1U);
    EXPECT_EQ(choices[0].rating, 5);
    EXPECT_EQ(choices[2].host, 0U);
    EXPECT_EQ(refusing_hosts(state, 3).size(), 3U);
    const std::vector<MachineIndex> all{1, 2, 3};
    const auto plan = plan_power_on(cluster, all, {});
    ASSERT_EQ(plan.placed.size(), 2U);
    EXPECT_NE(plan.placed[0].host, plan.placed[1].host);
    EXPECT_EQ(plan.refused, std::vector<MachineIndex>{3});
}

TEST(Capacity, counts_what_fits_and_what_may_be_lost) {
    Snapshot snapshot;
    snapshot.hosts = {host("a", 10000, 16), host("b", 10000, 16), host("c", 10000, 16)};
    snapshot.machines = {machine("one", 0, 100, 8), machine("two", 1, 100, 8),
                         machine("three", 2, 100, 8)};
    EXPECT_EQ(how_many_fit(snapshot, machine("shape", kNone, 0, 4)), 6U);
    snapshot.pools = {{.name = "p", .cpu = {.reservation = 500, .expandable = false}}};
    auto shape = machine("shape", kNone, 0, 1);
    shape.pool = 0;
    shape.cpu.reservation = 100;
    EXPECT_EQ(how_many_fit(snapshot, shape), 5U);
    EXPECT_EQ(failover_capacity(snapshot).hosts, 1U);
    snapshot.machines.push_back(machine("wide", 0, 100, 8));
    // 24 GiB of 32 are needed after a loss, but in pieces that do fit.
    EXPECT_EQ(failover_capacity(snapshot).hosts, 1U);
    snapshot.machines.push_back(machine("odd", 1, 100, 6));
    const auto capacity = failover_capacity(snapshot);
    EXPECT_EQ(capacity.hosts, 0U);
    EXPECT_FALSE(capacity.stranded.empty());
}

TEST(WhatIf, shows_what_a_new_host_would_take) {
    Snapshot snapshot;
    snapshot.hosts = {host("a")};
    snapshot.machines = {machine("one", 0, 8000), machine("two", 0, 8000)};
    EXPECT_TRUE(decide_on(snapshot).recommendations.empty());
    EXPECT_EQ(decide_on(with_host(snapshot, host("b"))).recommendations.size(), 1U);
    const auto lost = after_loss_of(with_host(snapshot, host("b")), 0);
    EXPECT_EQ(lost.machines[0].host, kNone);
    const auto apart =
        with_rule(with_host(snapshot, host("b")),
                  {.name = "t", .kind = RuleKind::keep_together, .machines = {0, 1}});
    EXPECT_TRUE(decide_on(apart).recommendations.empty());
}

TEST(MigrationCost, grows_with_memory_and_dirty_rate) {
    auto small = machine("s", 0, 1000, 2);
    auto large = machine("l", 0, 1000, 32);
    const auto first = estimate_migration(small, {});
    EXPECT_GT(estimate_migration(large, {}).duration_s, 8 * first.duration_s / 2);
    small.dirty_bytes_per_s = 0.5e9;
    EXPECT_GT(estimate_migration(small, {}).bytes, 1.7 * first.bytes);
    small.dirty_bytes_per_s = 9e9;
    EXPECT_LE(estimate_migration(small, {}).duration_s, 3600);
}

}  // namespace
}  // namespace drover::plan
