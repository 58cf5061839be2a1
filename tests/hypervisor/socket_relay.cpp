#include "socket_relay.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace drover::hypervisor::testing {
namespace {

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path) throw std::runtime_error("long path");
    std::strcpy(address.sun_path, path.c_str());
    return address;
}

void pump(int from, int to) {
    std::array<char, 65536> piece{};
    while (true) {
        const auto size = ::recv(from, piece.data(), piece.size(), 0);
        if (size <= 0) break;
        ssize_t sent = 0;
        while (sent < size) {
            const auto more = ::send(to, piece.data() + sent, static_cast<std::size_t>(size - sent),
                                     MSG_NOSIGNAL);
            if (more <= 0) break;
            sent += more;
        }
        if (sent < size) break;
    }
    ::shutdown(from, SHUT_RDWR);
    ::shutdown(to, SHUT_RDWR);
}

}  // namespace

SocketRelay::SocketRelay(std::filesystem::path from, std::filesystem::path to)
    : from_(std::move(from)), to_(std::move(to)) {
    std::filesystem::remove(from_);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of(from_);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 8) != 0)
        throw std::runtime_error("can't listen at " + from_.string());
    acceptor_ = std::thread([this] { accept_all(); });
}

SocketRelay::~SocketRelay() {
    cut();
    for (auto& thread : pumps_) thread.join();
    for (const int one : open_) ::close(one);
    ::close(listener_);
    std::filesystem::remove(from_);
}

void SocketRelay::cut() {
    ::shutdown(listener_, SHUT_RDWR);
    if (acceptor_.joinable()) acceptor_.join();
    const std::lock_guard lock(mutex_);
    for (const int one : open_) ::shutdown(one, SHUT_RDWR);
}

void SocketRelay::accept_all() {
    while (true) {
        const int near = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (near < 0) return;
        join(near);
    }
}

void SocketRelay::join(int near) {
    const int far = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = address_of(to_);
    const std::lock_guard lock(mutex_);
    open_.push_back(near);
    open_.push_back(far);
    if (::connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::shutdown(near, SHUT_RDWR);
        return;
    }
    ++connections_;
    pumps_.emplace_back(pump, near, far);
    pumps_.emplace_back(pump, far, near);
}

}  // namespace drover::hypervisor::testing
