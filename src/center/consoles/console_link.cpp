#include "center/consoles/console_link.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace drover::center {

using task::Awaitable;
namespace asio = boost::asio;

namespace {

constexpr std::uint16_t kNormal = 1000;
constexpr std::uint16_t kGoingAway = 1001;

}  // namespace

ConsoleLink::ConsoleLink(asio::any_io_executor executor, Socket client, Socket host)
    : executor_(std::move(executor)),
      client_(std::move(client)),
      host_(std::move(host)),
      ended_(executor_, std::chrono::steady_clock::time_point::max()) {}

Awaitable<void> ConsoleLink::carry(Socket from, Socket to) {
    while (const auto message = co_await from->read()) {
        if (!co_await to->write(message->data, message->binary)) break;
    }
}

// A socket may be closed once: this is the one place for the client's.
Awaitable<void> ConsoleLink::close_client(std::uint16_t code, std::string reason) {
    if (is_client_closing_) co_return;
    is_client_closing_ = true;
    co_await client_->close(code, std::move(reason));
}

Awaitable<void> ConsoleLink::carry_down(std::shared_ptr<ConsoleLink> link) {
    co_await carry(link->host_, link->client_);
    co_await link->close_client(kNormal, "the console has ended");
    link->is_down_ended_ = true;
    link->ended_.cancel();
}

Awaitable<void> ConsoleLink::run() {
    const auto self = shared_from_this();
    asio::co_spawn(executor_, carry_down(self), asio::detached);
    co_await carry(client_, host_);
    co_await host_->close(kNormal, "the client has closed the console");
    while (!is_down_ended_) {
        co_await ended_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

void ConsoleLink::end(std::string reason) {
    asio::co_spawn(
        executor_,
        [](std::shared_ptr<ConsoleLink> link, std::string text) -> Awaitable<void> {
            co_await link->close_client(kGoingAway, std::move(text));
        }(shared_from_this(), std::move(reason)),
        asio::detached);
}

}  // namespace drover::center
