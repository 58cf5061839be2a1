#include "ha/agent/agent.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>

namespace drover::ha {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr HostId kSelf{0};
constexpr MachineId kMachine{0};
constexpr Tenure kTarget{HostId{1}, 1};

// One agent, and an etcd and a datastore that answer at once. The other hosts beat, say that they
// take machines, and never act. Starts are answered by the test.
struct AgentTest : testing::Test {
    AgentTest() : fencer({}, StorageFencing::none), agent({.self = kSelf}, fencer), leases(1) {
        protect({{.id = kMachine}});
        pass(seconds{1});
    }

    void protect(std::vector<ProtectedMachine> machines) {
        auto made = std::make_shared<Catalogue>();
        made->version = ++version;
        made->shape.machines.resize(machines.size());
        made->machines = std::move(machines);
        for (std::uint32_t host = 0; host < 3; ++host) {
            made->hosts.push_back(HostId{host});
            plan::Host shape;
            shape.cpu_mhz = 10000;
            shape.memory_bytes = 10e9;
            made->shape.hosts.push_back(shape);
        }
        tell(CatalogueChanged{made});
    }

    void tell(const Event& event) {
        std::deque<Event> events{event};
        while (!events.empty()) {
            for (const auto& action : agent.step(events.front(), now)) answer(action, events);
            events.pop_front();
        }
        fencer.tick(processes(), now);
        for (const auto& action : fencer.take_actions()) {
            if (action.what == FencerDo::kill) has_process = false;
        }
    }
    void pass(Duration length) {
        for (const Time end = now + length; now < end; now += milliseconds{50}) tell(Tick{});
    }
    std::vector<Observation> processes() const {
        if (fencer.find(kMachine) == nullptr) return {};
        return {{.machine = kMachine,
                 .process = has_process,
                 .stopped = !has_process,
                 .writes_in_flight = false}};
    }
    void answer(const Action& action, std::deque<Event>& events) {
        if (const auto* beat = std::get_if<BeatEtcd>(&action)) {
            events.push_back(BeatAnswered{beat->op, true, {beat->beat}});
        } else if (const auto* create = std::get_if<CreateSlot>(&action)) {
            own = create->slot;
            events.push_back(SlotCreated{create->op, true});
        } else if (const auto* write = std::get_if<WriteSlot>(&action)) {
            own = write->slot;
            events.push_back(SlotWritten{write->op});
        } else if (const auto* read = std::get_if<ReadLeases>(&action)) {
            events.push_back(LeasesRead{read->op, {leases.begin(), leases.end()}, plan});
        } else if (const auto* all = std::get_if<ReadSlots>(&action)) {
            events.push_back(SlotsRead{all->op, slots()});
        } else if (const auto* swap = std::get_if<SwapLease>(&action)) {
            leases[index_of(swap->machine)] = swap->next;
            events.push_back(LeaseSwapped{swap->op, true});
        } else if (const auto* next = std::get_if<SwapPlan>(&action)) {
            plan = next->next;
            events.push_back(PlanSwapped{next->op, true});
        } else if (const auto* start = std::get_if<Launch>(&action)) {
            launches.push_back(*start);
            has_process = true;
        } else if (const auto* give = std::get_if<HandOver>(&action)) {
            words.push_back(*give);
        } else if (const auto* cancel = std::get_if<CancelMigration>(&action)) {
            cancelled.push_back(*cancel);
        } else if (std::holds_alternative<OfferIncoming>(action)) {
            has_process = true;
        }
    }
    std::vector<Slot> slots() {
        std::vector<Slot> all;
        if (own.who) all.push_back(own);
        ++sequence;
        for (std::uint32_t host = 1; host < 3; ++host) {
            all.push_back({.who = {HostId{host}, 1},
                           .sequence = sequence,
                           .promise = milliseconds{4000},
                           .report = std::make_shared<Report>()});
        }
        return all;
    }

    void run_machine() {
        tell(PowerOn{kMachine});
        pass(seconds{1});
        tell(Launched{kMachine, launches.back().generation, true});
    }
    void begin_move() {
        run_machine();
        tell(MigrateOut{kMachine, kTarget});
        pass(seconds{1});
        ASSERT_EQ(leases[0].successor, kTarget);
    }

