#include "hypervisor/simulated/timers.hpp"

#include <utility>

namespace drover::hypervisor::simulated {

Timers::Timers() : thread_([this] { run(); }) {}

Timers::~Timers() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Timers::after(std::chrono::milliseconds delay, std::function<void()> action) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.emplace(std::chrono::steady_clock::now() + delay, std::move(action));
    }
    changed_.notify_all();
}

void Timers::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (waiting_.empty()) {
            changed_.wait(lock);
            continue;
        }
        const auto due = waiting_.begin()->first;
        if (std::chrono::steady_clock::now() < due) {
            changed_.wait_until(lock, due);
            continue;
        }
        const auto action = std::move(waiting_.begin()->second);
        waiting_.erase(waiting_.begin());
        lock.unlock();
        action();
        lock.lock();
    }
}

}  // namespace drover::hypervisor::simulated
