#pragma once

#include <atomic>
#include <filesystem>
#include <list>
#include <mutex>
#include <thread>

namespace drover::hypervisor::testing {

/// A Unix socket whose connections go on to another one, until `cut`. Blocking, one thread for each
/// direction.
class SocketRelay {
public:
    SocketRelay(std::filesystem::path from, std::filesystem::path to);
    ~SocketRelay();
    SocketRelay(const SocketRelay&) = delete;
    SocketRelay& operator=(const SocketRelay&) = delete;

    /// Ends all connections and takes no more.
    void cut();
    int connections() const { return connections_; }

private:
    void accept_all();
    void join(int near);

    std::filesystem::path from_;
    std::filesystem::path to_;
    int listener_ = -1;
    std::atomic<int> connections_ = 0;
    std::mutex mutex_{};
    std::list<int> open_{};
    std::list<std::thread> pumps_{};
    std::thread acceptor_{};
};

}  // namespace drover::hypervisor::testing
