#include "plan/balance/balance.hpp"

#include <gtest/gtest.h>

#include <random>

#include "plan/balance/descent.hpp"

namespace drover::plan {
namespace {

Snapshot random_snapshot(std::uint64_t seed, std::size_t hosts, std::size_t machines) {
    std::mt19937_64 random(seed);
    Snapshot snapshot;
    for (std::size_t at = 0; at < hosts; ++at) {
        Host host;
        host.name = "host" + std::to_string(at);
        host.cpu_mhz = 10000 + static_cast<double>(random() % 3) * 5000;
        host.memory_bytes = 1000 + static_cast<double>(random() % 3) * 500;
        snapshot.hosts.push_back(host);
    }
    for (std::size_t at = 0; at < machines; ++at) {
        Machine machine;
        machine.name = "vm" + std::to_string(at);
        // Half of the hosts get most.
        machine.host = static_cast<HostIndex>(random() % (random() % 3 == 0 ? hosts : hosts / 2));
        machine.vcpus = static_cast<std::uint32_t>(1 + random() % 4);
        machine.cpu_demand_mhz = static_cast<double>(random() % 1500);
        machine.memory_configured_bytes = 10 + static_cast<double>(random() % 50);
        machine.memory_demand_bytes = machine.memory_configured_bytes * 0.6;
        snapshot.machines.push_back(machine);
    }
    snapshot.memory_overcommit = 2;
    return snapshot;
}

HbalScore hbal_score(const State& state) {
    std::vector<HbalScore::Host> hosts;
    std::vector<HbalScore::Machine> machines;
    for (const auto& host : state.cluster().snapshot().hosts) {
        hosts.push_back({host.memory_bytes, 20, host.cpu_mhz / 1000});
    }
    for (const auto& machine : state.cluster().snapshot().machines) {
        machines.push_back({machine.memory_configured_bytes, static_cast<double>(machine.vcpus),
                            machine.cpu_demand_mhz / 10000, machine.memory_demand_bytes / 1000});
    }
    return {state, hosts, machines};
}

// What a move is said to bring is what it brings, and sums kept up to date are sums anew.
template <class Make>
void expect_exact_deltas(Make make) {
    const auto snapshot = random_snapshot(7, 6, 60);
    const Cluster cluster(snapshot);
    State state(cluster);
    auto objective = make(state);
    std::mt19937_64 random(1);
    for (int times = 0; times < 500; ++times) {
        const auto one = static_cast<MachineIndex>(random() % 60);
        const auto two = static_cast<MachineIndex>(random() % 60);
        const auto to = static_cast<HostIndex>(random() % 6);
        const double before = objective.cost();
        if (state.host_of(one) != state.host_of(two) && times % 2 == 0) {
            const double delta = objective.swap_delta(state, one, two);
            const auto first = state.host_of(one);
            const auto second = state.host_of(two);
            objective.will_move(state, one, second);
            state.move(one, second);
            objective.will_move(state, two, first);
            state.move(two, first);
            ASSERT_NEAR(objective.cost(), before + delta, 1e-9);
        } else if (to != state.host_of(one)) {
            const double delta = objective.move_delta(state, one, to);
            objective.will_move(state, one, to);
            state.move(one, to);
            ASSERT_NEAR(objective.cost(), before + delta, 1e-9);
        }
        ASSERT_NEAR(objective.cost(), make(state).cost(), 1e-7);
    }
}

TEST(HbalScore, deltas_are_exact) {
    expect_exact_deltas(hbal_score);
}

TEST(DemandCost, deltas_are_exact) {
    expect_exact_deltas(
        [](const State& state) { return DemandCost(state, {}, std::vector<double>(60, 0.01)); });
}

TEST(Balance, evens_out_and_then_leaves_alone) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        auto snapshot = random_snapshot(seed, 8, 100);
        const Cluster cluster(snapshot);
        BalanceOptions options;
        options.anneal = false;
        const auto plan = balance(cluster, options);
        ASSERT_TRUE(plan.migrations.blocked.empty());
        EXPECT_LT(plan.cost_after, plan.cost_before);
        State after(cluster);
        for (const auto& step : plan.migrations.steps) after.move(step.machine, step.to);
        EXPECT_LT(hbal_score(after).cost(), hbal_score(State(cluster)).cost());
        for (MachineIndex at = 0; at < 100; ++at) snapshot.machines[at].host = after.host_of(at);
        EXPECT_TRUE(balance(Cluster(snapshot), options).migrations.steps.empty()) << seed;
    }
}

TEST(Balance, keeps_to_its_moves_and_repeats_for_a_seed) {
    const auto snapshot = random_snapshot(3, 8, 100);
    const Cluster cluster(snapshot);
    for (const std::size_t moves : {1UL, 2UL, 5UL, 17UL}) {
        BalanceOptions options;
        options.max_moves = moves;
        options.effort.iterations = 20000;
        const auto plan = balance(cluster, options);
        EXPECT_LE(plan.migrations.steps.size(), moves);
        EXPECT_LT(plan.cost_after, plan.cost_before);
        const auto again = balance(cluster, options);
        ASSERT_EQ(plan.migrations.steps.size(), again.migrations.steps.size());
        for (std::size_t at = 0; at < plan.migrations.steps.size(); ++at) {
            EXPECT_EQ(plan.migrations.steps[at].machine, again.migrations.steps[at].machine);
            EXPECT_EQ(plan.migrations.steps[at].to, again.migrations.steps[at].to);
        }
    }
}

TEST(Balance, mends_rules_and_empties_unusable_hosts) {
    auto snapshot = random_snapshot(5, 6, 40);
    snapshot.hosts[0].usable = false;
    snapshot.rules = {
        {.name = "apart", .kind = RuleKind::keep_apart, .machines = {0, 1, 2, 3}},
        {.name = "together", .kind = RuleKind::keep_together, .machines = {4, 5, 6}},
        {.name = "must", .kind = RuleKind::must_run_on, .machines = {7, 8}, .hosts = {5}},
        {.name = "not", .kind = RuleKind::must_not_run_on, .machines = {9, 10}, .hosts = {1, 2}}};
    const Cluster cluster(snapshot);
    BalanceOptions options;
    options.effort.iterations = 20000;
    const auto plan = balance(cluster, options);
    State after(cluster);
    for (const auto& step : plan.migrations.steps) after.move(step.machine, step.to);
    EXPECT_EQ(after.broken_rules(), 0U);
    EXPECT_TRUE(after.machines_on(0).empty());
}

TEST(State, refuses_what_rules_forbid) {
    Snapshot snapshot = random_snapshot(1, 4, 4);
    for (MachineIndex at = 0; at < 4; ++at) snapshot.machines[at].host = at;
    snapshot.machines[3].networks = {"storage"};
    snapshot.hosts[2].networks = {"storage"};
    snapshot.machines[0].memory_configured_bytes = 1e9;
    snapshot.rules = {
        {.name = "apart", .kind = RuleKind::keep_apart, .machines = {1, 2}},
        {.name = "spread", .kind = RuleKind::spread, .machines = {2, 3}, .minimum_domains = 2}};
    const Cluster cluster(snapshot);
    State state(cluster);
    EXPECT_EQ(state.check(1, 2), Refusal::apart);
    EXPECT_EQ(state.check(3, 1), Refusal::incompatible);
    EXPECT_EQ(state.check(3, 2), Refusal::spread);
    EXPECT_EQ(state.check(0, 1), Refusal::memory);
    EXPECT_EQ(state.check(1, 3), Refusal::none);
}

}  // namespace
}  // namespace drover::plan
