#include "host/migration/peer_relay.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <mutex>

#include "base/log.hpp"
#include "base/random.hpp"
#include "http/client.hpp"
#include "http/websocket.hpp"

namespace drover::host {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using http::WebSocket;
using task::Awaitable;

namespace {

constexpr std::size_t piece_bytes = 64 << 10;
constexpr std::size_t longest_socket_path = 107;
constexpr std::size_t most_ticket_bytes = 256;
constexpr std::uint16_t normal = 1000;
constexpr std::string_view scheme = "Drover ";
constexpr const char* subprotocol = "drover-peer";
constexpr std::string_view suffix = ".relay";

// One connection: two directions, each a coroutine on one strand. A piece is read only when the one
// before it has been taken, so a slow end slows the other.
struct Joint {
    Joint(const asio::any_io_executor& executor, std::shared_ptr<WebSocket> with,
          std::shared_ptr<stream_protocol::socket> engine)
        : remote(std::move(with)), local(std::move(engine)), ended(executor) {
        ended.expires_at(std::chrono::steady_clock::time_point::max());
    }

    std::shared_ptr<WebSocket> remote;
    std::shared_ptr<stream_protocol::socket> local;
    asio::steady_timer ended;
    bool is_out_ended = false;
};

Awaitable<void> carry_out(std::shared_ptr<Joint> joint) {
    std::string piece(piece_bytes, '\0');
    while (true) {
        const auto [error, size] = co_await joint->local->async_read_some(
            asio::buffer(piece), asio::as_tuple(asio::use_awaitable));
        if (error || size == 0) break;
        if (!co_await joint->remote->write(std::string_view(piece).substr(0, size), true)) break;
    }
    co_await joint->remote->close(normal, "the engine has closed");
    joint->is_out_ended = true;
    joint->ended.cancel();
}

Awaitable<void> carry_in(std::shared_ptr<Joint> joint) {
    while (const auto message = co_await joint->remote->read()) {
        const auto [error, size] = co_await asio::async_write(
            *joint->local, asio::buffer(message->data), asio::as_tuple(asio::use_awaitable));
        if (error) break;
    }
}

// Returns when both directions have ended.
Awaitable<void> join(std::shared_ptr<WebSocket> remote,
                     std::shared_ptr<stream_protocol::socket> local) {
    const auto executor = co_await asio::this_coro::executor;
    const auto joint = std::make_shared<Joint>(executor, std::move(remote), std::move(local));
    asio::co_spawn(executor, carry_out(joint), asio::detached);
    co_await carry_in(joint);
    boost::system::error_code ignored;
    joint->local->close(ignored);
    while (!joint->is_out_ended)
        co_await joint->ended.async_wait(asio::as_tuple(asio::use_awaitable));
}

// Ends both directions from outside the strand on which they run.
void cut(const std::shared_ptr<stream_protocol::socket>& socket) {
    asio::post(socket->get_executor(), [socket] {
        boost::system::error_code ignored;
        socket->close(ignored);
    });
}

bool may_connect(stream_protocol::socket& socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    return peer.uid == 0 || peer.uid == ::geteuid();
}

http::Url server_of(const std::string& text) {
    const auto url = http::Url::parse(text);
    if (!url || !url->tls)
        throw std::runtime_error(fmt::format("'{}' is no https URL of a host", text));
    return *url;
}

}  // namespace

struct PeerRelay::State {
    State(asio::any_io_executor with, Target to)
        : executor(std::move(with)), acceptor(executor), target(std::move(to)) {}

    asio::any_io_executor executor;  // a strand: all but `error` belongs to it
    stream_protocol::acceptor acceptor;
    const Target target;
    bool closed = false;
    std::list<std::shared_ptr<stream_protocol::socket>> open;

    std::mutex mutex;
    std::string error;

    static Awaitable<void> accept_all(std::shared_ptr<State> state);
    static Awaitable<void> carry(std::shared_ptr<State> state,
                                 std::shared_ptr<stream_protocol::socket> local);
    Awaitable<std::shared_ptr<WebSocket>> open_remote();
    void set_error(const std::string& text) {
        const std::lock_guard lock(mutex);
        error = text;
    }
};

Awaitable<void> PeerRelay::State::accept_all(std::shared_ptr<State> state) {
    while (!state->closed) {
        auto [error, accepted] =
            co_await state->acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
        if (error || state->closed) co_return;
        const auto local = std::make_shared<stream_protocol::socket>(std::move(accepted));
        if (!may_connect(*local) || state->open.size() >= most_connections) {
            base::log_warning("migration: a local connection was refused");
            continue;
        }
        state->open.push_back(local);
        asio::co_spawn(state->executor, carry(state, local), asio::detached);
    }
}

Awaitable<std::shared_ptr<WebSocket>> PeerRelay::State::open_remote() {
    http::ClientOptions options;
    options.verification = http::Verification::pinned(target.thumbprint);
    http::Client client(executor, server_of(target.url), options);
    http::Headers headers;
    headers.set("Authorization", std::string(scheme) + target.ticket);
    co_return co_await client.open_websocket(std::string(PeerEndpoint::path), {subprotocol},
                                             headers);
}

Awaitable<void> PeerRelay::State::carry(std::shared_ptr<State> state,
                                        std::shared_ptr<stream_protocol::socket> local) {
    try {
        const auto remote = co_await state->open_remote();
        state->set_error({});
        if (state->closed)
            co_await remote->close(normal, "no longer needed");
        else
            co_await join(remote, local);
    } catch (const std::exception& error) {
        base::log_warning("migration: the way to {}: {}", state->target.url, error.what());
        state->set_error(error.what());
    }
    boost::system::error_code ignored;
    local->close(ignored);
    state->open.remove(local);
}

PeerRelay::PeerRelay(asio::any_io_executor executor, const std::filesystem::path& directory,
                     Target target) {
    server_of(target.url);
    if (target.thumbprint.empty()) throw std::runtime_error("the host's thumbprint is missing");
    socket_ = directory / (base::SystemRandom().hex(8) + std::string(suffix));
    if (socket_.size() > longest_socket_path)
        throw std::runtime_error(fmt::format("{} is too long for a socket", socket_));
    state_ = std::make_shared<State>(asio::make_strand(std::move(executor)), std::move(target));
    const stream_protocol::endpoint endpoint(socket_);
    state_->acceptor.open();
    state_->acceptor.bind(endpoint);
    state_->acceptor.listen(most_connections);
    asio::co_spawn(state_->executor, State::accept_all(state_), asio::detached);
}

PeerRelay::~PeerRelay() {
    ::unlink(socket_.c_str());
    asio::post(state_->executor, [state = state_] {
        state->closed = true;
        boost::system::error_code ignored;
        state->acceptor.close(ignored);
        for (const auto& one : state->open) one->close(ignored);
    });
}

std::string PeerRelay::error() const {
    const std::lock_guard lock(state_->mutex);
    return state_->error;
}

void PeerRelay::clear(const std::filesystem::path& directory) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored))
        if (entry.path().native().ends_with(suffix)) std::filesystem::remove(entry.path(), ignored);
}

