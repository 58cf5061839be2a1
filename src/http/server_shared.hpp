#pragma once

// What the server's listeners and connections have in common. Private to this library.

#include "http/server.hpp"

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <mutex>
#include <unordered_map>

namespace drover::http {

class Connection;

/// Kept alive by the server and by every coroutine of it. Thread-safe.
struct Server::Shared : std::enable_shared_from_this<Server::Shared> {
    using Acceptor = boost::asio::ip::tcp::acceptor;

    Shared(boost::asio::any_io_executor executor_, ServerOptions options_, Handler handler_);

    const boost::asio::any_io_executor executor;
    const ServerOptions options;
    const Handler handler;

    std::shared_ptr<boost::asio::ssl::context> tls_context();
    /// Where blocking file reads happen; its threads start with the first use.
    boost::asio::any_io_executor blocking();

    /// False if a limit is reached or the server stops.
    bool admit(const std::shared_ptr<Connection>& connection, const std::string& address);
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
    std::shared_ptr<boost::asio::ssl::context> context;                     // under mutex
    std::unique_ptr<boost::asio::thread_pool> pool;                         // under mutex
    std::vector<std::shared_ptr<Acceptor>> acceptors;                       // under mutex
    std::unordered_map<const Connection*, std::weak_ptr<Connection>> open;  // under mutex
    std::map<std::string, std::size_t> per_address;                         // under mutex
};

/// Gives the library's own files a way to the private struct.
struct ServerAccess {
    using Shared = Server::Shared;
};
using ServerShared = ServerAccess::Shared;

}  // namespace drover::http
