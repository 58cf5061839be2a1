#pragma once

#include "http/message.hpp"
#include "http/tls_identity.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace drover::http {

/// What one client, or all of them, may use. Times are per step: they bound silence, not transfers.
struct Limits {
    std::chrono::milliseconds handshake_timeout{10'000};
    std::chrono::milliseconds header_timeout{10'000};  ///< from a request's first byte to its last
    std::chrono::milliseconds idle_timeout{120'000};   ///< between requests
    std::chrono::milliseconds body_timeout{30'000};    ///< for each next piece of a body
    std::chrono::milliseconds write_timeout{30'000};   ///< for each next piece of a response
    std::size_t header_bytes = 16 * 1024;              ///< 1 KiB to 1 MiB
    std::size_t header_fields = 100;
    std::size_t connections = 4096;
    std::size_t connections_per_address = 512;
};

enum class Transport { tls, plain };

using Handler = std::function<boost::asio::awaitable<Response>(Request)>;

struct ServerOptions {
    Limits limits;
    /// Needed for Transport::tls.
    std::optional<TlsIdentity> identity;
    /// Called on the connection's strand with a request whose body is not there yet. Default:
    /// BodyPolicy{} for all.
    std::function<BodyPolicy(const Request&)> body_policy;
};

struct ServerStatistics {
    std::uint64_t connections_open = 0;
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;  ///< over a limit
    std::uint64_t requests = 0;
    std::uint64_t tls_handshakes = 0;
    std::uint64_t tls_resumed = 0;
};

/// An HTTP/1.1 server. Each connection is a coroutine on a strand of its own over the executor,
/// which may be run by many threads; the handler runs on that strand, one request of a connection
/// after the other. All members may be called from any thread.
///
/// An exception of the handler is logged and becomes a 500. What runs on the executor keeps what it
/// needs alive, so the server may be destroyed while connections finish; `stop` first is kinder.
class Server {
public:
    /// Throws std::runtime_error if the identity can't be used.
    Server(boost::asio::any_io_executor executor, ServerOptions options, Handler handler);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Listens on a numeric address ("0.0.0.0", "::1"); port 0 takes any free one. Returns the
    /// port. Connections are accepted from now on. Throws std::system_error naming the address.
    std::uint16_t bind(const std::string& address, std::uint16_t port,
                       Transport transport = Transport::tls);
    /// Takes over a listening TCP socket, e.g. from systemd, and owns it. Returns its port.
    std::uint16_t adopt(base::FileDescriptor socket, Transport transport = Transport::tls);

    /// New connections get this certificate. Throws as the constructor.
    void set_identity(const TlsIdentity& identity);

    /// Listens no more, closes idle connections, tells handlers (Peer::on_gone), waits until the
    /// rest have ended, and cuts off at `grace` what has not. The second call waits too.
    boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);

    ServerStatistics statistics() const;

private:
    struct Shared;
    friend struct ServerAccess;
    std::shared_ptr<Shared> shared_;
};

/// A listening socket that the service manager opened for us.
struct InheritedSocket {
    base::FileDescriptor socket;
    std::string name;  ///< from LISTEN_FDNAMES; may be empty
};

/// Takes the sockets that systemd passed (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES) and removes these
/// variables, so that children don't take them again. Empty if there are none, or they are meant
/// for another process. Call once, before threads start.
std::vector<InheritedSocket> take_inherited_sockets();

/// Raises this process's limit of open files as far as it may and a busy server needs (65,536); the
/// usual 1024 is there for programs that use select(). What can't be had is left out.
void allow_many_connections();

}  // namespace drover::http
