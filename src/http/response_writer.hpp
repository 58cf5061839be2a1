#pragma once

// Puts responses on the wire. Private to this library.

#include "http/message.hpp"
#include "http/stream.hpp"

#include <chrono>
#include <string>

namespace drover::http {

/// What of the request shapes its response.
struct ResponseContext {
    bool head_only = false;
    bool http_1_0 = false;
    bool accepts_gzip = false;
    /// The peer runs on this computer: compressing a large answer takes longer than sending it.
    bool is_local = false;
    bool keep_alive = true;
    std::chrono::milliseconds write_timeout{30'000};
    asio::any_io_executor blocking;  ///< where files are read
};

/// Sends one response; returns whether the connection may carry another. Throws what a stream body
/// throws, and std::system_error of file reads; then the connection must be cut.
class ResponseWriter {
public:
    explicit ResponseWriter(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
    asio::awaitable<bool> write(Response response, ResponseContext context);

private:
    asio::awaitable<bool> write_stream(StreamBody body, ResponseContext context, bool chunked);
    asio::awaitable<bool> write_compressed(StreamBody body, ResponseContext context, bool chunked);
    asio::awaitable<error_code> write_piece(std::string_view piece, ResponseContext context,
                                            bool chunked);
    asio::awaitable<bool> write_file(FileBody body, ResponseContext context);

    std::shared_ptr<Stream> stream_;
    std::string head_;  // keeps its memory from one response to the next
};

}  // namespace drover::http
