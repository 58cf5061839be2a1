#include "had/agent/host_link.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "base/log.hpp"

namespace drover::had {

namespace {

// A host agent that does not read is not there.
constexpr std::size_t kMostUnsent = 1 << 20;

}  // namespace

HostLink::HostLink(const std::filesystem::path& path, uid_t user,
                   std::function<void(const HostMessage&)> on_message,
                   std::function<void(bool)> on_connected)
    : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
      user_(user),
      on_message_(std::move(on_message)),
      on_connected_(std::move(on_connected)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof(address.sun_path)) throw std::runtime_error(text + ": is too long");
    std::memcpy(address.sun_path, text.data(), text.size());
    ::unlink(text.c_str());
    const auto* at = reinterpret_cast<const sockaddr*>(&address);
    if (!listener_ || ::bind(listener_.get(), at, sizeof(address)) != 0 ||
        ::chmod(text.c_str(), 0600) != 0 || ::listen(listener_.get(), 4) != 0) {
        throw std::system_error(errno, std::generic_category(), "listen at " + text);
    }
}

void HostLink::add_to(std::vector<pollfd>& descriptors) const {
    descriptors.push_back({listener_.get(), POLLIN, 0});
    if (!peer_) return;
    const auto wanted = static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT);
    descriptors.push_back({peer_.get(), wanted, 0});
}

void HostLink::accept() {
    base::FileDescriptor peer(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!peer) return;
    ucred who{};
    socklen_t length = sizeof(who);
    const bool is_known = ::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 &&
                          (who.uid == 0 || who.uid == user_);
    if (!is_known) {
        base::log_warning("user {} may not speak for the host", who.uid);
        return;
    }
    close();
    peer_ = std::move(peer);
    on_connected_(true);
}

void HostLink::close() {
    if (!peer_) return;
    peer_.reset();
    in_.clear();
    out_.clear();
    on_connected_(false);
}

void HostLink::send(std::string_view json) {
    if (!peer_) return;
    out_.append(json);
    out_ += '\n';
    flush();
}

void HostLink::flush() {
    while (!out_.empty()) {
        const ssize_t sent = ::send(peer_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN && out_.size() < kMostUnsent) return;
        if (sent <= 0) {
            ::shutdown(peer_.get(), SHUT_RDWR);  // the next pump() closes it
            out_.clear();
            return;
        }
        out_.erase(0, static_cast<std::size_t>(sent));
    }
}

void HostLink::pump() {
    accept();
    if (peer_) flush();
    while (peer_) {
        char buffer[4096];
        const ssize_t got = ::recv(peer_.get(), buffer, sizeof(buffer), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0 || in_.size() > kLongestMessage) {
            close();
            return;
        }
        in_.append(buffer, static_cast<std::size_t>(got));
        for (auto end = in_.find('\n'); end != std::string::npos; end = in_.find('\n')) {
            const std::string line = in_.substr(0, end);
            in_.erase(0, end + 1);
            if (const auto message = parse_message(line)) {
                on_message_(*message);
            } else {
                base::log_warning("the host agent said what is no message");
            }
        }
    }
}

}  // namespace drover::had
