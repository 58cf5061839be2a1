#pragma once

// The way by which the engine of one host reaches the engine of another: libvirtd here speaks to a
// Unix socket of this daemon, which carries the bytes in a WebSocket over HTTPS to the other host's
// daemon, which speaks to its own libvirtd. So no libvirtd listens on the network, and the way is
// open for no longer than a migration needs it.

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "http/message.hpp"
#include "task/runtime.hpp"

namespace drover::host {

/// The near end, for one migration. Any thread; ends all its connections when destroyed.
class PeerRelay {
public:
    struct Target {
        std::string url;         ///< of the other host; only scheme, host and port matter
        std::string thumbprint;  ///< of its certificate; nothing else is believed
        std::string ticket;      ///< what PeerEndpoint's `admits` is asked about
    };
    static constexpr int most_connections = 4;

    /// Listens on a new socket in `directory`, which must be closed to others. Only root and this
    /// process's own user are served. Connections are opened to the target one by one as they come
    /// in; if that fails, the local one is closed, and the reason logged. Throws
    /// std::runtime_error: no URL, no thumbprint, a path that is too long for a socket.
    PeerRelay(boost::asio::any_io_executor executor, const std::filesystem::path& directory,
              Target target);
    ~PeerRelay();
    PeerRelay(const PeerRelay&) = delete;
    PeerRelay& operator=(const PeerRelay&) = delete;

    const std::string& socket() const { return socket_; }
    /// Why the last connection could not be opened; empty if it could.
    std::string error() const;

    /// Removes the sockets of an earlier life.
    static void clear(const std::filesystem::path& directory);

private:
    struct State;

    std::string socket_;
    std::shared_ptr<State> state_;
};

/// The far end: GET /drover/peer with the ticket in the Authorization header, as a WebSocket.
class PeerEndpoint {
public:
    static constexpr std::string_view path = "/drover/peer";
    static constexpr std::size_t most_sessions = 16;
    static constexpr std::size_t most_sessions_of_ticket = 4;

    /// `admits` is asked on the strand for each connection. `engine_socket` is where an engine
    /// takes what others send it (Hypervisor::migration_socket); empty: nobody is admitted.
    PeerEndpoint(boost::asio::any_io_executor strand, std::string engine_socket,
                 std::function<bool(const std::string& ticket)> admits);
    ~PeerEndpoint();

    static bool serves(std::string_view requested) { return requested == path; }
    task::Awaitable<http::Response> handle(http::Request request);
    /// Ends what has come in with this ticket. On the strand.
    void close(const std::string& ticket);

private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace drover::host
