#pragma once

// For tests: a runtime on an io_context that the test drives itself, in the test's own thread.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <future>
#include <stdexcept>

#include "base/clock.hpp"
#include "task/runtime.hpp"
#include "vim/fault.hpp"

namespace drover::task {

class TestRuntime {
public:
    /// Runs a coroutine on the strand until it ends; gives its result or throws what it threw.
    template <class T>
    T run(Awaitable<T> coroutine) {
        auto future =
            boost::asio::co_spawn(runtime.strand(), std::move(coroutine), boost::asio::use_future);
        run_until([&future] {
            return future.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
        });
        return future.get();
    }

    /// Runs handlers until the condition holds. Throws if there is nothing left that could make it
    /// so, or after a minute.
    void run_until(const std::function<bool()>& condition) {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{1};
        while (!condition()) {
            io.restart();
            if (io.run_one_until(limit) == 0) throw std::logic_error("this never happens");
        }
    }

    /// Runs all handlers that are ready; waits for nothing.
    void settle() {
        do {
            io.restart();
        } while (io.poll() > 0);
    }

    /// Until what a blocking queue holds is done. Whatever such work uses must not go before that.
    void drain(const std::string& queue) {
        run(runtime.blocking(queue, [] {}, std::chrono::minutes{1}));
    }

    boost::asio::io_context io;
    base::ManualClock clock{base::WallTime{std::chrono::seconds{1'700'000'000}}};
    Runtime runtime{boost::asio::make_strand(io), clock, 4};
};

/// The wire name of the fault that `call` throws; "none" if it throws none.
template <class Call>
std::string fault_name(Call call) {
    try {
        call();
    } catch (const vim::Fault& fault) {
        return std::string(vim::describe(fault.fault().dynamic_type()).name());
    }
    return "none";
}

}  // namespace drover::task
