#include "hypervisor/simulated/line_socket.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "hypervisor/hypervisor_error.hpp"

namespace drover::hypervisor::simulated {
namespace {

constexpr std::size_t most_bytes = 1 << 20;

using std::chrono::milliseconds;
using std::chrono::steady_clock;

}  // namespace

LineSocket LineSocket::connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    base::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (path.size() >= sizeof address.sun_path)
        throw HypervisorError(ErrorKind::peer_unreachable, path + ": too long for a socket");
    path.copy(address.sun_path, path.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw HypervisorError(ErrorKind::peer_unreachable,
                              fmt::format("{}: {}", path, std::strerror(errno)));
    return LineSocket(std::move(socket));
}

std::optional<std::string> LineSocket::read(milliseconds limit) {
    const auto deadline = steady_clock::now() + limit;
    while (true) {
        if (const auto end = buffer_.find('\n'); end != std::string::npos) {
            auto line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return line;
        }
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
        pollfd wait{socket_.get(), POLLIN, 0};
        if (left <= 0 || buffer_.size() > most_bytes) return std::nullopt;
        if (::poll(&wait, 1, static_cast<int>(left)) <= 0) return std::nullopt;
        std::array<char, 4096> piece{};
        const auto size = ::recv(socket_.get(), piece.data(), piece.size(), 0);
        if (size <= 0) return std::nullopt;
        buffer_.append(piece.data(), static_cast<std::size_t>(size));
    }
}

bool LineSocket::is_over() const {
    char next = 0;
    const auto size = ::recv(socket_.get(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    return size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
}

bool LineSocket::write(std::string_view line) {
    std::string text(line);
    text += '\n';
    std::size_t sent = 0;
    while (sent < text.size()) {
        const auto size =
            ::send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) return false;
        sent += static_cast<std::size_t>(size);
    }
    return true;
}

void LineSocket::shut_down() {
    ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace drover::hypervisor::simulated
