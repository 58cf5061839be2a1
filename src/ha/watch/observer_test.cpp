#include "ha/watch/observer.hpp"

#include <gtest/gtest.h>

namespace drover::ha {
namespace {

using std::chrono::milliseconds;

constexpr HostId kOther{1};
constexpr Tenure kOwner{kOther, 3};

Time at_ms(std::int64_t ms) {
    return Time{milliseconds{ms}};
}

Slot slot(Epoch epoch, std::uint64_t sequence, std::int64_t promise_ms) {
    return {.who = {kOther, epoch}, .sequence = sequence, .promise = milliseconds{promise_ms}};
}

struct ObserverTest : testing::Test {
    // Read sent at `ms`, answered 10 ms later.
    void slots(std::int64_t ms, std::vector<Slot> all) {
        observer.saw_slots(all, at_ms(ms), at_ms(ms + 10));
    }
    void beats(std::int64_t ms, std::uint64_t sequence) {
        const std::vector<Beat> all{{.who = kOwner, .sequence = sequence}};
        observer.saw_beats(all, at_ms(ms), at_ms(ms + 10));
    }
    Observer observer{Timing{}};
};

TEST_F(ObserverTest, an_unknown_host_is_unknown) {
    EXPECT_EQ(observer.judge(kOwner), Verdict::unknown);
    slots(0, {});
    EXPECT_EQ(observer.judge(kOwner), Verdict::unknown);
}

TEST_F(ObserverTest, silent_on_both_channels_for_four_seconds_by_sending_time) {
    slots(0, {slot(3, 1, 60000)});
    beats(0, 1);
    slots(4009, {slot(3, 1, 60000)});
    beats(4009, 1);
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
    slots(4010, {slot(3, 1, 60000)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
    beats(4010, 1);
    EXPECT_EQ(observer.judge(kOwner), Verdict::both_silent);
}

TEST_F(ObserverTest, a_sign_on_one_channel_ends_the_silence_on_both) {
    slots(0, {slot(3, 1, 60000)});
    beats(0, 1);
    slots(3000, {slot(3, 2, 60000)});
    beats(5000, 1);
    slots(5000, {slot(3, 2, 60000)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
}

// So it is when etcd was without a leader for a while, and the dead host was the leader.
TEST_F(ObserverTest, a_beat_that_etcd_shows_late_is_no_sign_when_a_later_slot_was_seen) {
    slots(0, {slot(3, 2, 60000)});
    beats(0, 1);
    slots(500, {slot(3, 4, 60000)});
    beats(2500, 3);
    slots(4510, {slot(3, 4, 60000)});
    beats(4510, 3);
    EXPECT_EQ(observer.judge(kOwner), Verdict::both_silent);
}

TEST_F(ObserverTest, a_beat_sent_after_the_slot_is_a_sign_however_late_it_is_shown) {
    slots(0, {slot(3, 2, 60000)});
    beats(0, 1);
    slots(500, {slot(3, 4, 60000)});
    beats(2500, 5);
    slots(4510, {slot(3, 4, 60000)});
    beats(4510, 5);
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
}

// Sequences begin again with each epoch: that one's slots say nothing about this one's beats.
TEST_F(ObserverTest, slots_of_another_epoch_make_no_beat_old) {
    slots(0, {slot(2, 900, 60000), slot(3, 2, 60000)});
    beats(0, 3);
    slots(4500, {slot(2, 900, 60000), slot(3, 2, 60000)});
    beats(4500, 5);
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
}

TEST_F(ObserverTest, the_next_verdict_is_due_four_seconds_after_the_last_sign_on_either_channel) {
    EXPECT_EQ(observer.next_verdict(), kNever);
    slots(0, {slot(3, 1, 60000)});
    beats(300, 2);
    slots(1500, {slot(3, 1, 60000)});
    EXPECT_EQ(observer.next_verdict(), kNever) << "one that may just be slow needs no extra look";
    slots(2500, {slot(3, 1, 60000)});
    EXPECT_EQ(observer.next_verdict(), at_ms(4310));
    slots(4310, {slot(3, 1, 60000)});
    EXPECT_EQ(observer.next_verdict(), kNever) << "it was looked at then";
}

// It may be alive in another etcd, so it is judged by its promise alone.
TEST_F(ObserverTest, who_says_that_it_beats_elsewhere_is_not_silent_here) {
    const auto elsewhere = [](std::uint64_t sequence) {
        auto made = slot(3, sequence, 60000);
        made.etcd = 2;
        return made;
    };
    observer.begin_etcd(1);
    slots(0, {elsewhere(1)});
    beats(0, 1);
    slots(9000, {elsewhere(1)});
    beats(9000, 1);
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
    slots(60010, {elsewhere(1)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::promise_past);
}

// What was silent in the one before means nothing.
TEST_F(ObserverTest, silence_in_a_new_etcd_counts_from_the_first_read_there) {
    auto named = slot(3, 1, 60000);
    named.etcd = 2;
    slots(0, {named});
    beats(0, 1);
    observer.begin_etcd(2);
    beats(3500, 1);
    slots(7000, {named});
    beats(7000, 1);
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
    slots(7600, {named});
    beats(7600, 1);
    EXPECT_EQ(observer.judge(kOwner), Verdict::both_silent);
}

TEST_F(ObserverTest, without_etcd_the_slots_promise_counts) {
    slots(0, {slot(3, 1, 4000)});
    slots(4009, {slot(3, 1, 4000)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
    slots(4010, {slot(3, 1, 4000)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::promise_past);
}

TEST_F(ObserverTest, the_promise_of_another_epoch_does_not_count) {
    slots(0, {slot(2, 9, 4000)});
    slots(59000, {slot(2, 9, 4000)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
    slots(60010, {slot(2, 9, 4000)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::promise_past);
}

TEST_F(ObserverTest, a_newer_epoch_frees_after_four_seconds) {
    slots(0, {slot(3, 1, 60000)});
    slots(500, {slot(3, 1, 60000), slot(4, 1, 4000)});
    slots(4000, {slot(3, 1, 60000), slot(4, 7, 60000)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
    slots(4510, {slot(3, 1, 60000), slot(4, 8, 60000)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::newer_epoch);
    EXPECT_EQ(observer.judge({kOther, 4}), Verdict::not_over);
}

// The agent that asked for epoch 4 died before it was made; the next one joined in 3.
TEST_F(ObserverTest, an_epoch_that_was_never_entered_frees_nothing) {
    slots(0, {slot(3, 1, 60000)});
    slots(500, {slot(3, 2, 60000), slot(4, 0, 4000)});
    for (std::int64_t ms = 1000; ms <= 20000; ms += 1000) {
        slots(ms, {slot(3, 2 + static_cast<std::uint64_t>(ms), 60000), slot(4, 0, 4000)});
    }
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
    EXPECT_EQ(observer.newest_epoch(kOther), 4U);
}

TEST_F(ObserverTest, unreadable_is_unknown_and_never_silent) {
    slots(0, {slot(3, 1, 4000)});
    auto torn = slot(3, 1, 4000);
    torn.readable = false;
    slots(4100, {torn});
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
}

TEST_F(ObserverTest, a_new_epoch_of_the_own_host_counts_from_its_first_read) {
    slots(0, {slot(3, 1, 4000)});
    observer.reset();
    EXPECT_EQ(observer.judge(kOwner), Verdict::unknown);
    slots(5000, {slot(3, 1, 4000)});
    EXPECT_EQ(observer.judge(kOwner), Verdict::not_over);
}

}  // namespace
}  // namespace drover::ha
