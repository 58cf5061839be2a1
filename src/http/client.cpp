#include "http/client.hpp"

#include "http/client_connection.hpp"
#include "http/tls_context.hpp"
#include "http/websocket_stream.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>

namespace drover::http {
namespace {

constexpr auto idle_limit = std::chrono::seconds(60);  // servers close theirs later
constexpr std::uint64_t websocket_message_limit_bytes = 16u << 20;

int owner_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

// OpenSSL calls this with each session that the server grants; returning 1 keeps the reference.
int keep_session(SSL* tls, SSL_SESSION* session) {
    auto* client =
        static_cast<ClientShared*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(tls), owner_index()));
    const std::lock_guard lock(client->mutex);
    SSL_SESSION_free(client->session);
    client->session = session;
    return 1;
}

bool is_idempotent(std::string_view method) {
    constexpr std::array names{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};
    return std::ranges::find(names, method) != names.end();
}

asio::awaitable<std::optional<ClientResponse>> exchange_on_strand(
    std::shared_ptr<ClientConnection> connection, std::shared_ptr<ClientRequest> request) {
    if (!connection->connected()) co_await connection->connect();
    co_return co_await connection->exchange(std::move(request));
}

}  // namespace

Client::Shared::Shared(asio::any_io_executor executor_, Url server_, ClientOptions options_)
    : executor(std::move(executor_)), server(std::move(server_)), options(std::move(options_)) {
    if (!server.tls) return;
    context = make_client_context(options.verification);
    SSL_CTX_set_ex_data(context->native_handle(), owner_index(), this);
    SSL_CTX_sess_set_new_cb(context->native_handle(), keep_session);
    session = parse_session(options.tls_session);
}

Client::Shared::~Shared() {
    SSL_SESSION_free(session);
}

std::shared_ptr<ClientConnection> Client::Shared::take_idle() {
    const auto oldest = std::chrono::steady_clock::now() - idle_limit;
    for (;;) {
        std::shared_ptr<ClientConnection> connection;
        {
            const std::lock_guard lock(mutex);
            if (idle.empty()) return nullptr;
            connection = std::move(idle.back());
            idle.pop_back();
        }
        if (connection->idle_since() > oldest && connection->alive()) return connection;
        asio::post(connection->executor(), [connection] { connection->abort(); });
    }
}

void Client::Shared::keep(std::shared_ptr<ClientConnection> connection) {
    {
        const std::lock_guard lock(mutex);
        if (!closed && idle.size() < options.idle_connections) {
            idle.push_back(std::move(connection));
            return;
        }
    }
    connection->abort();
}

Client::Client(asio::any_io_executor executor, Url server, ClientOptions options)
    : shared_(
          std::make_shared<Shared>(std::move(executor), std::move(server), std::move(options))) {}

Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Client::~Client() {
    if (!shared_) return;
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->closed = true;
    }
    close();
}

void Client::close() {
    std::vector<std::shared_ptr<ClientConnection>> idle;
    {
        const std::lock_guard lock(shared_->mutex);
        idle.swap(shared_->idle);
    }
    for (const auto& connection : idle)
        asio::post(connection->executor(), [connection] { connection->abort(); });
}

std::string Client::tls_session() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->session ? serialize_session(shared_->session) : std::string();
}

asio::awaitable<ClientResponse> Client::send(ClientRequest request) {
    const auto shared = shared_;
    const bool repeatable = is_idempotent(request.method) && !request.stream;
    const auto own = std::make_shared<ClientRequest>(std::move(request));
    const auto response_timeout = own->response_timeout;
    auto connection = shared->take_idle();
    for (bool retried = false;; retried = true) {
        const bool kept = connection != nullptr;
        if (!kept) connection = std::make_shared<ClientConnection>(shared);
        auto response = co_await asio::co_spawn(
            connection->executor(), exchange_on_strand(connection, own), asio::use_awaitable);
        if (response) co_return std::move(*response);
        if (retried || !kept || !repeatable)
            throw ClientError(ClientError::Kind::closed, fmt::format("{} hung up without an answer",
                                                                     shared->server.authority()));
        own->response_timeout = response_timeout;
        connection = nullptr;  // the second time on a fresh one
    }
}

asio::awaitable<std::shared_ptr<WebSocket>> Client::open_websocket(
    std::string target, std::vector<std::string> subprotocols, Headers headers) {
    const auto shared = shared_;
    auto connection =
        std::make_shared<ClientConnection>(shared, co_await asio::this_coro::executor);
    co_await connection->connect();
    co_return co_await connect_websocket(connection->stream(), shared->server.authority(),
                                         std::move(target), std::move(subprotocols),
                                         std::move(headers), websocket_message_limit_bytes);
}

}  // namespace drover::http
