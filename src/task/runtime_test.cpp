#include "task/runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <semaphore>
#include <thread>

#include "task/test_runtime.hpp"

namespace drover::task {
namespace {

using namespace std::chrono_literals;

TEST(Runtime, BlockingLeavesTheStrandAndBringsTheResultBack) {
    TestRuntime test;
    const auto here = std::this_thread::get_id();
    const auto body = [](Runtime& runtime, std::thread::id strand) -> Awaitable<int> {
        std::thread::id worker;
        auto result = co_await runtime.blocking(
            "q",
            [&worker] {
                worker = std::this_thread::get_id();
                return std::make_unique<int>(42);
            },
            1min);
        EXPECT_NE(worker, strand);
        EXPECT_EQ(std::this_thread::get_id(), strand);
        co_return *result;
    };
    EXPECT_EQ(test.run(body(test.runtime, here)), 42);
}

TEST(Runtime, BlockingPassesExceptionsOn) {
    TestRuntime test;
    const auto fail = [] { throw std::runtime_error("no such disk"); };
    EXPECT_THAT([&] { test.run(test.runtime.blocking("q", fail, 1min)); },
                testing::ThrowsMessage<std::runtime_error>("no such disk"));
    bool ran = false;
    test.run(test.runtime.blocking("q", [&ran] { ran = true; }, 1min));
    EXPECT_TRUE(ran) << "the queue goes on after an exception";
}

TEST(Runtime, GivesUpAfterTheLimitAndTheWorkMayStillEnd) {
    std::binary_semaphore release{0};
    std::atomic<bool> late{false};
    TestRuntime test;
    const auto hang = [&] {
        release.acquire();
        late = true;
        return 1;
    };
    EXPECT_THAT([&] { test.run(test.runtime.blocking("dead mount", hang, 20ms)); },
                testing::ThrowsMessage<BlockingTimeout>("no answer in time from dead mount"));
    EXPECT_FALSE(late);
    const auto quick = [] { return 2; };
    EXPECT_EQ(test.run(test.runtime.blocking("live", quick, 1min)), 2);
    release.release();
    EXPECT_EQ(test.run(test.runtime.blocking("dead mount", quick, 1min)), 2);
    EXPECT_TRUE(late) << "in order: the work that was given up came first";
}

TEST(Runtime, TheLimitCountsFromTheCallAlsoForWorkThatWaits) {
    std::binary_semaphore release{0};
    TestRuntime test;
    test.runtime.queues().post("busy", [&] { release.acquire(); });
    EXPECT_THROW(test.run(test.runtime.blocking("busy", [] {}, 20ms)), BlockingTimeout);
    release.release();
}

TEST(Runtime, ACoroutineThatFailsEndsAloneAndOthersGoOn) {
    TestRuntime test;
    int steps = 0;
    const auto failing = []() -> Awaitable<void> {
        throw std::runtime_error("broken");
        co_return;
    };
    const auto counting = [](Runtime& runtime, int& count) -> Awaitable<void> {
        for (int i = 0; i < 3; ++i) {
            co_await runtime.sleep(1ms);
            ++count;
        }
    };
    test.runtime.spawn("failing", failing());
    test.runtime.spawn("counting", counting(test.runtime, steps));
    test.run_until([&] { return steps == 3; });
}

TEST(Runtime, SleepLastsAsLongAsAsked) {
    TestRuntime test;
    const auto begin = std::chrono::steady_clock::now();
    test.run(test.runtime.sleep(15ms));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 15ms);
}

}  // namespace
}  // namespace drover::task
