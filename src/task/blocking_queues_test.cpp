#include "task/blocking_queues.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <numeric>
#include <semaphore>
#include <thread>
#include <vector>

namespace drover::task {
namespace {

using namespace std::chrono_literals;

TEST(BlockingQueues, WorkOfOneQueueRunsInOrderAndNeverSideBySide) {
    constexpr int kCount = 2000;
    std::vector<int> order;  // unguarded on purpose: the queue is what guards it
    std::atomic<int> inside{0};
    std::atomic<int> most_inside{0};
    std::latch done{kCount};
    BlockingQueues queues(4);
    for (int i = 0; i < kCount; ++i) {
        queues.post("one", [&, i] {
            most_inside = std::max(most_inside.load(), ++inside);
            order.push_back(i);
            --inside;
            done.count_down();
        });
    }
    done.wait();
    std::vector<int> expected(kCount);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(order, expected);
    EXPECT_EQ(most_inside, 1);
}

TEST(BlockingQueues, AHungQueueHoldsOneThreadAndNobodyElseUp) {
    std::binary_semaphore release{0};
    std::latch hanging{1};
    std::atomic<int> behind{0};
    std::latch dead_done{21};
    std::latch live_done{100};
    BlockingQueues queues(2);
    queues.post("dead mount", [&] {
        hanging.count_down();
        release.acquire();
        dead_done.count_down();
    });
    hanging.wait();
    for (int i = 0; i < 20; ++i) {
        queues.post("dead mount", [&] {
            ++behind;
            dead_done.count_down();
        });
    }
    for (int i = 0; i < 100; ++i) {
        queues.post("queue" + std::to_string(i % 7), [&] { live_done.count_down(); });
    }
    live_done.wait();  // on the one thread that is left
    EXPECT_EQ(behind, 0);
    release.release();
    dead_done.wait();
    EXPECT_EQ(behind, 20);
}

TEST(BlockingQueues, NeverTakesMoreThreadsThanItMay) {
    constexpr int kCount = 300;
    std::atomic<int> inside{0};
    std::atomic<int> most_inside{0};
    std::latch done{kCount};
    BlockingQueues queues(3);
    for (int i = 0; i < kCount; ++i) {
        queues.post("queue" + std::to_string(i % 30), [&] {
            const int now = ++inside;
            for (int seen = most_inside;
                 now > seen && !most_inside.compare_exchange_weak(seen, now);) {
            }
            std::this_thread::sleep_for(100us);
            --inside;
            done.count_down();
        });
    }
    done.wait();
    EXPECT_LE(most_inside, 3);
}

TEST(BlockingQueues, SaysForHowLongAQueueIsStuck) {
    std::binary_semaphore release{0};
    std::latch running{1};
    BlockingQueues queues(2);
    EXPECT_EQ(queues.stuck_for("slow"), 0ms);
    queues.post("slow", [&] {
        running.count_down();
        release.acquire();
    });
    running.wait();
    std::this_thread::sleep_for(5ms);
    EXPECT_GE(queues.stuck_for("slow"), 5ms);
    EXPECT_EQ(queues.stuck_for("other"), 0ms);
    std::latch after{1};
    release.release();
    queues.post("slow", [&] { after.count_down(); });
    after.wait();
    while (queues.stuck_for("slow") != 0ms) std::this_thread::yield();
}

TEST(BlockingQueues, EndsAfterRunningWorkAndDropsWhatWaits) {
    std::atomic<int> started{0};
    std::atomic<int> finished{0};
    const auto token = std::make_shared<int>();
    {
        BlockingQueues queues(1);
        std::latch running{1};
        for (int i = 0; i < 5000; ++i) {
            queues.post("one", [&, token, i] {
                ++started;
                if (i == 0) running.count_down();
                std::this_thread::sleep_for(1ms);
                ++finished;
            });
        }
        running.wait();
    }
    EXPECT_EQ(started, finished);
    EXPECT_LT(finished, 5000);
    EXPECT_EQ(token.use_count(), 1) << "dropped work is destroyed as well";
}

}  // namespace
}  // namespace drover::task
