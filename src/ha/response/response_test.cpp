#include <gtest/gtest.h>

#include "ha/response/isolation.hpp"
#include "ha/response/storage_loss.hpp"
#include "ha/response/vm_monitoring.hpp"

namespace drover::ha {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(Isolation, is_being_alone_not_an_outage_of_all) {
    const IsolationSettings settings;
    EXPECT_FALSE(is_isolated({seconds{60}, false}, settings));
    EXPECT_FALSE(is_isolated({seconds{11}, true}, settings));
    EXPECT_TRUE(is_isolated({seconds{12}, true}, settings));
}

TEST(Isolation, asks_the_guest_first_and_does_not_wait_for_ever) {
    const IsolationSettings settings;
    const auto step = [&](Duration asked_for) {
        return isolation_step(IsolationResponse::shut_down, asked_for, settings);
    };
    EXPECT_EQ(step(seconds{0}), IsolationStep::shut_down);
    EXPECT_EQ(step(minutes{4}), IsolationStep::none);
    EXPECT_EQ(step(minutes{5}), IsolationStep::power_off);
    EXPECT_EQ(isolation_step(IsolationResponse::leave_on, seconds{0}, settings),
              IsolationStep::none);
    EXPECT_EQ(isolation_step(IsolationResponse::power_off, seconds{0}, settings),
              IsolationStep::power_off);
}

TEST(StorageLoss, resets_only_what_was_away_for_long_and_only_if_asked) {
    EXPECT_FALSE(resets_when_back(StorageBackReaction::reset, seconds{139}));
    EXPECT_TRUE(resets_when_back(StorageBackReaction::reset, seconds{140}));
    EXPECT_FALSE(resets_when_back(StorageBackReaction::none, seconds{1000}));
}

struct VmMonitorTest : testing::Test {
    VmMonitorTest() { settings.enabled = true; }
    static Time at(std::int64_t s) { return Time{seconds{s}}; }
    VmMonitoringSettings settings;
    VmMonitor monitor;
};

TEST_F(VmMonitorTest, resets_a_guest_that_neither_answers_nor_works) {
    GuestSigns signs{.started = at(0), .heartbeat = at(200), .input_output = at(100)};
    EXPECT_EQ(monitor.decide(signs, settings, at(219)), MonitoringStep::none);
    EXPECT_EQ(monitor.decide(signs, settings, at(230)), MonitoringStep::reset);
}

TEST_F(VmMonitorTest, input_and_output_are_signs_of_life) {
    const GuestSigns signs{.started = at(0), .heartbeat = at(200), .input_output = at(250)};
    EXPECT_EQ(monitor.decide(signs, settings, at(300)), MonitoringStep::none);
    EXPECT_EQ(monitor.decide(signs, settings, at(370)), MonitoringStep::reset);
}

TEST_F(VmMonitorTest, lets_guests_boot_and_minds_only_those_with_an_agent) {
    EXPECT_EQ(monitor.decide({.started = at(0), .heartbeat = at(1)}, settings, at(119)),
              MonitoringStep::none);
    EXPECT_EQ(monitor.decide({.started = at(0)}, settings, at(1000)), MonitoringStep::none);
    EXPECT_EQ(monitor.decide({.started = at(500), .heartbeat = at(400)}, settings, at(1000)),
              MonitoringStep::none);
}

TEST_F(VmMonitorTest, gives_up_after_too_many_in_the_window) {
    std::int64_t s = 0;
    for (int turn = 0; turn < 3; ++turn, s += 300) {
        const GuestSigns signs{.started = at(s), .heartbeat = at(s + 10)};
        EXPECT_EQ(monitor.decide(signs, settings, at(s + 200)), MonitoringStep::reset);
    }
    const GuestSigns signs{.started = at(s), .heartbeat = at(s + 10)};
    EXPECT_EQ(monitor.decide(signs, settings, at(s + 200)), MonitoringStep::given_up);
    EXPECT_EQ(monitor.decide(signs, settings, at(s + 4000)), MonitoringStep::reset);
}

}  // namespace
}  // namespace drover::ha
