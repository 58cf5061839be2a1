#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drover::http {

/// One open WebSocket. Use it on the strand of the coroutine that got it; one read and one write
/// may be under way at the same time. Pings are answered inside `read`.
class WebSocket {
public:
    struct Message {
        bool binary = false;
        std::string data;
    };

    virtual ~WebSocket() = default;

    /// The next whole message. Empty when the peer has closed, vanished, broken the protocol or
    /// sent a message over the size limit.
    virtual boost::asio::awaitable<std::optional<Message>> read() = 0;
    /// Sends one message; false if the peer is gone. The data must live until the call returns.
    virtual boost::asio::awaitable<bool> write(std::string_view data, bool binary) = 0;
    /// Says goodbye with a code of RFC 6455 (1000 = normal) and waits, for a short time, for the
    /// peer's.
    virtual boost::asio::awaitable<void> close(std::uint16_t code, std::string reason) = 0;
    /// The subprotocol agreed on; empty if none.
    virtual const std::string& subprotocol() const = 0;
    /// Why `read` or `write` ended.
    virtual std::string error() const = 0;
};

}  // namespace drover::http
