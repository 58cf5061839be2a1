#include "hypervisor/event_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "hypervisor/libvirt/deadline.hpp"

namespace drover::hypervisor {
namespace {

using libvirt::CallRunner;

using std::chrono::milliseconds;
using std::chrono::seconds;

AgentEvent numbered(int number) {
    return {DomainUuid(std::to_string(number)), true};
}

TEST(EventQueue, TellsTheStateFirstAndThenAllInOrder) {
    EventQueue queue;
    queue.push(ConnectionEvent{true});
    queue.push(numbered(-1));  // before the subscription: not for it
    std::vector<std::string> got;
    std::promise<void> done;
    const auto subscription = queue.subscribe([&](const Event& event) {
        if (const auto* connection = std::get_if<ConnectionEvent>(&event))
            got.push_back(connection->connected ? "connected" : "disconnected");
        else
            got.push_back(std::get<AgentEvent>(event).uuid.value());
        if (got.size() == 101) done.set_value();
    });
    for (int i = 0; i < 100; ++i) queue.push(numbered(i));
    ASSERT_EQ(done.get_future().wait_for(seconds(10)), std::future_status::ready);
    EXPECT_EQ(got[0], "connected");
    for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(got[i + 1], std::to_string(i));
}

TEST(EventQueue, NothingComesAfterTheEnd) {
    EventQueue queue;
    std::atomic<int> calls = 0;
    std::atomic<bool> inside = false;
    auto subscription = queue.subscribe([&](const Event&) {
        inside = true;
        std::this_thread::sleep_for(milliseconds(50));
        ++calls;
        inside = false;
    });
    while (!inside) std::this_thread::yield();
    for (int i = 0; i < 10; ++i) queue.push(numbered(i));
    subscription.reset();  // waits for the call under way
    EXPECT_FALSE(inside);
    const int after = calls;
    std::this_thread::sleep_for(milliseconds(120));
    EXPECT_EQ(calls, after);
}

TEST(EventQueue, ASinkMayEndItselfAndMayThrow) {
    EventQueue queue;
    std::unique_ptr<Subscription> subscription;
    std::promise<void> ready, ended;
    auto is_ready = ready.get_future().share();
    std::atomic<int> calls = 0;
    subscription = queue.subscribe([&](const Event& event) {
        is_ready.wait();
        ++calls;
        if (std::holds_alternative<ConnectionEvent>(event)) throw std::runtime_error("on purpose");
        subscription.reset();
        ended.set_value();
    });
    ready.set_value();
    queue.push(numbered(1));
    queue.push(numbered(2));
    ASSERT_EQ(ended.get_future().wait_for(seconds(10)), std::future_status::ready);
    std::this_thread::sleep_for(milliseconds(50));
    EXPECT_EQ(calls, 2);
}

TEST(EventQueue, AFloodEndsInANewConnection) {
    EventQueue queue;
    std::promise<void> release, done;
    auto released = release.get_future().share();
    std::size_t count = 0;
    bool lost = false;
    const auto subscription = queue.subscribe([&](const Event& event) {
        released.wait();
        ++count;
        const auto* connection = std::get_if<ConnectionEvent>(&event);
        if (connection && count > 1) lost = true;
        if (const auto* last = std::get_if<AgentEvent>(&event); last && last->uuid.value() == "end")
            done.set_value();
    });
    for (std::size_t i = 0; i < EventQueue::capacity + 100; ++i) queue.push(numbered(1));
    queue.push(AgentEvent{DomainUuid("end"), true});
    release.set_value();
    ASSERT_EQ(done.get_future().wait_for(seconds(10)), std::future_status::ready);
    EXPECT_TRUE(lost);
    EXPECT_LT(count, EventQueue::capacity);
}

TEST(CallRunner, ReturnsThrowsAndGivesUp) {
    CallRunner runner;
    EXPECT_EQ(runner.run(seconds(5), "a", [] { return 42; }), 42);
    EXPECT_THROW(runner.run(seconds(5), "b", [] { throw std::runtime_error("x"); }),
                 std::runtime_error);
    std::promise<void> release;
    auto released = release.get_future().share();
    try {
        runner.run(milliseconds(20), "c", [released] { released.wait(); });
        FAIL() << "no deadline";
    } catch (const HypervisorError& error) {
        EXPECT_EQ(error.kind(), ErrorKind::timed_out);
    }
    EXPECT_GE(runner.running(), 1);
    release.set_value();
    for (int i = 0; i < 500 && runner.running() > 0; ++i)
        std::this_thread::sleep_for(milliseconds(10));
    EXPECT_EQ(runner.running(), 0);
}

TEST(CallRunner, BoundsHowManyHang) {
    CallRunner runner;
    std::promise<void> release;
    auto released = release.get_future().share();
    ErrorKind last{};
    for (int i = 0; i <= CallRunner::thread_limit; ++i) {
        try {
            runner.run(milliseconds(0), "hang", [released] { released.wait(); });
        } catch (const HypervisorError& error) {
            last = error.kind();
        }
    }
    EXPECT_EQ(last, ErrorKind::unavailable);
    release.set_value();
    for (int i = 0; i < 500 && runner.running() > 0; ++i)
        std::this_thread::sleep_for(milliseconds(10));
    EXPECT_EQ(runner.running(), 0);
}

}  // namespace
}  // namespace drover::hypervisor