struct PeerEndpoint::Shared {
    using Socket = std::shared_ptr<stream_protocol::socket>;

    asio::any_io_executor strand;
    std::string engine_socket;
    std::function<bool(const std::string&)> admits;
    std::multimap<std::string, Socket> sessions;  // on the strand; null until it is connected

    Awaitable<bool> admit(std::string ticket) {
        if (engine_socket.empty() || !admits || sessions.size() >= most_sessions ||
            sessions.count(ticket) >= most_sessions_of_ticket || !admits(ticket))
            co_return false;
        co_return true;
    }

    // False if the way was closed meanwhile.
    Awaitable<bool> enter(std::string ticket, Socket socket) {
        if (sessions.size() >= most_sessions || !admits || !admits(ticket)) co_return false;
        sessions.emplace(ticket, std::move(socket));
        co_return true;
    }

    Awaitable<void> leave(Socket socket) {
        std::erase_if(sessions, [&](const auto& item) { return item.second == socket; });
        co_return;
    }

    static Awaitable<void> serve(std::shared_ptr<Shared> shared, std::string ticket,
                                 std::shared_ptr<WebSocket> remote);
};

Awaitable<void> PeerEndpoint::Shared::serve(std::shared_ptr<Shared> shared, std::string ticket,
                                            std::shared_ptr<WebSocket> remote) {
    constexpr std::uint16_t failed = 1011;
    const auto executor = co_await asio::this_coro::executor;
    const auto local = std::make_shared<stream_protocol::socket>(executor);
    const auto [error] = co_await local->async_connect(
        stream_protocol::endpoint(shared->engine_socket), asio::as_tuple(asio::use_awaitable));
    if (error) {
        base::log_warning("migration: {}: {}", shared->engine_socket, error.message());
        co_await remote->close(failed, "the engine does not answer");
        co_return;
    }
    const bool entered =
        co_await asio::co_spawn(shared->strand, shared->enter(ticket, local), asio::use_awaitable);
    if (!entered) {
        co_await remote->close(failed, "the ticket is not valid any more");
        co_return;
    }
    co_await join(std::move(remote), local);
    co_await asio::co_spawn(shared->strand, shared->leave(local), asio::use_awaitable);
}

PeerEndpoint::PeerEndpoint(asio::any_io_executor strand, std::string engine_socket,
                           std::function<bool(const std::string&)> admits)
    : shared_(std::make_shared<Shared>()) {
    shared_->strand = std::move(strand);
    shared_->engine_socket = std::move(engine_socket);
    shared_->admits = std::move(admits);
}

PeerEndpoint::~PeerEndpoint() {
    shared_->admits = nullptr;
    for (const auto& [ticket, socket] : shared_->sessions) cut(socket);
}

Awaitable<http::Response> PeerEndpoint::handle(http::Request request) {
    if (!request.is_websocket_upgrade()) {
        auto refused = http::Response::text(426, "Hosts speak to each other by a WebSocket.\n");
        refused.headers.set("Upgrade", "websocket");
        co_return refused;
    }
    const std::string authorization(request.header("Authorization"));
    const bool has_ticket = authorization.starts_with(scheme) &&
                            authorization.size() <= scheme.size() + most_ticket_bytes;
    const std::string ticket = has_ticket ? authorization.substr(scheme.size()) : std::string();
    const auto shared = shared_;
    const bool admitted =
        has_ticket &&
        co_await asio::co_spawn(shared->strand, shared->admit(ticket), asio::use_awaitable);
    if (!admitted) {
        base::log_warning("audit: {} was refused a way to the engine", request.remote_address);
        co_return http::Response::text(403, "The ticket is not valid (any more).\n");
    }
    base::log_info("audit: {} has a way to the engine for a migration", request.remote_address);
    constexpr std::array<std::string_view, 1> known{subprotocol};
    co_return http::Response::upgrade(
        [shared, ticket](std::shared_ptr<WebSocket> remote) {
            return Shared::serve(shared, ticket, std::move(remote));
        },
        http::choose_subprotocol(request, known));
}

void PeerEndpoint::close(const std::string& ticket) {
    const auto [first, last] = shared_->sessions.equal_range(ticket);
    for (auto at = first; at != last; ++at) cut(at->second);
}

}  // namespace drover::host