    Fencer fencer;
    Agent agent;
    Time now{seconds{1000}};
    std::vector<Lease> leases;
    PlanCell plan;
    Slot own;
    std::uint64_t sequence = 0;
    std::uint64_t version = 0;
    std::vector<Launch> launches;
    std::vector<HandOver> words;
    std::vector<CancelMigration> cancelled;
    bool has_process = false;
};

// Nobody says of it that it runs, but that is no reason to wait for it.
TEST_F(AgentTest, what_runs_unguarded_holds_up_nobody) {
    protect({{.id = kMachine, .priority = Priority::low},
             {.id = MachineId{1}, .priority = Priority::high}});
    leases[0] = {.generation = 5, .owner = {}, .wanted = true};
    leases.push_back({.generation = 3, .owner = {kSelf, 0}, .wanted = true});
    pass(seconds{6});
    EXPECT_FALSE(plan.assignments.empty());
}

TEST_F(AgentTest, what_runs_unguarded_is_ready) {
    protect(
        {{.id = kMachine, .priority = Priority::low},
         {.id = MachineId{1}, .priority = Priority::high, .ready_when = ReadyWhen::guest_ready}});
    leases[0] = {.generation = 5, .owner = {}, .wanted = true};
    leases.push_back({.generation = 3, .owner = {kSelf, 0}, .wanted = true});
    pass(seconds{6});
    EXPECT_FALSE(plan.assignments.empty());
}

// The plan still tells of the first time when it is needed again.
TEST_F(AgentTest, is_not_late_because_it_was_restarted_before) {
    tell(HostTakesMachines{false});
    leases[0] = {.generation = 5, .owner = {}, .wanted = true};
    pass(seconds{3});
    ASSERT_EQ(plan.assignments.size(), 1U);
    EXPECT_EQ(plan.assignments[0].generation, 5U);
    leases[0] = {.generation = 6, .owner = {plan.assignments[0].host, 1}, .wanted = true};
    pass(seconds{30});
    leases[0] = {.generation = 7, .owner = {}, .wanted = true};
    pass(seconds{3});
    ASSERT_EQ(plan.assignments.size(), 1U);
    EXPECT_EQ(plan.assignments[0].generation, 7U);
}

// On another datastore the leases of a machine begin anew.
TEST_F(AgentTest, starts_a_machine_whose_lease_has_moved) {
    leases[0] = {.generation = 57, .owner = {}, .wanted = false};
    pass(seconds{2});
    leases[0] = {.generation = 1, .owner = {}, .wanted = false};
    protect({{.id = kMachine, .lease_place = 2}});
    run_machine();
    EXPECT_EQ(leases[0].owner, agent.self());
    EXPECT_EQ(leases[0].generation, 2U);
}

TEST_F(AgentTest, guards_what_ran_before_it_was_protected) {
    leases[0] = {.generation = 5, .owner = {kSelf, 0}, .wanted = true};
    has_process = true;
    pass(seconds{10});
    EXPECT_EQ(leases[0].generation, 5U);  // nobody takes it over
    EXPECT_EQ(fencer.find(kMachine), nullptr);
    tell(Adopt{kMachine, 4});  // of an older lease
    EXPECT_EQ(fencer.find(kMachine), nullptr);
    tell(Adopt{kMachine, 5});
    ASSERT_NE(fencer.find(kMachine), nullptr);
    EXPECT_EQ(fencer.find(kMachine)->state, Guard::running);
    EXPECT_EQ(fencer.find(kMachine)->generation, 6U);
    EXPECT_EQ(leases[0].owner, agent.self());
    EXPECT_TRUE(leases[0].wanted);
    EXPECT_TRUE(launches.empty());
    // From now on it is started again when it ends.
    has_process = false;
    pass(seconds{2});
    EXPECT_EQ(launches.size(), 1U);
}

TEST_F(AgentTest, starts_what_ended_before_it_was_protected_only_when_asked) {
    leases[0] = {.generation = 5, .owner = {kSelf, 0}, .wanted = true};
    tell(PowerOff{kMachine});
    pass(seconds{10});
    EXPECT_TRUE(launches.empty());
    EXPECT_EQ(leases[0].generation, 5U);
    run_machine();
    EXPECT_EQ(leases[0].owner, agent.self());
    EXPECT_EQ(fencer.find(kMachine)->state, Guard::running);
}

TEST_F(AgentTest, joins_and_starts_what_an_administrator_turns_on) {
    ASSERT_TRUE(agent.has_joined());
    tell(PowerOn{kMachine});
    pass(seconds{1});
    ASSERT_EQ(launches.size(), 1U);
    EXPECT_EQ(leases[0].owner, agent.self());
    tell(Launched{kMachine, launches[0].generation, true});
    EXPECT_EQ(fencer.find(kMachine)->state, Guard::running);
}

TEST_F(AgentTest, offers_a_machine_whose_start_nobody_answers) {
    tell(PowerOn{kMachine});
    pass(seconds{29});
    ASSERT_EQ(launches.size(), 1U);
    EXPECT_EQ(fencer.find(kMachine)->state, Guard::prepared);
    pass(seconds{3});
    EXPECT_FALSE(has_process);
    EXPECT_TRUE(leases[0].wanted);
    EXPECT_NE(leases[0].generation, launches[0].generation);
    // The answer comes after all: too late.
    tell(Launched{kMachine, launches[0].generation, true});
    EXPECT_FALSE(has_process);
}

TEST_F(AgentTest, plans_anew_when_the_chosen_host_does_not_act) {
    tell(HostTakesMachines{false});
    leases[0] = {.generation = 7, .owner = {}, .successor = {}, .wanted = true};
    pass(seconds{10});
    ASSERT_EQ(plan.assignments.size(), 1U);
    const auto first = plan.assignments[0].host;
    EXPECT_NE(first, kSelf);
    pass(seconds{30});
    ASSERT_EQ(plan.assignments.size(), 1U);
    EXPECT_NE(plan.assignments[0].host, first);
    EXPECT_NE(plan.assignments[0].host, kSelf);
}

TEST_F(AgentTest, gives_away_a_machine_whose_engine_has_ended_it) {
    begin_move();
    has_process = false;
    tell(SwitchoverReady{kMachine, leases[0].generation});
    ASSERT_EQ(words.size(), 1U);
    EXPECT_EQ(words[0].to, kTarget);
    EXPECT_EQ(words[0].generation, leases[0].generation);
    // The target may run it: nothing is started here while it lives.
    pass(seconds{20});
    EXPECT_EQ(launches.size(), 1U);
    tell(Declined{kMachine, leases[0].generation});
    pass(seconds{2});
    EXPECT_EQ(launches.size(), 2U);
}

TEST_F(AgentTest, gives_a_machine_away_again_that_has_come_back) {
    begin_move();
    has_process = false;
    tell(SwitchoverReady{kMachine, leases[0].generation});
    leases[0] = {
        .generation = leases[0].generation + 1, .owner = kTarget, .successor = {}, .wanted = true};
    tell(Tick{});
    pass(milliseconds{600});
    tell(MigrateIn{kMachine, kTarget});
    leases[0].successor = agent.self();
    ++leases[0].generation;
    tell(HandedOver{kMachine, leases[0].generation, agent.self(), kTarget});
    pass(seconds{2});
    ASSERT_EQ(leases[0].owner, agent.self());
    tell(MigrateOut{kMachine, kTarget});
    pass(seconds{1});
    EXPECT_EQ(leases[0].successor, kTarget);
}

TEST_F(AgentTest, gives_nothing_away_after_the_move_was_called_off) {
    begin_move();
    const auto generation = leases[0].generation;
    tell(MigrationFailed{kMachine, generation});
    pass(seconds{1});
    EXPECT_FALSE(leases[0].successor);
    has_process = false;
    tell(SwitchoverReady{kMachine, generation});
    EXPECT_TRUE(words.empty());
    EXPECT_EQ(cancelled.size(), 1U);
}

TEST_F(AgentTest, awaits_a_machine_as_long_as_it_is_said_to_come) {
    leases[0] = {.generation = 7, .owner = kTarget, .successor = {}, .wanted = true};
    pass(seconds{1});
    for (int i = 0; i < 10; ++i) {
        tell(MigrateIn{kMachine, {kTarget.host, 0}});
        pass(seconds{2});
    }
    ASSERT_NE(fencer.find(kMachine), nullptr);
    EXPECT_TRUE(fencer.find(kMachine)->arriving);
    tell(MigrationFailed{kMachine, 0});
    pass(seconds{1});
    EXPECT_EQ(fencer.find(kMachine), nullptr);
}

TEST_F(AgentTest, does_not_await_a_machine_of_a_host_that_does_not_own_it) {
    leases[0] = {.generation = 7, .owner = {HostId{2}, 1}, .successor = {}, .wanted = true};
    pass(seconds{1});
    tell(MigrateIn{kMachine, {kTarget.host, 0}});
    EXPECT_EQ(fencer.find(kMachine), nullptr);
}

}  // namespace
}  // namespace drover::ha
