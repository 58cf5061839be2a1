#pragma once

// Two WebSockets joined: a client's at the center and the center's at a host.

#include <functional>
#include <memory>
#include <string>

#include "http/websocket.hpp"
#include "task/runtime.hpp"

namespace drover::center {

/// Everything happens on the executor that both sockets belong to, but for end().
class ConsoleLink : public std::enable_shared_from_this<ConsoleLink> {
public:
    ConsoleLink(boost::asio::any_io_executor executor, std::shared_ptr<http::WebSocket> client,
                std::shared_ptr<http::WebSocket> host);

    /// Carries messages both ways until one end closes or is gone; then says goodbye to the other.
    task::Awaitable<void> run();

    /// Says goodbye to the client; run() comes to its end. Any thread.
    void end(std::string reason);

private:
    using Socket = std::shared_ptr<http::WebSocket>;

    static task::Awaitable<void> carry_down(std::shared_ptr<ConsoleLink> link);
    static task::Awaitable<void> carry(Socket from, Socket to);
    task::Awaitable<void> close_client(std::uint16_t code, std::string reason);

    boost::asio::any_io_executor executor_;
    Socket client_;
    Socket host_;
    boost::asio::steady_timer ended_;
    bool is_down_ended_ = false;
    bool is_client_closing_ = false;
};

}  // namespace drover::center
