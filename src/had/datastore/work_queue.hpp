#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace drover::had {

/// Threads of their own for calls that may hang for as long as the storage does. What hangs holds
/// up this queue and nothing else; what waits is bounded, and what comes on top is dropped.
class WorkQueue {
public:
    WorkQueue(std::size_t threads, std::size_t most_waiting);
    /// Does not wait for what hangs: its thread ends when the storage lets go of it. The work must
    /// own what it uses.
    ~WorkQueue();
    WorkQueue(const WorkQueue&) = delete;
    WorkQueue& operator=(const WorkQueue&) = delete;

    /// False if too much waits already. Any thread.
    bool post(std::function<void()> work);

private:
    struct Shared {
        std::mutex mutex{};
        std::condition_variable changed{};
        std::deque<std::function<void()>> waiting{};
        bool is_over = false;
        std::string complaint{};  ///< the newest, so that each is logged once
    };
    static void run(std::shared_ptr<Shared> shared);

    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
    std::size_t most_waiting_;
};

}  // namespace drover::had
