#pragma once

#include "http/message.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace drover::http {

/// How a server proves who it is.
struct Verification {
    enum class Mode {
        system,      ///< a chain to the system's authorities, and the host's name
        thumbprint,  ///< exactly this certificate
        insecure,    ///< anyone
    };
    Mode mode = Mode::system;
    /// SHA-1 or SHA-256 of the certificate in hex, with or without colons. Mode::thumbprint only.
    std::string thumbprint;

    static Verification pinned(std::string thumbprint) {
        return {Mode::thumbprint, std::move(thumbprint)};
    }
    static Verification insecure() { return {Mode::insecure, {}}; }
};

struct ClientOptions {
    Verification verification;
    std::chrono::milliseconds connect_timeout{10'000};    ///< name, TCP and TLS, each
    std::chrono::milliseconds response_timeout{120'000};  ///< until the response's header
    std::chrono::milliseconds progress_timeout{60'000};   ///< for each next piece of a body
    std::uint64_t body_limit_bytes = 256ull << 20;        ///< of bodies that are read as a whole
    std::size_t idle_connections = 8;                     ///< kept open for the next request
    /// A TLS session that an earlier process kept (see Client::tls_session); makes the handshake
    /// cheap. Useless or broken ones are ignored.
    std::string tls_session;
};

struct ClientRequest {
    std::string method = "GET";
    std::string target = "/";  ///< encoded path and query
    Headers headers;           ///< Host, Content-Length and Accept-Encoding are set for you
    std::string body;
    /// If set, the body in pieces, instead of `body`. Such a request is never sent twice.
    std::optional<StreamBody> stream;
    /// Leaves the body to ClientResponse::body_reader.
    bool stream_response = false;
    /// Instead of the client's; long polls need more.
    std::optional<std::chrono::milliseconds> response_timeout;
};

struct ClientResponse {
    int status = 0;
    Headers headers;
    std::string body;  ///< decompressed
    std::shared_ptr<BodyReader> body_reader;
};

/// A request that got no answer.
class ClientError : public std::runtime_error {
public:
    enum class Kind { connect, tls, timeout, protocol, closed, too_large };
    ClientError(Kind kind, const std::string& what) : std::runtime_error(what), kind_(kind) {}
    Kind kind() const { return kind_; }

private:
    Kind kind_;
};

/// The server's certificate was refused. Nothing of the request has been sent.
class CertificateError : public ClientError {
public:
    CertificateError(const std::string& what, std::string sha1, std::string sha256)
        : ClientError(Kind::tls, what), sha1_(std::move(sha1)), sha256_(std::move(sha256)) {}
    const std::string& thumbprint_sha1() const { return sha1_; }
    const std::string& thumbprint_sha256() const { return sha256_; }

private:
    std::string sha1_;
    std::string sha256_;
};

/// An HTTP client for one server. Connections are kept and used again; several requests may be
/// under way at once, each on a connection of its own. Any thread may call; the coroutines resume
/// on the caller's executor. A request whose kept connection turned out to be dead is sent once
/// more if that can do no harm: its method is idempotent and not one byte of an answer came.
///
/// Cookies and redirects are the caller's business.
class Client {
public:
    Client(boost::asio::any_io_executor executor, Url server, ClientOptions options);
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;

    /// Throws ClientError; a status of 4xx or 5xx is an answer, not an error.
    boost::asio::awaitable<ClientResponse> send(ClientRequest request);

    /// Opens a WebSocket on a connection of its own. Throws ClientError. Use it on the executor
    /// that the calling coroutine runs on, which must be a strand if it has several threads.
    boost::asio::awaitable<std::shared_ptr<WebSocket>> open_websocket(
        std::string target, std::vector<std::string> subprotocols, Headers headers);

    /// The newest TLS session the server gave us, for ClientOptions of a later process; secret like
    /// a password. Empty if there is none.
    std::string tls_session() const;

    /// Closes the idle connections.
    void close();

private:
    struct Shared;
    friend struct ClientAccess;
    std::shared_ptr<Shared> shared_;
};

/// The same for code without coroutines, such as commands. One thread at a time.
class SyncClient {
public:
    SyncClient(Url server, ClientOptions options);
    ~SyncClient();
    SyncClient(SyncClient&&) noexcept;

    /// Blocks. The response's body_reader is not available here. Throws ClientError.
    ClientResponse send(ClientRequest request);
    /// Hands the body over in pieces; `sink` may throw to end the transfer.
    ClientResponse send(ClientRequest request, std::function<void(std::string_view)> sink);
    std::string tls_session() const;

private:
    struct Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace drover::http
