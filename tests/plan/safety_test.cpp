// Random plans, executed in random interleavings with failures, under the eyes of a judge.
// DROVER_PLAN_SOAK=10000 runs that many.

#include <gtest/gtest.h>

#include <cstdlib>

#include "plan/balance/balance.hpp"
#include "plan/steps/execution.hpp"
#include "random_cluster.hpp"
#include "safety_judge.hpp"

namespace drover::plan::judge {
namespace {

struct Totals {
    std::size_t steps = 0;
    std::size_t blocked = 0;
    std::size_t aside = 0;
    std::size_t bundled = 0;
    std::size_t failed = 0;
};

// Where a complete, undisturbed execution has to lead.
void expect_arrival(const Cluster& cluster, const MigrationPlan& plan) {
    Execution execution(cluster, plan);
    SafetyJudge judge(cluster.snapshot());
    for (auto next = execution.startable(); !next.empty(); next = execution.startable()) {
        execution.start(next.front());
        judge.started(execution.steps()[next.front()]);
        execution.succeed(next.front());
        judge.succeeded(execution.steps()[next.front()]);
    }
    ASSERT_TRUE(execution.finished());
    auto expected = State(cluster).hosts();
    for (const auto& step : plan.steps) expected[step.machine] = step.to;
    EXPECT_EQ(judge.places(), expected);
}

void execute(const Cluster& cluster, const MigrationPlan& plan, std::mt19937_64& random,
             double failure_part, Totals& totals) {
    Execution execution(cluster, plan, {.per_host = 1 + static_cast<std::uint32_t>(random() % 8)});
    SafetyJudge judge(cluster.snapshot());
    judge.expect(plan.steps);
    std::vector<StepIndex> running;
    while (!execution.finished()) {
        const auto startable = execution.startable();
        ASSERT_FALSE(startable.empty() && running.empty()) << "nothing can go on";
        const bool starts = running.empty() || (!startable.empty() && random() % 2 == 0);
        StepIndex step;
        if (starts) {
            step = startable[random() % startable.size()];
            execution.start(step);
            judge.started(execution.steps()[step]);
            running.push_back(step);
        } else {
            const auto at = random() % running.size();
            step = running[at];
            running.erase(running.begin() + static_cast<std::ptrdiff_t>(at));
            const auto moved = execution.steps()[step];
            if (static_cast<double>(random() % 1000) < failure_part * 1000) {
                execution.fail(step);
                judge.failed(moved);
                ++totals.failed;
            } else {
                execution.succeed(step);
                judge.succeeded(moved);
            }
        }
        if (random() % 500 == 0) execution.abort();
        ASSERT_EQ(judge.complaint(), "") << "at step " << step;
    }
}

void try_seed(std::uint64_t seed, Totals& totals) {
    std::mt19937_64 random(seed);
    const auto snapshot = random_cluster(random);
    const Cluster cluster(snapshot);
    MigrationPlan plan;
    if (random() % 4 == 0) {
        BalanceOptions options;
        options.effort.iterations = 3000;
        options.seed = seed;
        plan = balance(cluster, options).migrations;
    } else {
        plan = order_moves(cluster, random_targets(snapshot, random));
    }
    totals.steps += plan.steps.size();
    totals.blocked += plan.blocked.size();
    for (const auto& step : plan.steps) {
        totals.aside += step.steps_aside;
        totals.bundled += step.bundle != kNone;
    }
    expect_arrival(cluster, plan);
    for (const double failures : {0.0, 0.1, 0.5}) {
        execute(cluster, plan, random, failures, totals);
        if (testing::Test::HasFatalFailure()) return;
    }
}

TEST(PlanSafety, holds_in_any_interleaving_and_after_failures) {
    const char* soak = std::getenv("DROVER_PLAN_SOAK");
    const auto count = soak ? std::strtoull(soak, nullptr, 10) : 300;
    Totals totals;
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        try_seed(seed, totals);
        if (HasFailure()) return;
    }
    std::printf("%zu steps (%zu aside, %zu in bundles), %zu blocked, %zu failures\n", totals.steps,
                totals.aside, totals.bundled, totals.blocked, totals.failed);
    // The cases are not all trivial.
    EXPECT_GT(totals.steps, count);
    EXPECT_GT(totals.aside, 0U);
    EXPECT_GT(totals.bundled, 0U);
    EXPECT_GT(totals.failed, 0U);
}

// A judge that never complains would pass everything.
TEST(PlanSafety, the_judge_sees_what_is_wrong) {
    Snapshot snapshot;
    snapshot.hosts = {{.name = "a", .memory_bytes = 10}, {.name = "b", .memory_bytes = 10}};
    Machine machine;
    machine.memory_configured_bytes = 6;
    machine.host = 0;
    snapshot.machines.push_back(machine);
    machine.host = 1;
    snapshot.machines.push_back(machine);
    SafetyJudge judge(snapshot);
    EXPECT_EQ(judge.complaint(), "");
    judge.started({0, 0, 1, {}, kNone, false});
    EXPECT_EQ(judge.complaint(), "memory of b");

    snapshot.machines[0].memory_configured_bytes = 1;
    snapshot.rules = {{.name = "r", .kind = RuleKind::keep_apart, .machines = {0, 1}}};
    SafetyJudge rules(snapshot);
    rules.started({0, 0, 1, {}, kNone, false});
    EXPECT_EQ(rules.complaint(), "newly close: r");
    snapshot.rules[0].kind = RuleKind::spread;
    SafetyJudge spread(snapshot);
    spread.started({0, 0, 1, {}, kNone, false});
    spread.succeeded({0, 0, 1, {}, kNone, false});
    EXPECT_EQ(spread.complaint(), "too few domains: r");
}

}  // namespace
}  // namespace drover::plan::judge
