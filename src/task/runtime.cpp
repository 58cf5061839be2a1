#include "task/runtime.hpp"

#include <boost/asio/co_spawn.hpp>

#include "base/log.hpp"

namespace drover::task {

Runtime::Runtime(boost::asio::any_io_executor strand, const base::Clock& clock,
                 std::size_t blocking_threads)
    : strand_(std::move(strand)), clock_(clock), queues_(blocking_threads) {}

void Runtime::spawn(std::string name, Awaitable<void> coroutine) {
    boost::asio::co_spawn(strand_, std::move(coroutine),
                          [name = std::move(name)](std::exception_ptr error) {
                              if (!error) return;
                              try {
                                  std::rethrow_exception(error);
                              } catch (const std::exception& failure) {
                                  base::log_error("{} ended: {}", name, failure.what());
                              }
                          });
}

Awaitable<void> Runtime::sleep(std::chrono::milliseconds duration) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
}

}  // namespace drover::task
