#include "ha/restart/restart_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace drover::ha {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kNow{seconds{1000}};

// Three hosts of 10 GB; host 0 is lost, and with it all machines.
struct RestartPlanTest : testing::Test {
    void add(Priority priority, double gigabytes, std::vector<MachineId> depends_on = {}) {
        const auto row = static_cast<std::uint32_t>(catalogue.machines.size());
        catalogue.machines.push_back({.id = MachineId{row},
                                      .priority = priority,
                                      .ready_when = ReadyWhen::running,
                                      .depends_on = std::move(depends_on)});
        plan::Machine shape;
        shape.memory_configured_bytes = gigabytes * 1e9;
        catalogue.shape.machines.push_back(shape);
        MachineState state;
        state.lease = {.generation = 5, .owner = {HostId{0}, 1}, .successor = {}, .wanted = true};
        state.takeable = true;
        state.down_since = kNow - seconds{1};
        view.machines.push_back(state);
    }
    void SetUp() override {
        for (std::uint32_t host = 0; host < 3; ++host) {
            catalogue.hosts.push_back(HostId{host});
            plan::Host shape;
            shape.cpu_mhz = 10000;
            shape.memory_bytes = 10e9;
            catalogue.shape.hosts.push_back(shape);
        }
        view.now = kNow;
        view.usable = {HostId{1}, HostId{2}};
    }
    RestartPlan run(const std::vector<Assignment>& standing = {}) {
        return plan_restarts(catalogue, view, standing);
    }
    static bool assigns(const RestartPlan& plan, std::uint32_t row) {
        return std::ranges::any_of(
            plan.assignments, [&](const auto& each) { return each.machine == MachineId{row}; });
    }
    static std::optional<Waiting> why(const RestartPlan& plan, std::uint32_t row) {
        for (const auto& each : plan.waiting) {
            if (each.machine == MachineId{row}) return each.why;
        }
        return std::nullopt;
    }
    Catalogue catalogue;
    RestartView view;
};

TEST_F(RestartPlanTest, the_first_priority_goes_first) {
    add(Priority::low, 1);
    add(Priority::high, 1);
    const auto plan = run();
    EXPECT_TRUE(assigns(plan, 1));
    EXPECT_EQ(why(plan, 0), Waiting::priority);
    EXPECT_EQ(plan.assignments.front().generation, 5U);
}

TEST_F(RestartPlanTest, the_next_priority_follows_when_the_first_is_up_or_too_late) {
    add(Priority::low, 1);
    add(Priority::high, 1);
    view.machines[1].takeable = false;
    view.machines[1].lease.owner = {HostId{1}, 3};
    view.machines[1].phase = Phase::starting;
    EXPECT_FALSE(assigns(run(), 0));
    view.machines[1].phase = Phase::running;
    EXPECT_TRUE(assigns(run(), 0));
    view.machines[1].phase = Phase::starting;
    view.machines[0].down_since = kNow - std::chrono::minutes{11};
    EXPECT_TRUE(assigns(run(), 0));
}

TEST_F(RestartPlanTest, a_dependency_is_waited_for_even_if_its_priority_is_lower) {
    add(Priority::high, 1, {MachineId{1}});
    add(Priority::low, 1);
    const auto plan = run();
    EXPECT_TRUE(assigns(plan, 1));
    EXPECT_EQ(why(plan, 0), Waiting::dependency);
}

TEST_F(RestartPlanTest, rules_and_networks_say_where_it_may_start) {
    for (int i = 0; i < 3; ++i) add(Priority::high, 1);
    catalogue.shape.rules = {{"apart", plan::RuleKind::keep_apart, {0, 1}, {}, 2},
                             {"licence", plan::RuleKind::must_run_on, {2}, {1}, 2}};
    const auto plan = run();
    ASSERT_TRUE(assigns(plan, 0) && assigns(plan, 1) && assigns(plan, 2));
    const auto host_of = [&plan](std::uint32_t row) {
        return std::ranges::find(plan.assignments, MachineId{row}, &Assignment::machine)->host;
    };
    EXPECT_NE(host_of(0), host_of(1));
    EXPECT_EQ(host_of(2), HostId{1});
    catalogue.shape.machines[2].networks = {"production"};
    catalogue.shape.hosts[2].networks = {"production"};
    EXPECT_EQ(why(run(), 2), Waiting::no_host);
    view.usable = {HostId{2}};
    const auto alone = run();
    EXPECT_TRUE(assigns(alone, 0) != assigns(alone, 1));
}

