#pragma once

// libvirt's calls can't be taken back, and one of them may wait for a QEMU that hangs in a dead
// mount. So each runs on a thread of its own while its caller waits to a deadline; then the caller
// goes on with `timed_out`, and the thread ends whenever the call does. How many may hang like that
// is bounded.

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "hypervisor/hypervisor_error.hpp"

namespace drover::hypervisor::libvirt {

class CallRunner {
public:
    static constexpr int thread_limit = 256;

    /// Runs `call` to its end and returns or throws what it does. `call` must own all it uses.
    template <class Call>
    auto run(std::chrono::milliseconds limit, const char* what, Call call)
        -> std::invoke_result_t<Call&> {
        using Result = std::invoke_result_t<Call&>;
        if (running_->fetch_add(1) >= thread_limit) {
            running_->fetch_sub(1);
            throw HypervisorError(ErrorKind::unavailable,
                                  fmt::format("{}: too many calls hang already", what));
        }
        std::packaged_task<Result()> task(std::move(call));
        auto future = task.get_future();
        try {
            std::thread([task = std::move(task), running = running_]() mutable {
                task();
                // What the call owned goes before the count, so that idle means idle.
                task = {};
                running->fetch_sub(1);
            }).detach();
        } catch (const std::system_error& error) {
            running_->fetch_sub(1);
            throw HypervisorError(ErrorKind::unavailable,
                                  fmt::format("{}: no thread: {}", what, error.what()));
        }
        if (future.wait_for(limit) != std::future_status::ready)
            throw HypervisorError(ErrorKind::timed_out,
                                  fmt::format("{}: no answer in {} ms", what, limit.count()));
        return future.get();
    }

    /// Calls that have not ended, given-up ones included.
    int running() const { return running_->load(); }

private:
    std::shared_ptr<std::atomic<int>> running_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace drover::hypervisor::libvirt
