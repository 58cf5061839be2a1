#pragma once

// A TCP connection with or without TLS, with one deadline. Private to this library.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <expected>
#include <memory>
#include <span>
#include <string>

namespace drover::http {

namespace asio = boost::asio;
using boost::system::error_code;

/// Everything happens on the socket's executor, a strand. When the deadline passes, the socket is
/// closed and what is under way fails with asio::error::timed_out.
///
/// The deadline is moved far more often than it is reached, so moving it later only writes a
/// variable: the timer finds out when it fires.
class Stream : public std::enable_shared_from_this<Stream> {
public:
    using Socket = asio::ip::tcp::socket;
    using Tls = asio::ssl::stream<Socket&>;

    explicit Stream(Socket socket);

    /// Keeps something alive as long as the stream, e.g. what TLS callbacks point to.
    void keep(std::shared_ptr<const void> owner) { owner_ = std::move(owner); }

    Socket& socket() { return socket_; }
    Tls* tls() { return tls_.get(); }
    asio::any_io_executor executor() { return socket_.get_executor(); }

    void expires_after(std::chrono::milliseconds time);
    void expires_never() { deadline_ = Time::max(); }
    bool timed_out() const { return timed_out_; }

    /// Creates the TLS layer, without talking yet.
    Tls& start_tls(std::shared_ptr<asio::ssl::context> context);
    asio::awaitable<error_code> handshake(asio::ssl::stream_base::handshake_type type);

    asio::awaitable<std::expected<std::size_t, error_code>> read_some(asio::mutable_buffer room);
    /// Writes all of it; each piece of progress is worth another `timeout`.
    asio::awaitable<error_code> write(std::span<const asio::const_buffer> buffers,
                                      std::chrono::milliseconds timeout);
    asio::awaitable<error_code> write(std::string_view text, std::chrono::milliseconds timeout);

    /// Says goodbye (TLS close_notify, FIN), and reads what the peer still sends for a short time:
    /// closing with unread input would reset the connection and destroy our last words.
    asio::awaitable<void> close_gently(std::chrono::milliseconds limit);
    /// Closes at once. What is under way fails.
    void abort();

private:
    using Time = std::chrono::steady_clock::time_point;

    void arm();
    error_code translate(error_code error) const {
        return error && timed_out_ ? asio::error::timed_out : error;
    }
    asio::const_buffer join_small(std::span<const asio::const_buffer> buffers, std::size_t offset);

    std::shared_ptr<const void> owner_;  // outlives tls_
    Socket socket_;
    std::shared_ptr<asio::ssl::context> context_;
    std::unique_ptr<Tls> tls_;
    asio::steady_timer timer_;
    Time deadline_ = Time::max();
    Time armed_for_ = Time::max();
    bool timed_out_ = false;
    std::string scratch_;
};

}  // namespace drover::http
