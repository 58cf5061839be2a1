#pragma once

// WebSocket over our Stream, by Boost.Beast. Private to this library.

#include "http/message.hpp"
#include "http/stream.hpp"
#include "http/websocket.hpp"

#include <memory>
#include <string>
#include <vector>

namespace drover::http {

/// Answers the upgrade request. `input` is what was read beyond it. Null if the request's
/// WebSocket fields are wrong (the peer has got its error) or the peer is gone.
asio::awaitable<std::shared_ptr<WebSocket>> accept_websocket(std::shared_ptr<Stream> stream,
                                                             std::string input, Request request,
                                                             std::string subprotocol,
                                                             std::uint64_t message_limit_bytes);

/// Asks for an upgrade. Throws ClientError if the server refuses.
asio::awaitable<std::shared_ptr<WebSocket>> connect_websocket(
    std::shared_ptr<Stream> stream, std::string authority, std::string target,
    std::vector<std::string> subprotocols, Headers headers, std::uint64_t message_limit_bytes);

}  // namespace drover::http
