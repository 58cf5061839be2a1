#include "ha/fence/fencer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace drover::ha {
namespace {

using std::chrono::milliseconds;

constexpr MachineId kMachine{0};

Time at_ms(std::int64_t ms) {
    return Time{milliseconds{ms}};
}

bool asked(const std::vector<FencerAction>& actions, FencerDo what) {
    return std::ranges::any_of(actions, [=](const auto& each) { return each.what == what; });
}

// A host that has joined at 0 and runs one machine.
Fencer running(StorageFencing fencing) {
    Fencer fencer(Timing{}, fencing);
    EXPECT_TRUE(fencer.joined(1, at_ms(0), at_ms(10)));
    EXPECT_TRUE(fencer.prepare(kMachine, 1, false, at_ms(20)));
    EXPECT_TRUE(fencer.start(kMachine, 1, at_ms(30)));
    fencer.take_actions();
    return fencer;
}

Observation busy() {
    return {.machine = kMachine, .process = true, .stopped = true, .writes_in_flight = true};
}
Observation drained() {
    return {.machine = kMachine, .process = true, .stopped = true, .writes_in_flight = false};
}
Observation executing() {
    return {.machine = kMachine, .process = true, .stopped = false, .writes_in_flight = false};
}

TEST(Fencer, stops_before_the_end_and_goes_on_when_an_answer_comes_in_time) {
    auto fencer = running(StorageFencing::none);
    const std::vector seen{executing()};
    fencer.tick(seen, at_ms(2499));
    EXPECT_FALSE(asked(fencer.take_actions(), FencerDo::pause));
    fencer.tick(seen, at_ms(2500));
    EXPECT_TRUE(asked(fencer.take_actions(), FencerDo::pause));
    EXPECT_TRUE(fencer.acked_slot(1, false, at_ms(2000), at_ms(2999)));
    EXPECT_TRUE(asked(fencer.take_actions(), FencerDo::run));
    EXPECT_EQ(fencer.deadline(), at_ms(5000));
}

TEST(Fencer, an_answer_at_the_deadline_is_void) {
    auto fencer = running(StorageFencing::none);
    EXPECT_FALSE(fencer.acked_slot(1, false, at_ms(2000), at_ms(3000)));
    EXPECT_TRUE(fencer.fenced());
    EXPECT_FALSE(fencer.acked_slot(1, false, at_ms(2900), at_ms(2950)));
}

TEST(Fencer, kills_what_has_not_drained_and_resets_for_stuck_writes) {
    auto fencer = running(StorageFencing::none);
    const std::vector seen{busy()};
    fencer.tick(seen, at_ms(2500));
    fencer.take_actions();
    fencer.tick(seen, at_ms(3000));
    EXPECT_TRUE(asked(fencer.take_actions(), FencerDo::kill));
    EXPECT_FALSE(fencer.quiet());
    fencer.tick(seen, at_ms(3499));
    EXPECT_FALSE(asked(fencer.take_actions(), FencerDo::reset_host));
    fencer.tick(seen, at_ms(3500));
    EXPECT_TRUE(asked(fencer.take_actions(), FencerDo::reset_host));
}

TEST(Fencer, a_reaped_process_with_writes_on_the_way_resets_too) {
    auto fencer = running(StorageFencing::none);
    const std::vector seen{Observation{
        .machine = kMachine, .process = false, .stopped = true, .writes_in_flight = true}};
    fencer.tick(seen, at_ms(3000));
    fencer.tick(seen, at_ms(3600));
    EXPECT_TRUE(asked(fencer.take_actions(), FencerDo::reset_host));
}

TEST(Fencer, freezes_where_a_taker_can_fence_and_never_resets) {
    auto fencer = running(StorageFencing::at_storage);
    const std::vector seen{busy()};
    fencer.tick(seen, at_ms(2500));
    fencer.tick(seen, at_ms(3000));
    fencer.tick(seen, at_ms(9000));
    const auto actions = fencer.take_actions();
    EXPECT_TRUE(asked(actions, FencerDo::freeze));
    EXPECT_FALSE(asked(actions, FencerDo::kill));
    EXPECT_FALSE(asked(actions, FencerDo::reset_host));
    EXPECT_TRUE(fencer.quiet());
}

TEST(Fencer, cuts_a_machine_from_its_storage_where_it_has_a_gate) {
    auto fencer = running(StorageFencing::gate);
    const std::vector seen{busy()};
    fencer.tick(seen, at_ms(2500));
    fencer.tick(seen, at_ms(3000));
    EXPECT_TRUE(asked(fencer.take_actions(), FencerDo::close_gate));
    EXPECT_TRUE(fencer.quiet());
}

TEST(Fencer, a_drained_machine_waits_and_is_won_back_in_a_new_epoch) {
    auto fencer = running(StorageFencing::none);
    fencer.tick(std::vector{executing()}, at_ms(2500));
    fencer.tick(std::vector{drained()}, at_ms(2600));
    fencer.tick(std::vector{drained()}, at_ms(3000));
    EXPECT_TRUE(fencer.fenced());
    EXPECT_TRUE(fencer.quiet());
    EXPECT_FALSE(fencer.resume(kMachine, 2, at_ms(3100)));
    EXPECT_FALSE(fencer.joined(1, at_ms(3100), at_ms(3200)));
    EXPECT_TRUE(fencer.joined(2, at_ms(3100), at_ms(3200)));
    EXPECT_TRUE(fencer.resume(kMachine, 2, at_ms(3300)));
    EXPECT_EQ(fencer.find(kMachine)->state, Guard::running);
}

TEST(Fencer, joins_only_when_nothing_can_write) {
    auto fencer = running(StorageFencing::none);
    fencer.tick(std::vector{busy()}, at_ms(3000));
    EXPECT_FALSE(fencer.joined(2, at_ms(3100), at_ms(3200)));
}

TEST(Fencer, starts_nothing_beside_a_process_that_is_left) {
    auto fencer = running(StorageFencing::none);
    EXPECT_FALSE(fencer.prepare(kMachine, 2, false, at_ms(100)));
    fencer.exited(kMachine, at_ms(110));
    const Observation writes{.machine = kMachine, .process = false, .writes_in_flight = true};
    fencer.tick(std::vector{writes}, at_ms(120));
    EXPECT_FALSE(fencer.prepare(kMachine, 2, false, at_ms(130)));
    const Observation gone{.machine = kMachine, .process = false, .writes_in_flight = false};
    fencer.tick(std::vector{gone}, at_ms(140));
    EXPECT_TRUE(fencer.prepare(kMachine, 2, false, at_ms(150)));
}

TEST(Fencer, the_watchdog_is_petted_on_a_fresh_answer_or_when_nothing_can_write) {
    auto fencer = running(StorageFencing::none);
    fencer.tick(std::vector{executing()}, at_ms(500));
    EXPECT_TRUE(asked(fencer.take_actions(), FencerDo::pet_watchdog));
    fencer.tick(std::vector{executing()}, at_ms(600));
    EXPECT_FALSE(asked(fencer.take_actions(), FencerDo::pet_watchdog));
    fencer.tick(std::vector{drained()}, at_ms(2500));
    fencer.tick(std::vector{drained()}, at_ms(3000));
    EXPECT_TRUE(asked(fencer.take_actions(), FencerDo::pet_watchdog));
}

TEST(Fencer, hands_over_only_with_a_permit_and_takes_only_in_the_named_epoch) {
    auto source = running(StorageFencing::none);
    EXPECT_FALSE(source.hand_over(kMachine, 1, at_ms(2600)));
    EXPECT_TRUE(source.hand_over(kMachine, 1, at_ms(1000)));
    EXPECT_FALSE(source.start(kMachine, 1, at_ms(1100)));
    Fencer target(Timing{}, StorageFencing::none);
    ASSERT_TRUE(target.joined(7, at_ms(0), at_ms(10)));
    ASSERT_TRUE(target.prepare(kMachine, 0, true, at_ms(20)));
    EXPECT_FALSE(target.accept(kMachine, 1, 6, at_ms(100)));
    EXPECT_TRUE(target.accept(kMachine, 1, 7, at_ms(100)));
    EXPECT_TRUE(target.find(kMachine)->successor);
}

TEST(Fencer, an_answer_to_a_join_that_took_long_is_void) {
    Fencer fencer(Timing{}, StorageFencing::none);
    EXPECT_FALSE(fencer.joined(1, at_ms(0), at_ms(2001)));
    EXPECT_TRUE(fencer.joined(1, at_ms(0), at_ms(2000)));
    EXPECT_EQ(fencer.deadline(), at_ms(3000));
}

TEST(Fencer, an_arriving_machine_ends_with_the_permit) {
    Fencer target(Timing{}, StorageFencing::none);
    ASSERT_TRUE(target.joined(7, at_ms(0), at_ms(10)));
    ASSERT_TRUE(target.prepare(kMachine, 0, true, at_ms(20)));
    target.tick({}, at_ms(3000));
    EXPECT_TRUE(asked(target.take_actions(), FencerDo::kill));
    EXPECT_FALSE(target.accept(kMachine, 1, 7, at_ms(3010)));
}

TEST(Fencer, keeps_the_trace_of_a_successor_until_the_lease_has_moved_on) {
    Fencer target(Timing{}, StorageFencing::none);
    ASSERT_TRUE(target.joined(7, at_ms(0), at_ms(10)));
    ASSERT_TRUE(target.prepare(kMachine, 0, true, at_ms(20)));
    ASSERT_TRUE(target.accept(kMachine, 5, 7, at_ms(30)));
    const std::vector gone{Observation{
        .machine = kMachine, .process = false, .stopped = true, .writes_in_flight = false}};
    target.tick(gone, at_ms(100));
    ASSERT_NE(target.find(kMachine), nullptr);
    target.relabel(kMachine, 6);
    target.tick(gone, at_ms(200));
    EXPECT_EQ(target.find(kMachine), nullptr);
}

TEST(Fencer, stillness_pets_the_watchdog_only_when_the_permit_has_gone) {
    auto fencer = running(StorageFencing::none);
    fencer.tick(std::vector{executing()}, at_ms(2500));
    fencer.tick(std::vector{drained()}, at_ms(2550));
    fencer.tick(std::vector{drained()}, at_ms(2600));
    // An answer in time may still continue the machine.
    EXPECT_FALSE(asked(fencer.take_actions(), FencerDo::pet_watchdog));
    fencer.tick(std::vector{drained()}, at_ms(3000));
    EXPECT_TRUE(asked(fencer.take_actions(), FencerDo::pet_watchdog));
    // Joined by an answer that is older than the last pet: nothing runs before the next one.
    EXPECT_TRUE(fencer.joined(2, at_ms(2000), at_ms(3100)));
    EXPECT_FALSE(fencer.resume(kMachine, 2, at_ms(3150)));
    EXPECT_TRUE(fencer.acked_slot(2, false, at_ms(3120), at_ms(3200)));
    EXPECT_TRUE(fencer.resume(kMachine, 2, at_ms(3210)));
}

TEST(Permit, is_bounded_by_what_the_slot_promises) {
    const Timing timing;
    Permit permit{.epoch = 1, .etcd = at_ms(50000), .storage = at_ms(20000), .is_short = false};
    EXPECT_EQ(permit.deadline(timing), at_ms(53000));
    permit.storage = at_ms(11000);
    EXPECT_EQ(permit.deadline(timing), at_ms(51000));
    permit.is_short = true;
    EXPECT_EQ(permit.deadline(timing), at_ms(14000));
}

}  // namespace
}  // namespace drover::ha
