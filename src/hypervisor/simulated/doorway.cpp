#include "hypervisor/simulated/doorway.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/log.hpp"

namespace drover::hypervisor::simulated {
namespace {

constexpr std::size_t most_visits = 16;

}  // namespace

Doorway::Doorway(std::filesystem::path path, Receive receive)
    : path_(std::move(path)),
      receive_(std::move(receive)),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.native().size() >= sizeof address.sun_path)
        throw std::runtime_error(fmt::format("{}: too long for a socket", path_.string()));
    path_.native().copy(address.sun_path, path_.native().size());
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    const auto* name = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listener_.get(), name, sizeof address) != 0 || ::chmod(path_.c_str(), 0600) != 0 ||
        ::listen(listener_.get(), most_visits) != 0)
        throw std::runtime_error(fmt::format("{}: {}", path_.string(), std::strerror(errno)));
    thread_ = std::thread([this] { accept_all(); });
}

Doorway::~Doorway() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    {
        const std::lock_guard lock(mutex_);
        for (auto& visit : visits_) visit.socket.shut_down();
    }
    // Nobody adds any more, and each thread only marks its own.
    for (auto& visit : visits_) visit.thread.join();
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

void Doorway::accept_all() {
    while (true) {
        base::FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) return;
        sweep();
        const std::lock_guard lock(mutex_);
        if (visits_.size() >= most_visits) continue;
        auto& visit = visits_.emplace_back(LineSocket(std::move(socket)));
        visit.thread = std::thread([this, &visit] {
            try {
                receive_(visit.socket);
            } catch (const std::exception& error) {
                base::log_warning("simulated migration: {}", error.what());
            }
            visit.socket.shut_down();
            const std::lock_guard inner(mutex_);
            visit.over = true;
        });
    }
}

void Doorway::sweep() {
    std::list<Visit> finished;
    {
        const std::lock_guard lock(mutex_);
        for (auto at = visits_.begin(); at != visits_.end();) {
            const auto next = std::next(at);
            if (at->over) finished.splice(finished.end(), visits_, at);
            at = next;
        }
    }
    for (auto& visit : finished) visit.thread.join();
}

}  // namespace drover::hypervisor::simulated
