#include "rootd/server.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <system_error>
#include <thread>

#include "base/file.hpp"
#include "base/log.hpp"
#include "rootd/dispatch.hpp"

namespace drover::rootd {
namespace {

constexpr std::size_t kMaxConnections = 32;
// A peer that doesn't take its answer is cut off after this.
constexpr timeval kSendLimit{.tv_sec = 5, .tv_usec = 0};

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail(path.string());
    }
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    return address;
}

base::FileDescriptor new_socket() {
    base::FileDescriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) fail("socket");
    return socket;
}

// Only a socket that nobody answers at is removed; any other file there is a mistake to report.
void remove_stale(const std::filesystem::path& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return;
    if (!S_ISSOCK(status.st_mode)) {
        throw std::runtime_error(path.string() + " exists and is no socket");
    }
    const auto probe = new_socket();
    const auto address = address_of(path);
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        throw std::runtime_error("another server listens at " + path.string());
    }
    if (errno == ECONNREFUSED) ::unlink(path.c_str());
}

base::FileDescriptor listen_at(const std::filesystem::path& path, gid_t group) {
    remove_stale(path);
    auto socket = new_socket();
    const auto address = address_of(path);
    // Nobody gets in between bind and chmod.
    const mode_t previous = ::umask(0177);
    const int bound =
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(previous);
    if (bound != 0) fail(path.string());
    if (::chown(path.c_str(), static_cast<uid_t>(-1), group) != 0) fail(path.string());
    if (::chmod(path.c_str(), 0660) != 0) fail(path.string());
    if (::listen(socket.get(), 16) != 0) fail(path.string());
    return socket;
}

Peer peer_of(const base::FileDescriptor& connection) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        fail("SO_PEERCRED");
    }
    return {.pid = credentials.pid, .uid = credentials.uid};
}

bool send_answer(const base::FileDescriptor& connection, const std::string& text) {
    ssize_t sent = -1;
    do {
        sent = ::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == static_cast<ssize_t>(text.size());
}

// What the peer has sent must be read, or it would find a reset connection instead of the reason.
void turn_away(const base::FileDescriptor& connection, const std::string& text) {
    ::shutdown(connection.get(), SHUT_RD);
    char ignored = 0;
    while (::recv(connection.get(), &ignored, sizeof ignored, MSG_DONTWAIT) > 0) {
    }
    send_answer(connection, text);
}

}  // namespace

class Server::State {
public:
    State(const std::filesystem::path& path, Policy its_policy, std::string its_version)
        : path_(path),
          policy_(std::move(its_policy)),
          version_(std::move(its_version)),
          wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (!wake_) fail("eventfd");
        listener_ = listen_at(path, policy_.peer_gid);
    }

    ~State() {
        for (Connection& connection : connections_) {
            ::shutdown(connection.socket.get(), SHUT_RDWR);
        }
        for (Connection& connection : connections_) connection.thread.join();
        if (listener_) ::unlink(path_.c_str());
    }

    void run() {
        while (true) {
            std::array<pollfd, 2> polled{pollfd{wake_.get(), POLLIN, 0},
                                         pollfd{listener_.get(), POLLIN, 0}};
            if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) fail("poll");
            if (polled[0].revents != 0) return;
            if (polled[1].revents != 0) accept_one();
        }
    }

    void stop() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
    }

private:
    struct Connection {
        base::FileDescriptor socket;
        std::thread thread;
        std::atomic<bool> finished = false;
    };

    void accept_one() {
        base::FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) {
            base::log_warning("can't accept a connection: {}", std::strerror(errno));
            // Out of descriptors, say: the listener stays readable, so don't spin.
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return;
        }
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendLimit, sizeof kSendLimit);
        const Peer peer = peer_of(socket);
        if (peer.uid != 0 && peer.uid != policy_.peer_uid) {
            turn_away(socket, refusal(peer, "this user may not use the helper"));
            return;
        }
        forget_finished();
        if (connections_.size() >= kMaxConnections) {
            turn_away(socket, refusal(peer, "too many connections"));
            return;
        }
        start(std::move(socket), peer);
    }

    void start(base::FileDescriptor socket, const Peer& peer) {
        Connection& connection = connections_.emplace_back();
        connection.socket = std::move(socket);
        try {
            connection.thread = std::thread([this, &connection, peer] {
                serve(connection.socket, peer);
                ::shutdown(connection.socket.get(), SHUT_RDWR);
                connection.finished = true;
            });
        } catch (const std::system_error& error) {
            base::log_warning("can't serve a connection: {}", error.what());
            connections_.pop_back();
        }
    }

    void forget_finished() {
        connections_.remove_if([](Connection& connection) {
            if (connection.finished) connection.thread.join();
            return !connection.thread.joinable();
        });
    }

    void serve(const base::FileDescriptor& socket, const Peer& peer) {
        std::string buffer(kMaxMessageBytes, '\0');
        while (true) {
            // MSG_TRUNC: the true size, also of a message that is longer than the buffer.
            const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_TRUNC);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return;
            const auto size = static_cast<std::size_t>(got);
            const std::string text =
                size > buffer.size()
                    ? refusal(peer, fmt::format("message is longer than {} bytes", buffer.size()))
                    : answer(policy_, version_, peer, std::string_view(buffer).substr(0, size));
            if (!send_answer(socket, text)) return;
        }
    }

    const std::filesystem::path path_;
    const Policy policy_;
    const std::string version_;
    base::FileDescriptor wake_;
    base::FileDescriptor listener_;
    std::list<Connection> connections_;  // only run()'s thread adds and removes
};

Server::Server(const std::filesystem::path& socket, Policy policy, std::string version)
    : state_(std::make_unique<State>(socket, std::move(policy), std::move(version))) {}

Server::~Server() = default;

void Server::run() {
    state_->run();
}

void Server::stop() {
    state_->stop();
}

}  // namespace drover::rootd
