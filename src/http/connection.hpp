#pragma once

// One connection of the server, from TLS handshake to close. Private to this library.

#include "http/channel.hpp"
#include "http/response_writer.hpp"
#include "http/server_shared.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace drover::http {

/// Lives on its stream's strand, except where noted.
class Connection final : public Peer, public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<ServerShared> server, Stream::Socket socket, Transport transport);

    /// The life of the connection. Never throws.
    asio::awaitable<void> run();
    /// From any thread: ends the connection after the request that is under way.
    void stop_soon();
    /// From any thread: ends it now.
    void cut();
    /// From any thread: ends it, unless a request has come in the meantime.
    void cut_if_idle();
    /// From any thread: the peer has logged in. Such a one makes room for others last.
    void set_logged_in() { logged_in_ = true; }
    bool logged_in() const { return logged_in_; }
    /// From any thread: since when it has waited for another request, on the steady clock; nothing
    /// while one is under way or it is about to end.
    std::optional<std::chrono::steady_clock::duration> idle_since() const;
    const asio::any_io_executor& executor() const { return executor_; }

    void on_gone(std::function<void()> callback) override;
    bool gone() const override { return gone_; }

private:
    enum class Next { serve, redirect, close };

    asio::awaitable<Next> open_transport();
    asio::awaitable<void> serve();
    /// Each returns whether the connection goes on.
    asio::awaitable<bool> serve_one();
    asio::awaitable<bool> handle(Request request, bool keep_alive);
    asio::awaitable<bool> reply(Response response, ResponseContext context);
    asio::awaitable<bool> refuse(int status, std::string reason);
    asio::awaitable<void> run_websocket(Request request, Response response);
    asio::awaitable<void> redirect_to_tls();

    std::optional<Response> check_head(const Request& request) const;
    bool make_request(MessageHead head, Request& request, std::string& error) const;
    asio::awaitable<Response> call_handler(Request request);
    ResponseContext context_for(const Request& request, bool keep_alive) const;
    void remember_addresses();
    void watch_peer();
    void notify_gone();

    std::shared_ptr<ServerShared> server_;
    std::shared_ptr<Stream> stream_;
    asio::any_io_executor executor_;
    std::shared_ptr<Channel> channel_;
    ResponseWriter writer_;
    Transport transport_;
    asio::steady_timer peer_timer_;
    std::function<void()> gone_callback_;
    bool gone_ = false;
    bool idle_ = true;  // no request is under way: stopping may close at once
    std::atomic<std::chrono::steady_clock::rep> idle_since_{0};  // 0: not idle
    std::atomic<bool> logged_in_{false};
    bool stopping_ = false;
    std::string remote_address_;
    std::string local_address_;
    std::uint16_t remote_port_ = 0;
    std::uint16_t local_port_ = 0;
};

}  // namespace drover::http
