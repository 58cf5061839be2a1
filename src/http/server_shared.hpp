#pragma once

// What the server's listeners and connections have in common. Private to this library.

#include "http/server.hpp"

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <unordered_map>

namespace drover::http {

class Connection;

/// Kept alive by the server and by every coroutine of it. Thread-safe.
struct Server::Shared : std::enable_shared_from_this<Server::Shared> {
    using Acceptor = boost::asio::ip::tcp::acceptor;

    Shared(boost::asio::any_io_executor executor_, ServerOptions options_, Handler handler_);

    using Time = std::chrono::steady_clock::time_point;
    /// One that sent no request yet.
    struct SilentOne {
        std::weak_ptr<Connection> connection;
        Time since;
    };
    /// By their order of arrival.
    using Silent = std::map<std::uint64_t, SilentOne>;
    struct FromAddress {
        std::size_t count = 0;
        Silent silent;
    };
    struct Open {
        std::weak_ptr<Connection> connection;
        std::uint64_t arrival = 0;
        FromAddress* from = nullptr;
    };

    const boost::asio::any_io_executor executor;
    const ServerOptions options;
    const Handler handler;

    std::shared_ptr<boost::asio::ssl::context> tls_context();
    /// Where blocking file reads happen; its threads start with the first use.
    boost::asio::any_io_executor blocking();

    /// False if the server stops, or a limit is reached and nobody can make room: each has a
    /// request under way. Who can is cut for a newcomer, in this order: the longest silent one that
    /// sent no request for a while; the longest idle one of strangers, then of those that logged
    /// in; the longest silent one at all. If the limit is an address's, so is who makes room.
    bool admit(const std::shared_ptr<Connection>& connection, const std::string& address);
    /// A connection has sent its first request.
    void has_spoken(const Connection* connection);
    void leave(const Connection* connection, const std::string& address);
    std::vector<std::shared_ptr<Connection>> connections();

    std::uint16_t listen(Acceptor acceptor, Transport transport);
    boost::asio::awaitable<void> accept_loop(std::shared_ptr<Acceptor> acceptor,
                                             Transport transport);
    void stop_listening();

    std::atomic<bool> stopping{false};
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> handshakes{0};
    std::atomic<std::uint64_t> resumed{0};

    mutable std::mutex mutex;
    std::shared_ptr<boost::asio::ssl::context> context;  // under mutex
    std::unique_ptr<boost::asio::thread_pool> pool;      // under mutex
    std::vector<std::shared_ptr<Acceptor>> acceptors;    // under mutex
    std::unordered_map<const Connection*, Open> open;    // under mutex
    std::map<std::string, FromAddress> per_address;      // under mutex
    Silent silent;                                       // under mutex
    std::uint64_t arrivals = 0;                          // under mutex

private:
    /// `from` is null for the limit of all.
    bool make_room(FromAddress* from, std::size_t most);
    bool cut_silent(Silent& among, Time since);
    bool cut_idle(const FromAddress* from);
    void forget_silent(const Connection* connection);
};

/// Gives the library's own files a way to the private struct.
struct ServerAccess {
    using Shared = Server::Shared;
};
using ServerShared = ServerAccess::Shared;

}  // namespace drover::http
