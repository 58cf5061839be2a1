#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace drover::hypervisor::simulated {

/// Does things later, on one thread, in the order of their times. Thread-safe. What is left when it
/// is destroyed is dropped.
class Timers {
public:
    Timers();
    ~Timers();
    Timers(const Timers&) = delete;
    Timers& operator=(const Timers&) = delete;

    void after(std::chrono::milliseconds delay, std::function<void()> action);

private:
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace drover::hypervisor::simulated