TEST_F(RestartPlanTest, a_silent_owner_s_machine_holds_up_those_after_it) {
    add(Priority::low, 1);
    add(Priority::high, 1);
    for (const auto when : {ReadyWhen::assigned, ReadyWhen::running}) {
        catalogue.machines[1].ready_when = when;
        view.machines[1].takeable = false;
        view.machines[1].has_owner = false;
        view.machines[1].phase = Phase::starting;
        EXPECT_EQ(why(run(), 0), Waiting::priority);
        view.machines[1].has_owner = true;
        EXPECT_EQ(assigns(run(), 0), when == ReadyWhen::assigned);
        view.machines[1].phase = Phase::running;
        EXPECT_TRUE(assigns(run(), 0));
    }
}

// Its datastore is away; whoever depends on it has to wait all the same.
TEST_F(RestartPlanTest, what_nobody_can_read_holds_up_only_what_depends_on_it) {
    add(Priority::low, 1);
    add(Priority::high, 1);
    view.machines[1].takeable = view.machines[1].has_owner = false;
    view.machines[1].phase = Phase::starting;
    EXPECT_EQ(why(run(), 0), Waiting::priority);
    view.machines[1].is_read = false;
    EXPECT_TRUE(assigns(run(), 0));
    catalogue.machines[0].depends_on = {catalogue.machines[1].id};
    EXPECT_EQ(why(run(), 0), Waiting::dependency);
}

TEST_F(RestartPlanTest, what_is_needed_is_as_urgent_as_whoever_needs_it) {
    add(Priority::highest, 1, {MachineId{1}});
    add(Priority::low, 1, {MachineId{2}});
    add(Priority::lowest, 1);
    add(Priority::medium, 1);
    const auto plan = run();
    EXPECT_TRUE(assigns(plan, 2));
    EXPECT_EQ(why(plan, 0), Waiting::dependency);
    EXPECT_EQ(why(plan, 1), Waiting::dependency);
    EXPECT_EQ(why(plan, 3), Waiting::priority);
    // Powered off, it needs nothing: its priority passes to nobody.
    view.machines[0].lease.wanted = false;
    view.machines[0].takeable = false;
    EXPECT_TRUE(assigns(run(), 3));
    EXPECT_EQ(why(run(), 2), Waiting::priority);
}

TEST_F(RestartPlanTest, two_that_need_each_other_wait_until_it_is_late_and_no_longer) {
    add(Priority::high, 1, {MachineId{1}});
    add(Priority::low, 1, {MachineId{0}});
    EXPECT_TRUE(run().assignments.empty());
    for (auto& machine : view.machines) machine.down_since = kNow - std::chrono::minutes{11};
    EXPECT_EQ(run().assignments.size(), 2U);
}

TEST_F(RestartPlanTest, starts_are_bounded_on_each_host) {
    catalogue.starts_per_host = 1;
    for (int machine = 0; machine < 3; ++machine) add(Priority::medium, 1);
    const auto plan = run();
    EXPECT_EQ(plan.assignments.size(), 2U);
    EXPECT_EQ(plan.waiting.size(), 1U);
    EXPECT_EQ(plan.waiting.front().why, Waiting::start_slots);
}

TEST_F(RestartPlanTest, what_fits_nowhere_waits_and_holds_nobody_up_for_ever) {
    add(Priority::highest, 11);
    const auto plan = run();
    EXPECT_TRUE(plan.assignments.empty());
    EXPECT_EQ(why(plan, 0), Waiting::no_host);
}

TEST_F(RestartPlanTest, failed_starts_back_off_and_go_elsewhere) {
    add(Priority::medium, 1);
    view.machines[0].failures = 2;
    view.machines[0].failed_on = HostId{1};
    view.machines[0].failed_at = kNow - seconds{9};
    EXPECT_EQ(why(run(), 0), Waiting::back_off);
    view.machines[0].failed_at = kNow - seconds{11};
    const auto plan = run();
    ASSERT_TRUE(assigns(plan, 0));
    EXPECT_EQ(plan.assignments.front().host, HostId{2});
    view.machines[0].failures = catalogue.failures_at_most;
    EXPECT_EQ(why(run(), 0), Waiting::too_many_failures);
}

TEST_F(RestartPlanTest, standing_assignments_hold_while_they_are_of_use) {
    add(Priority::medium, 1);
    const Assignment old{MachineId{0}, 5, HostId{2}};
    EXPECT_EQ(run({old}).assignments, std::vector{old});
    EXPECT_NE(run({Assignment{MachineId{0}, 4, HostId{2}}}).assignments.front().generation, 4U);
    view.usable = {HostId{1}};
    EXPECT_EQ(run({old}).assignments.front().host, HostId{1});
}

TEST_F(RestartPlanTest, disabled_machines_stay_down) {
    add(Priority::disabled, 1);
    EXPECT_EQ(why(run(), 0), Waiting::disabled);
}

}  // namespace
}  // namespace drover::ha
