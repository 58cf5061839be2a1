#include "rootd/client.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <mutex>

#include "base/file.hpp"
#include "rootd/request.hpp"

namespace drover::rootd {

using SteadyClock = std::chrono::steady_clock;

class Client::Connection {
public:
    Connection(std::filesystem::path path, std::chrono::milliseconds limit)
        : path_(std::move(path)), limit_(limit) {}

    Message ask(const Request& request) {
        const std::lock_guard lock(mutex_);
        const std::string text = format_message(to_message(request));
        if (text.size() > kMaxMessageBytes) throw OperationFailed(true, "request is too long");
        const auto deadline = SteadyClock::now() + limit_;
        // The helper may have been started anew since the last call: then one broken try is normal.
        const bool was_open = static_cast<bool>(socket_);
        auto reply = try_once(text, deadline);
        if (!reply && was_open) reply = try_once(text, deadline);
        if (!reply) throw unreachable("the connection broke");
        return checked(*reply);
    }

private:
    Unreachable unreachable(std::string_view reason) const {
        return Unreachable(fmt::format("root helper at {}: {}", path_.string(), reason));
    }

    // Empty if the connection broke. The socket is closed whenever an answer might still come:
    // it must not be taken for the answer to a later request.
    std::optional<std::string> try_once(const std::string& text, SteadyClock::time_point deadline) {
        if (!socket_) connect();
        if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) {
            // A peer that was refused finds the reason waiting, although it can't send any more.
            if (errno != EPIPE) {
                socket_.reset();
                return std::nullopt;
            }
        }
        if (!wait_readable(deadline)) {
            socket_.reset();
            throw unreachable("no answer in time");
        }
        std::string reply(kMaxMessageBytes, '\0');
        const ssize_t got = ::recv(socket_.get(), reply.data(), reply.size(), 0);
        if (got <= 0) {
            socket_.reset();
            return std::nullopt;
        }
        reply.resize(static_cast<std::size_t>(got));
        return reply;
    }

    void connect() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path_.native().size() >= sizeof address.sun_path) {
            throw unreachable("the path is too long for a socket");
        }
        std::memcpy(address.sun_path, path_.c_str(), path_.native().size());
        base::FileDescriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        // Bounds connect() and send(), should the helper not accept or not read.
        const timeval limit{.tv_sec = limit_.count() / 1000,
                            .tv_usec = limit_.count() % 1000 * 1000};
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                                 sizeof address) != 0) {
            throw unreachable(std::generic_category().message(errno));
        }
        socket_ = std::move(socket);
    }

    bool wait_readable(SteadyClock::time_point deadline) const {
        while (true) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
            if (left.count() <= 0) return false;
            pollfd polled{socket_.get(), POLLIN, 0};
            const int ready = ::poll(&polled, 1, static_cast<int>(left.count()));
            if (ready > 0) return true;
            if (ready < 0 && errno != EINTR) return false;
        }
    }

    Message checked(const std::string& reply) const {
        auto message = parse_message(reply);
        if (!message) throw unreachable("the answer makes no sense: " + message.error());
        const std::string& status = (*message)["status"];
        if (status == "done") return *std::move(message);
        throw OperationFailed(status == "refused", (*message)["reason"]);
    }

    const std::filesystem::path path_;
    const std::chrono::milliseconds limit_;
    std::mutex mutex_;
    base::FileDescriptor socket_;
};

Client::Client(std::filesystem::path socket, std::chrono::milliseconds deadline)
    : connection_(std::make_unique<Connection>(std::move(socket), deadline)) {}

Client::~Client() = default;

void Client::prepare_datastore(const std::filesystem::path& path, const std::string& group) {
    connection_->ask(PrepareDatastore{path, group});
}

void Client::reclaim(const std::filesystem::path& path) {
    connection_->ask(Reclaim{path});
}

void Client::ensure_bridge(const std::string& name, const std::optional<std::string>& uplink) {
    connection_->ask(EnsureBridge{name, uplink});
}

void Client::remove_bridge(const std::string& name) {
    connection_->ask(RemoveBridge{name});
}

SystemIdentity Client::system_identity() {
    Message reply = connection_->ask(SystemIdentityRequest{});
    return {.uuid = reply["uuid"],
            .serial = reply["serial"],
            .vendor = reply["vendor"],
            .model = reply["model"],
            .bios_version = reply["bios_version"],
            .bios_date = reply["bios_date"]};
}

std::map<std::string, ServiceState> Client::services() {
    std::map<std::string, ServiceState> services;
    for (const auto& [unit, state] : connection_->ask(ListServices{})) {
        if (unit == "status") continue;
        services[unit] = {state.starts_with("active"), state.ends_with(" enabled")};
    }
    return services;
}

void Client::control_service(const std::string& unit, const std::string& action) {
    connection_->ask(ControlService{unit, action});
}

void Client::set_time_zone(const std::string& zone) {
    connection_->ask(SetTimeZone{zone});
}

void Client::set_clock(std::int64_t since_1970_us) {
    connection_->ask(SetClock{since_1970_us});
}

void Client::set_time_servers(const std::vector<std::string>& servers) {
    connection_->ask(SetTimeServers{servers});
}

void Client::power_computer(const std::string& action) {
    connection_->ask(PowerComputer{action});
}

bool Client::controls_system() {
    return connection_->ask(VersionRequest{})["controls_system"] == "yes";
}

std::string Client::bridge_prefix() {
    return connection_->ask(VersionRequest{})["bridge_prefix"];
}

std::string Client::version() {
    return connection_->ask(VersionRequest{})["version"];
}

}  // namespace drover::rootd
