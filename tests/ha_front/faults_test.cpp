#include "faults.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <thread>

namespace drover::ha_front {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSoon{50};

TEST(FaultsOfAHost, are_those_of_the_last_rule_that_fits) {
    Faults faults;
    faults.add(Mode::errors, 0, "/.ha*");
    EXPECT_EQ(faults.admit("/.ha/slot"), EIO);
    EXPECT_EQ(faults.admit("/m1/m1.vmx"), 0);
    faults.add(Mode::ok, 0, "/.ha/plan*");
    EXPECT_EQ(faults.admit("/.ha/plan.1"), 0);
    EXPECT_EQ(faults.admit("/.ha/slot"), EIO);
    faults.clear();
    EXPECT_EQ(faults.admit("/.ha/slot"), 0);
}

TEST(FaultsOfAHost, let_a_frozen_request_go_when_it_thaws) {
    Faults faults;
    faults.add(Mode::frozen, 0, "*");
    auto answer = std::async(std::launch::async, [&] { return faults.admit("/disk"); });
    EXPECT_EQ(answer.wait_for(kSoon), std::future_status::timeout);
    EXPECT_EQ(faults.waiting(), 1U);
    faults.clear();
    EXPECT_EQ(answer.get(), 0);
    EXPECT_EQ(faults.waiting(), 0U);
}

TEST(FaultsOfAHost, drop_what_is_frozen_when_the_host_dies) {
    Faults faults;
    faults.add(Mode::frozen, 0, "*");
    auto answer = std::async(std::launch::async, [&] { return faults.admit("/disk"); });
    EXPECT_EQ(answer.wait_for(kSoon), std::future_status::timeout);
    faults.switch_host(false);
    EXPECT_EQ(answer.get(), EIO);
    faults.clear();
    EXPECT_EQ(faults.admit("/disk"), EIO);
    faults.switch_host(true);
    EXPECT_EQ(faults.admit("/disk"), 0);
}

TEST(FaultsOfAHost, make_a_slow_request_late) {
    Faults faults;
    faults.add(Mode::slow, 40, "/disk");
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(faults.admit("/disk"), 0);
    EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds{40});
}

TEST(FaultsOfAHost, lose_all_or_none) {
    Faults faults;
    faults.add(Mode::lossy, 100, "*");
    EXPECT_EQ(faults.admit("/disk"), EIO);
    faults.add(Mode::lossy, 0, "*");
    EXPECT_EQ(faults.admit("/disk"), 0);
}

TEST(FaultsOfAHost, leave_no_room_where_it_is_full) {
    Faults faults;
    faults.add(Mode::full, 0, "/m1/*");
    EXPECT_EQ(faults.admit("/m1/disk"), 0);
    EXPECT_TRUE(faults.is_full("/m1/disk"));
    EXPECT_FALSE(faults.is_full("/m2/disk"));
}

TEST(Modes, are_known_by_their_words) {
    EXPECT_EQ(mode_of("frozen"), Mode::frozen);
    EXPECT_FALSE(mode_of("broken"));
}

}  // namespace
}  // namespace drover::ha_front
