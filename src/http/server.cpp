#include "http/server.hpp"

#include "base/log.hpp"
#include "http/connection.hpp"
#include "http/server_shared.hpp"
#include "http/tls_context.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace drover::http {
namespace {

using namespace std::chrono_literals;
using Tcp = asio::ip::tcp;

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t blocking_threads = 4;
constexpr auto out_of_descriptors_pause = 100ms;
constexpr auto stop_poll_interval = 10ms;
constexpr auto cut_grace = 1s;
constexpr auto silence_grace = 2s;
constexpr std::size_t leaving = 64;

// A strand of the event loop itself is cheaper to pass through than one of any executor.
asio::any_io_executor make_own_strand(const asio::any_io_executor& executor) {
    if (const auto* loop = executor.target<asio::io_context::executor_type>())
        return asio::make_strand(*loop);
    return asio::make_strand(executor);
}

ServerOptions checked(ServerOptions options) {
    auto& limits = options.limits;
    limits.header_bytes = std::clamp<std::size_t>(limits.header_bytes, 1024, 1 << 20);
    return options;
}

}  // namespace

Server::Shared::Shared(boost::asio::any_io_executor executor_, ServerOptions options_,
                       Handler handler_)
    : executor(std::move(executor_)),
      options(checked(std::move(options_))),
      handler(std::move(handler_)) {
    if (options.identity) context = make_server_context(*options.identity);
}

std::shared_ptr<asio::ssl::context> Server::Shared::tls_context() {
    const std::lock_guard lock(mutex);
    return context;
}

asio::any_io_executor Server::Shared::blocking() {
    const std::lock_guard lock(mutex);
    if (!pool) pool = std::make_unique<asio::thread_pool>(blocking_threads);
    return pool->get_executor();
}

// Who is cut leaves a little later than the newcomer comes, so there can be a few more than the
// limit for a moment.
bool Server::Shared::make_room(FromAddress* from, std::size_t most) {
    auto& among = from != nullptr ? from->silent : silent;
    const std::size_t count = from != nullptr ? from->count : open.size();
    if (count < most) return true;
    if (count >= most + leaving) return false;
    // Newcomers get time for their handshake, but a crowd of them may not drive out the others.
    const auto now = std::chrono::steady_clock::now();
    const bool is_crowd = among.size() > most / 8;
    const bool made = cut_silent(among, is_crowd ? now : now - silence_grace) || cut_idle(from) ||
                      cut_silent(among, now);
    // A request may have saved one that was chosen before.
    if (made && count > most + leaving / 2) cut_idle(from);
    return made;
}

bool Server::Shared::cut_silent(Silent& among, Time since) {
    while (!among.empty() && among.begin()->second.since <= since) {
        const auto connection = among.begin()->second.connection.lock();
        const std::uint64_t arrival = among.begin()->first;
        if (connection) forget_silent(connection.get());
        among.erase(arrival);
        if (!connection) continue;
        connection->cut();
        return true;
    }
    return false;
}

// Looks at all, which is rare: only once those that came before have got their answers.
bool Server::Shared::cut_idle(const FromAddress* from) {
    std::shared_ptr<Connection> chosen;
    std::pair<bool, std::chrono::steady_clock::duration> best;  // strangers come first
    for (const auto& [_, each] : open) {
        if (from != nullptr && each.from != from) continue;
        auto connection = each.connection.lock();
        const auto since = connection ? connection->idle_since() : std::nullopt;
        if (!since) continue;
        const std::pair rank(connection->logged_in(), *since);
        if (chosen && rank >= best) continue;
        best = rank;
        chosen = std::move(connection);
    }
    if (!chosen) return false;
    chosen->cut_if_idle();
    return true;
}

bool Server::Shared::admit(const std::shared_ptr<Connection>& connection,
                           const std::string& address) {
    const std::lock_guard lock(mutex);
    auto& from = per_address[address];
    const auto& limits = options.limits;
    if (stopping || address.empty() || !make_room(&from, limits.connections_per_address) ||
        !make_room(nullptr, limits.connections)) {
        if (from.count == 0) per_address.erase(address);
        ++refused;
        return false;
    }
    ++from.count;
    ++accepted;
    const std::uint64_t arrival = ++arrivals;
    open.emplace(connection.get(), Open{connection, arrival, &from});
    const SilentOne made{connection, std::chrono::steady_clock::now()};
    from.silent.emplace(arrival, made);
    silent.emplace(arrival, made);
    return true;
}

void Server::Shared::forget_silent(const Connection* connection) {
    const auto found = open.find(connection);
    if (found == open.end()) return;
    found->second.from->silent.erase(found->second.arrival);
    silent.erase(found->second.arrival);
}

void Server::Shared::has_spoken(const Connection* connection) {
    const std::lock_guard lock(mutex);
    forget_silent(connection);
}

void Server::Shared::leave(const Connection* connection, const std::string& address) {
    const std::lock_guard lock(mutex);
    forget_silent(connection);
    const auto found = per_address.find(address);
    if (found != per_address.end() && --found->second.count == 0) per_address.erase(found);
    open.erase(connection);
}

std::vector<std::shared_ptr<Connection>> Server::Shared::connections() {
    const std::lock_guard lock(mutex);
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [key, each] : open)
        if (auto connection = each.connection.lock()) all.push_back(std::move(connection));
    return all;
}

