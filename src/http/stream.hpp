#pragma once

// A TCP connection with or without TLS, with one deadline. Private to this library.

#include <openssl/ssl.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
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
///
/// TLS works on the socket itself, and at once as far as the socket allows: what need not wait
/// costs no way through the event loop.
class Stream : public std::enable_shared_from_this<Stream> {
public:
    using Socket = asio::ip::tcp::socket;
    enum class Role { client, server };

    explicit Stream(Socket socket);

    /// Keeps something alive as long as the stream, e.g. what TLS callbacks point to.
    void keep(std::shared_ptr<const void> owner) { owner_ = std::move(owner); }

    Socket& socket() { return socket_; }
    SSL* tls() { return tls_.get(); }
    asio::any_io_executor executor() { return socket_.get_executor(); }

    void expires_after(std::chrono::milliseconds time);
    void expires_never() { deadline_ = Time::max(); }
    bool timed_out() const { return timed_out_; }

    /// Creates the TLS layer on a connected socket, without talking yet. Throws std::bad_alloc.
    SSL* start_tls(std::shared_ptr<asio::ssl::context> context);
    asio::awaitable<error_code> handshake(Role role);

    asio::awaitable<std::expected<std::size_t, error_code>> read_some(asio::mutable_buffer room);
    /// Writes a part of it.
    asio::awaitable<std::expected<std::size_t, error_code>> write_some(asio::const_buffer data);
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
    struct FreeTls {
        void operator()(SSL* tls) const { SSL_free(tls); }
    };

    /// Calls a function of OpenSSL until it has done its work; waits for the socket in between.
    template <class Call>
    asio::awaitable<error_code> drive(Call call);
    /// Lets others run on this thread now and then, while there is always more to do here.
    bool greedy(std::size_t size);
    void arm();
    error_code translate(error_code error) const {
        return error && timed_out_ ? asio::error::timed_out : error;
    }
    asio::const_buffer join_small(std::span<const asio::const_buffer> buffers, std::size_t offset);

    std::shared_ptr<const void> owner_;  // outlives tls_
    Socket socket_;                      // outlives tls_
    std::shared_ptr<asio::ssl::context> context_;
    std::unique_ptr<SSL, FreeTls> tls_;
    bool awaits_peer_ = false;  // what came has been answered: there is nothing to read yet
    std::size_t since_pause_bytes_ = 0;
    asio::steady_timer timer_;
    Time deadline_ = Time::max();
    Time armed_for_ = Time::max();
    bool timed_out_ = false;
    std::string scratch_;
};

}  // namespace drover::http
