#include "task/blocking_queues.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace drover::task {

using std::chrono::steady_clock;

struct BlockingQueues::State {
    struct Queue {
        std::deque<Work> waiting;
        bool running = false;
        steady_clock::time_point running_since;
    };

    explicit State(std::size_t limit) : thread_limit(limit) {}

    // One thread: takes a queue that is ready, runs one piece of its work, puts it back.
    void run() {
        std::unique_lock lock(mutex);
        while (true) {
            ++idle_threads;
            wake.wait(lock, [this] { return stopping || !ready.empty(); });
            --idle_threads;
            if (stopping) return;
            const std::string name = std::move(ready.front());
            ready.pop_front();
            Queue& queue = queues[name];
            {
                Work work = std::move(queue.waiting.front());
                queue.waiting.pop_front();
                queue.running_since = steady_clock::now();
                lock.unlock();
                work();
            }
            lock.lock();
            finish(name);
        }
    }

    void finish(const std::string& name) {
        const auto at = queues.find(name);
        if (at->second.waiting.empty()) {
            queues.erase(at);
            return;
        }
        ready.push_back(name);
        wake.notify_one();
    }

    const std::size_t thread_limit;
    mutable std::mutex mutex;
    std::condition_variable wake;
    std::unordered_map<std::string, Queue> queues;
    std::deque<std::string> ready;  // queues with work that no thread runs yet
    std::vector<std::thread> threads;
    std::size_t idle_threads = 0;
    bool stopping = false;
};

BlockingQueues::BlockingQueues(std::size_t thread_limit)
    : state_(std::make_shared<State>(thread_limit)) {}

BlockingQueues::~BlockingQueues() {
    std::vector<std::thread> threads;
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
        threads.swap(state_->threads);
    }
    state_->wake.notify_all();
    for (std::thread& thread : threads) thread.join();
}

void BlockingQueues::post(const std::string& queue, Work work) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) return;
    State::Queue& target = state_->queues[queue];
    target.waiting.push_back(std::move(work));
    if (target.running) return;
    target.running = true;
    state_->ready.push_back(queue);
    if (state_->idle_threads < state_->ready.size() &&
        state_->threads.size() < state_->thread_limit) {
        state_->threads.emplace_back([state = state_] { state->run(); });
    }
    state_->wake.notify_one();
}

std::chrono::milliseconds BlockingQueues::stuck_for(const std::string& queue) const {
    const std::lock_guard lock(state_->mutex);
    const auto at = state_->queues.find(queue);
    if (at == state_->queues.end() || at->second.running_since == steady_clock::time_point{}) {
        return std::chrono::milliseconds{0};
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() -
                                                                 at->second.running_since);
}

}  // namespace drover::task