std::uint16_t Server::Shared::listen(Acceptor acceptor, Transport transport) {
    if (transport == Transport::tls && !tls_context())
        throw std::runtime_error("a TLS port needs a certificate");
    const auto port = acceptor.local_endpoint().port();
    auto shared_acceptor = std::make_shared<Acceptor>(std::move(acceptor));
    {
        const std::lock_guard lock(mutex);
        acceptors.push_back(shared_acceptor);
    }
    asio::co_spawn(shared_acceptor->get_executor(), accept_loop(shared_acceptor, transport),
                   asio::detached);
    return port;
}

asio::awaitable<void> Server::Shared::accept_loop(std::shared_ptr<Acceptor> acceptor,
                                                  Transport transport) {
    const auto self = shared_from_this();
    asio::steady_timer pause(acceptor->get_executor());
    while (!stopping) {
        const asio::any_io_executor strand = make_own_strand(executor);
        auto [error, socket] = co_await acceptor->async_accept(strand, tuple_awaitable);
        if (stopping || error == asio::error::operation_aborted ||
            error == asio::error::bad_descriptor)
            break;
        if (error) {
            // Out of descriptors or memory, mostly: others must end first.
            base::log_warning("http: can't accept a connection: {}", error.message());
            pause.expires_after(out_of_descriptors_pause);
            co_await pause.async_wait(tuple_awaitable);
            continue;
        }
        auto connection = std::make_shared<Connection>(self, std::move(socket), transport);
        asio::co_spawn(strand, [connection] { return connection->run(); }, asio::detached);
    }
    error_code ignored;
    acceptor->close(ignored);
}

void Server::Shared::stop_listening() {
    stopping = true;
    const std::lock_guard lock(mutex);
    for (const auto& acceptor : acceptors)
        asio::post(acceptor->get_executor(), [acceptor] {
            error_code ignored;
            acceptor->close(ignored);
        });
    acceptors.clear();
}

Server::Server(boost::asio::any_io_executor executor, ServerOptions options, Handler handler)
    : shared_(
          std::make_shared<Shared>(std::move(executor), std::move(options), std::move(handler))) {}

Server::~Server() {
    shared_->stop_listening();
    for (const auto& connection : shared_->connections()) connection->cut();
}

std::uint16_t Server::bind(const std::string& address, std::uint16_t port, Transport transport) {
    const auto where = fmt::format("can't listen on {} port {}", address, port);
    try {
        const Tcp::endpoint endpoint(asio::ip::make_address(address), port);
        Shared::Acceptor acceptor(asio::make_strand(shared_->executor));
        acceptor.open(endpoint.protocol());
        acceptor.set_option(Tcp::acceptor::reuse_address(true));
        // "::" and "0.0.0.0" are two addresses; a caller who wants both binds both.
        if (endpoint.protocol() == Tcp::v6()) acceptor.set_option(asio::ip::v6_only(true));
        acceptor.bind(endpoint);
        acceptor.listen();
        return shared_->listen(std::move(acceptor), transport);
    } catch (const boost::system::system_error& error) {
        throw std::system_error(error.code().value(), std::generic_category(), where);
    }
}

std::uint16_t Server::adopt(base::FileDescriptor socket, Transport transport) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    int listening = 0;
    socklen_t option_size = sizeof listening;
    if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &option_size) != 0)
        throw std::system_error(errno, std::generic_category(), "the inherited descriptor");
    if ((address.ss_family != AF_INET && address.ss_family != AF_INET6) || !listening)
        throw std::system_error(EINVAL, std::generic_category(),
                                "the inherited descriptor is no listening TCP socket");
    Shared::Acceptor acceptor(asio::make_strand(shared_->executor));
    acceptor.assign(address.ss_family == AF_INET ? Tcp::v4() : Tcp::v6(), socket.get());
    socket.release();
    return shared_->listen(std::move(acceptor), transport);
}

void Server::set_identity(const TlsIdentity& identity) {
    auto fresh = make_server_context(identity);
    const std::lock_guard lock(shared_->mutex);
    shared_->context = std::move(fresh);
}

asio::awaitable<void> Server::stop(std::chrono::milliseconds grace) {
    const auto shared = shared_;
    shared->stop_listening();
    for (const auto& connection : shared->connections()) connection->stop_soon();
    asio::steady_timer timer(co_await asio::this_coro::executor);
    const auto deadline = std::chrono::steady_clock::now() + grace;
    const auto wait_until = [&](auto end) -> asio::awaitable<void> {
        while (!shared->connections().empty() && std::chrono::steady_clock::now() < end) {
            timer.expires_after(stop_poll_interval);
            co_await timer.async_wait(tuple_awaitable);
        }
    };
    co_await wait_until(deadline);
    for (const auto& connection : shared->connections()) connection->cut();
    co_await wait_until(deadline + cut_grace);
}

ServerStatistics Server::statistics() const {
    ServerStatistics statistics;
    {
        const std::lock_guard lock(shared_->mutex);
        statistics.connections_open = shared_->open.size();
    }
    statistics.connections_accepted = shared_->accepted;
    statistics.connections_refused = shared_->refused;
    statistics.requests = shared_->requests;
    statistics.tls_handshakes = shared_->handshakes;
    statistics.tls_resumed = shared_->resumed;
    return statistics;
}

}  // namespace drover::http
