#pragma once

// Where code runs. One strand owns the inventory and everything that changes it; coroutines run on
// it and leave it only for calls that block. Network connections live on other executors of the
// same io_context and enter the strand for each request.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "base/clock.hpp"
#include "task/blocking_queues.hpp"

namespace drover::task {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// The call's time was over before the blocking work ended. The work may still end later: whoever
/// catches this must not assume that it had no effect.
class BlockingTimeout : public std::exception {
public:
    explicit BlockingTimeout(const std::string& queue)
        : message_("no answer in time from " + queue) {}
    const char* what() const noexcept override { return message_.c_str(); }

private:
    std::string message_;
};

class Runtime {
public:
    /// `strand` must run its handlers one at a time. The clock must outlive the runtime.
    Runtime(boost::asio::any_io_executor strand, const base::Clock& clock,
            std::size_t blocking_threads);

    const boost::asio::any_io_executor& strand() const { return strand_; }
    const base::Clock& clock() const { return clock_; }

    /// Runs `work` in a blocking queue ("datastore:<uuid>", "domain:<uuid>", ...) and comes back to
    /// the caller's executor with its result or exception; BlockingTimeout after `limit`, counted
    /// from the call. The caller must run on a strand.
    template <class Work>
    auto blocking(std::string queue, Work work, std::chrono::milliseconds limit)
        -> Awaitable<std::invoke_result_t<Work&>>;

    /// Starts a coroutine on the strand. What it throws is logged under `name` and ends it.
    void spawn(std::string name, Awaitable<void> coroutine);

    Awaitable<void> sleep(std::chrono::milliseconds duration);

    BlockingQueues& queues() { return queues_; }

private:
    boost::asio::any_io_executor strand_;
    const base::Clock& clock_;
    BlockingQueues queues_;
};

template <class Work>
auto Runtime::blocking(std::string queue, Work work, std::chrono::milliseconds limit)
    -> Awaitable<std::invoke_result_t<Work&>> {
    using Result = std::invoke_result_t<Work&>;
    using Stored = std::conditional_t<std::is_void_v<Result>, bool, Result>;
    struct Outcome {
        std::optional<Stored> result;
        std::exception_ptr error;
        bool finished = false;
    };
    const auto executor = co_await boost::asio::this_coro::executor;
    const auto outcome = std::make_shared<Outcome>();
    const auto timer = std::make_shared<boost::asio::steady_timer>(executor, limit);
    queues_.post(queue, [work = std::move(work), outcome, timer, executor]() mutable {
        try {
            if constexpr (std::is_void_v<Result>) {
                work();
                outcome->result.emplace(true);
            } else {
                outcome->result.emplace(work());
            }
        } catch (...) {
            outcome->error = std::current_exception();
        }
        boost::asio::post(executor, [outcome, timer] {
            outcome->finished = true;
            timer->cancel();
        });
    });
    if (!outcome->finished) {
        co_await timer->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (!outcome->finished) throw BlockingTimeout(queue);
    if (outcome->error) std::rethrow_exception(outcome->error);
    if constexpr (!std::is_void_v<Result>) co_return std::move(*outcome->result);
}

}  // namespace drover::task
