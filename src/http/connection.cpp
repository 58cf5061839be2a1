#include "http/connection.hpp"

#include "base/log.hpp"
#include "http/logged_in.hpp"
#include "http/websocket_stream.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <optional>
#include <utility>

namespace drover::http {
namespace {

using namespace std::chrono_literals;

constexpr auto goodbye_limit = 1s;
constexpr auto peer_check_interval = 1s;
constexpr std::size_t skip_limit_bytes = 256 * 1024;
constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);

// Host goes into a Location header: let nothing through but names, addresses and a port.
std::string host_without_port(std::string_view host) {
    if (host.empty() || host.size() > 255 ||
        host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               ".-_:[]") != std::string_view::npos)
        return {};
    const auto bracket = host.rfind(']');
    const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
    return std::string(host.substr(0, colon));
}

Response error_response(int status, std::string_view reason) {
    return Response::text(status, fmt::format("{} {}\n", status, reason));
}

// The first byte that comes, left where it is; nullopt if none does. A socket may be called
// readable before anything is there.
asio::awaitable<std::optional<char>> peek(Stream::Socket& socket) {
    for (;;) {
        const auto [error] = co_await socket.async_wait(Stream::Socket::wait_read, tuple_awaitable);
        if (error || !socket.is_open()) co_return std::nullopt;
        char first = 0;
        const auto size = recv(socket.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
        if (size == 1) co_return first;
        if (size == 0 || (errno != EAGAIN && errno != EINTR)) co_return std::nullopt;
    }
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerShared> server, Stream::Socket socket,
                       Transport transport)
    : server_(std::move(server)),
      stream_(std::make_shared<Stream>(std::move(socket))),
      executor_(stream_->executor()),
      writer_(stream_),
      transport_(transport),
      peer_timer_(executor_) {
    remember_addresses();
}

void Connection::remember_addresses() {
    error_code error;
    const auto remote = stream_->socket().remote_endpoint(error);
    if (error) return;
    const auto local = stream_->socket().local_endpoint(error);
    if (error) return;
    const auto name = [](const asio::ip::address& address) {
        if (address.is_v6() && address.to_v6().is_v4_mapped())
            return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
        return address.to_string();
    };
    remote_address_ = name(remote.address());
    remote_port_ = remote.port();
    local_address_ = name(local.address());
    local_port_ = local.port();
}

asio::awaitable<void> Connection::run() {
    if (!server_->admit(shared_from_this(), remote_address_)) {
        stream_->abort();
        co_return;
    }
    try {
        const auto next = co_await open_transport();
        if (next == Next::serve) co_await serve();
        if (next == Next::redirect) co_await redirect_to_tls();
    } catch (const std::exception& error) {
        base::log_warning("http: connection of {} cut: {}", remote_address_, error.what());
        stream_->abort();
    }
    gone_ = true;
    peer_timer_.cancel();
    gone_callback_ = nullptr;
    server_->leave(this, remote_address_);
}

asio::awaitable<Connection::Next> Connection::open_transport() {
    const auto& limits = server_->options.limits;
    channel_ =
        std::make_shared<Channel>(stream_, MessageParser::Kind::request,
                                  MessageParser::Limits{limits.header_bytes, limits.header_fields});
    if (transport_ == Transport::plain) co_return Next::serve;

    // Look at the first byte, without taking it: people type http:// for a TLS port.
    stream_->expires_after(limits.handshake_timeout);
    const auto first = co_await peek(stream_->socket());
    if (!first) {
        stream_->abort();
        co_return Next::close;
    }
    if (*first >= 'A' && *first <= 'Z') co_return Next::redirect;
    SSL* const tls = stream_->start_tls(server_->tls_context());
    if (co_await stream_->handshake(Stream::Role::server)) {
        stream_->abort();
        co_return Next::close;
    }
    stream_->expires_never();
    ++server_->handshakes;
    if (SSL_session_reused(tls)) ++server_->resumed;
    co_return Next::serve;
}

asio::awaitable<void> Connection::redirect_to_tls() {
    const auto timeout = server_->options.limits.header_timeout;
    MessageHead head;
    const auto result = co_await channel_->read_head(head, timeout, timeout);
    if (result.outcome == Channel::Outcome::complete) {
        const auto host = host_without_port(head.headers.get("host").value_or(""));
        auto response = error_response(400, "This port speaks HTTPS only");
        if (!host.empty() && head.target.starts_with('/')) {
            const auto port = local_port_ == 443 ? "" : fmt::format(":{}", local_port_);
            response =
                Response::redirect(308, fmt::format("https://{}{}{}", host, port, head.target));
        }
        response.close = true;
        ResponseContext context;
        context.head_only = head.method == "HEAD";
        co_await writer_.write(std::move(response), std::move(context));
    }
    co_await stream_->close_gently(goodbye_limit);
}

asio::awaitable<void> Connection::serve() {
    while (co_await serve_one()) {
    }
    co_await stream_->close_gently(goodbye_limit);
}

asio::awaitable<bool> Connection::refuse(int status, std::string reason) {
    auto response = error_response(status, reason);
    response.close = true;
    ResponseContext context;
    context.write_timeout = server_->options.limits.write_timeout;
    co_await writer_.write(std::move(response), context);
    co_return false;
}

asio::awaitable<bool> Connection::serve_one() {
    const auto& limits = server_->options.limits;
    const bool first = channel_->generation() == 0;
    MessageHead head;
    idle_ = !channel_->has_input();
    if (stopping_ || server_->stopping) co_return false;
    if (idle_ && !first) idle_since_ = std::chrono::steady_clock::now().time_since_epoch().count();
    const auto result = co_await channel_->read_head(
        head, first ? limits.header_timeout : limits.idle_timeout, limits.header_timeout);
    idle_ = false;
    idle_since_ = 0;
    switch (result.outcome) {
        case Channel::Outcome::complete:
            break;
        case Channel::Outcome::malformed:
            co_return co_await refuse(result.status, result.error);
        case Channel::Outcome::closed:
        case Channel::Outcome::timed_out:
            co_return false;
    }
    ++server_->requests;
    if (first) server_->has_spoken(this);
    Request request;
    std::string error;
    if (!make_request(std::move(head), request, error)) co_return co_await refuse(400, error);
    co_return co_await handle(std::move(request), channel_->parser().keep_alive());
}

bool Connection::make_request(MessageHead head, Request& request, std::string& error) const {
    auto target = Target::parse(head.target);
    if (!target) {
        error = target.error();
        return false;
    }
    request.method = std::move(head.method);
    request.target = std::move(*target);
    request.headers = std::move(head.headers);
    request.version_minor = head.version_minor;
    request.remote_address = remote_address_;
    request.remote_port = remote_port_;
    request.local_address = local_address_;
    request.local_port = local_port_;
    request.tls = stream_->tls() != nullptr;
    request.peer = std::const_pointer_cast<Connection>(shared_from_this());
    return true;
}

// What a request may not ask of us, whatever its route.
std::optional<Response> Connection::check_head(const Request& request) const {
    const auto hosts = request.headers.get_all("host").size();
    if (hosts > 1 || (hosts == 0 && request.version_minor > 0))
        return error_response(400, "exactly one Host field is needed");
    if (const auto coding = request.headers.get("transfer-encoding");
        coding && (!equals_ignoring_case(*coding, "chunked") || request.version_minor == 0))
        return error_response(501, "the only Transfer-Encoding is chunked");
    if (const auto expect = request.headers.get("expect");
        expect && !equals_ignoring_case(*expect, "100-continue"))
        return error_response(417, "the only expectation is 100-continue");
    if (const auto coding = request.headers.get("content-encoding");
        coding && !equals_ignoring_case(*coding, "gzip") &&
        !equals_ignoring_case(*coding, "x-gzip") && !equals_ignoring_case(*coding, "identity"))
        return error_response(415, "the only Content-Encoding is gzip");
    return std::nullopt;
}

ResponseContext Connection::context_for(const Request& request, bool keep_alive) const {
    ResponseContext context;
    context.head_only = request.method == "HEAD";
    context.http_1_0 = request.version_minor == 0;
    context.accepts_gzip = has_token(request.header("accept-encoding"), "gzip");
    context.is_local = remote_address_ == local_address_;
    context.keep_alive = keep_alive;
    context.write_timeout = server_->options.limits.write_timeout;
    return context;
}

asio::awaitable<bool> Connection::handle(Request request, bool keep_alive) {
    const auto& limits = server_->options.limits;
    auto context = context_for(request, keep_alive);
    if (auto refusal = check_head(request)) {
        refusal->close = true;
        co_return co_await reply(std::move(*refusal), context);
    }
    const auto policy =
        server_->options.body_policy ? server_->options.body_policy(request) : BodyPolicy{};
    const bool gzip = request.headers.contains("content-encoding") &&
                      !equals_ignoring_case(request.header("content-encoding"), "identity");
    const auto announced = channel_->parser().content_length().value_or(0);
    if (announced > policy.limit_bytes) {
        auto response = error_response(413, "the body is too large");
        response.close = true;
        co_return co_await reply(std::move(response), context);
    }
    std::shared_ptr<ChannelBody> body;
    if (!channel_->parser().message_done() || policy.stream) {
        BodySettings settings;
        settings.limit_bytes = policy.limit_bytes;
        settings.timeout = limits.body_timeout;
        settings.gzip = gzip && !channel_->parser().message_done();
        settings.send_continue = request.version_minor > 0 && request.headers.contains("expect");
        settings.write_timeout = limits.write_timeout;
        body = std::make_shared<ChannelBody>(channel_, settings);
    }
    if (policy.stream) {
        request.body_reader = body;
    } else if (body) {
        std::optional<BodyError> failure;
        try {
            request.body = co_await read_whole(body);
        } catch (const BodyError& error) {
            failure = error;
        }
        if (failure) co_return co_await refuse(failure->status(), failure->what());
    }
    std::optional<Request> upgrade;
    if (request.is_websocket_upgrade()) {
        upgrade.emplace();
        upgrade->target = request.target;
        upgrade->headers = request.headers;
    }
    auto response = co_await call_handler(std::move(request));
    gone_callback_ = nullptr;
    if (response.session) {
        if (upgrade && context.keep_alive && !context.http_1_0) {
            co_await run_websocket(std::move(*upgrade), std::move(response));
            co_return false;
        }
        response = error_response(426, "this address speaks WebSocket");
        response.headers.add("Upgrade", "websocket");
    }
    // A body that the peer still holds back, or has much left of, is cheaper to cut than to read.
    if (!channel_->parser().message_done() && body && body->continue_pending())
        response.close = true;
    co_return co_await reply(std::move(response), context);
}

asio::awaitable<Response> Connection::call_handler(Request request) {
    const auto line = fmt::format("{} {}", request.method, request.target.path());
    std::string failure;
    int status = 500;
    try {
        co_return co_await server_->handler(std::move(request));
    } catch (const BodyError& error) {
        failure = error.what();
        status = error.status();
    } catch (const std::exception& error) {
        base::log_error("http: {} failed: {}", line, error.what());
    } catch (...) {
        base::log_error("http: {} failed with an unknown exception", line);
    }
    auto response = error_response(status, failure.empty() ? "internal error" : failure);
    response.close = status != 500;
    co_return response;
}

asio::awaitable<bool> Connection::reply(Response response, ResponseContext context) {
    if (stopping_ || server_->stopping) context.keep_alive = false;
    if (std::holds_alternative<FileBody>(response.body)) context.blocking = server_->blocking();
    const bool body_left = !channel_->parser().message_done();
    // Small rests are read and forgotten, so that the connection can be used again.
    const bool small_rest =
        channel_->parser().content_length().value_or(UINT64_MAX) <= skip_limit_bytes;
    if (body_left && !small_rest) context.keep_alive = false;
    const bool keep = co_await writer_.write(std::move(response), context);
    if (keep && body_left &&
        !co_await channel_->skip_body(skip_limit_bytes, server_->options.limits.body_timeout))
        co_return false;
    channel_->finish_message();
    co_return keep;
}

asio::awaitable<void> Connection::run_websocket(Request request, Response response) {
    auto socket =
        co_await accept_websocket(stream_, channel_->take_input(), std::move(request),
                                  response.subprotocol, response.websocket_message_limit_bytes);
    if (!socket) {
        stream_->abort();
        co_return;
    }
    co_await response.session(std::move(socket));
}

void Connection::on_gone(std::function<void()> callback) {
    gone_callback_ = std::move(callback);
    if (!gone_callback_) return;
    if (stopping_ || server_->stopping) {
        asio::post(executor_, [self = shared_from_this()] { self->notify_gone(); });
        return;
    }
    watch_peer();
}

// Nobody reads the socket while a handler runs; the kernel still knows whether the peer has hung
// up.
void Connection::watch_peer() {
    peer_timer_.expires_after(peer_check_interval);
    peer_timer_.async_wait([self = shared_from_this()](error_code error) {
        if (error || !self->gone_callback_) return;
        pollfd state{self->stream_->socket().native_handle(), POLLRDHUP, 0};
        if (state.fd < 0 || poll(&state, 1, 0) > 0)
            self->notify_gone();
        else
            self->watch_peer();
    });
}

void Connection::notify_gone() {
    gone_ = true;
    if (auto callback = std::exchange(gone_callback_, nullptr)) callback();
}

void Connection::stop_soon() {
    asio::post(executor_, [self = shared_from_this()] {
        self->stopping_ = true;
        if (self->idle_)
            self->stream_->abort();
        else
            self->notify_gone();
    });
}

void Connection::cut_if_idle() {
    idle_since_ = 0;  // nobody else is to choose it
    asio::post(executor_, [self = shared_from_this()] {
        if (self->idle_) self->stream_->abort();
    });
}

std::optional<std::chrono::steady_clock::duration> Connection::idle_since() const {
    const auto since = idle_since_.load();
    if (since == 0) return std::nullopt;
    return std::chrono::steady_clock::duration(since);
}

void set_logged_in(Peer& peer) {
    if (auto* connection = dynamic_cast<Connection*>(&peer)) connection->set_logged_in();
}

void Connection::cut() {
    asio::post(executor_, [self = shared_from_this()] {
        self->stream_->abort();
        self->notify_gone();
    });
}

}  // namespace drover::http
