#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace drover::task {

/// Threads for calls that block (libvirt, file systems), in queues by resource: work of one queue
/// runs in order and never side by side, so a resource that hangs (a dead mount, a stuck domain)
/// holds one thread and no more. Thread-safe.
class BlockingQueues {
public:
    using Work = std::move_only_function<void()>;

    /// `thread_limit` threads at most; they are made as they are needed.
    explicit BlockingQueues(std::size_t thread_limit);
    /// Waits for running work; what is still queued is dropped.
    ~BlockingQueues();
    BlockingQueues(const BlockingQueues&) = delete;
    BlockingQueues& operator=(const BlockingQueues&) = delete;

    /// Runs `work` (which must not throw) behind what the queue already holds.
    void post(const std::string& queue, Work work);

    /// For how long the call at the head of a queue has been running; zero if the queue is idle.
    std::chrono::milliseconds stuck_for(const std::string& queue) const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace drover::task
