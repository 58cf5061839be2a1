#pragma once

// One connection of the client. Private to this library.

#include "http/channel.hpp"
#include "http/client.hpp"

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace drover::http {

class ClientConnection;

/// What the connections of a client have in common. Thread-safe.
struct Client::Shared {
    Shared(asio::any_io_executor executor_, Url server_, ClientOptions options_);
    ~Shared();

    const asio::any_io_executor executor;
    const Url server;
    const ClientOptions options;
    std::shared_ptr<asio::ssl::context> context;  // null without TLS

    /// A kept connection that is still alive, or null.
    std::shared_ptr<ClientConnection> take_idle();
    void keep(std::shared_ptr<ClientConnection> connection);

    mutable std::mutex mutex;
    bool closed = false;                                  // under mutex
    std::vector<std::shared_ptr<ClientConnection>> idle;  // under mutex; the newest last
    SSL_SESSION* session = nullptr;                       // under mutex; owned
};

struct ClientAccess {
    using Shared = Client::Shared;
};
using ClientShared = ClientAccess::Shared;

/// Its coroutines run on its own strand.
class ClientConnection final : public std::enable_shared_from_this<ClientConnection> {
public:
    explicit ClientConnection(std::shared_ptr<ClientShared> client);
    /// On the given executor instead of a strand of its own.
    ClientConnection(std::shared_ptr<ClientShared> client, asio::any_io_executor executor);

    const asio::any_io_executor& executor() const { return executor_; }

    /// Name, TCP, TLS, verification. Throws ClientError.
    asio::awaitable<void> connect();
    bool connected() const { return channel_ != nullptr; }
    /// Neither closed by the peer nor full of input that nobody asked for.
    bool alive() const;
    std::chrono::steady_clock::time_point idle_since() const { return idle_since_; }
    const std::shared_ptr<Stream>& stream() { return stream_; }

    /// One request and its response. Empty if the connection had been closed by the peer before a
    /// byte of the response came. Throws ClientError.
    asio::awaitable<std::optional<ClientResponse>> exchange(std::shared_ptr<ClientRequest> request);

    /// After the last byte of a response: back to the pool, or closed.
    void release();
    void abort();

private:
    asio::awaitable<std::vector<asio::ip::tcp::endpoint>> resolve();
    asio::awaitable<void> handshake();
    asio::awaitable<error_code> write_request(std::shared_ptr<ClientRequest> request);
    asio::awaitable<Channel::HeadResult> read_response_head(MessageHead& head,
                                                            const ClientRequest& request);
    asio::awaitable<ClientResponse> receive(MessageHead head, std::shared_ptr<ClientRequest>);
    std::string where() const;

    std::shared_ptr<ClientShared> client_;
    asio::any_io_executor executor_;
    std::shared_ptr<Stream> stream_;
    std::shared_ptr<Channel> channel_;
    bool reusable_ = false;
    std::chrono::steady_clock::time_point idle_since_{};
};

/// ClientError for what a body reader threw.
ClientError to_client_error(const BodyError& error);

}  // namespace drover::http
