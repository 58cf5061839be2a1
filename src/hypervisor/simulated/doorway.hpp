#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "base/file.hpp"
#include "hypervisor/simulated/line_socket.hpp"

namespace drover::hypervisor::simulated {

/// Where domains arrive: a Unix socket, with a thread for it and one for each connection (at most
/// 16, the rest is closed at once).
class Doorway {
public:
    using Receive = std::function<void(LineSocket&)>;

    /// Throws std::runtime_error if it can't listen there. What is at the path is replaced.
    Doorway(std::filesystem::path path, Receive receive);
    /// Ends the connections and waits for `receive` to return.
    ~Doorway();
    Doorway(const Doorway&) = delete;
    Doorway& operator=(const Doorway&) = delete;

private:
    struct Visit {
        LineSocket socket;
        std::thread thread{};
        bool over = false;
    };

    void accept_all();
    void sweep();

    const std::filesystem::path path_;
    const Receive receive_;
    base::FileDescriptor listener_;
    std::mutex mutex_;
    std::list<Visit> visits_;
    std::thread thread_;
};

}  // namespace drover::hypervisor::simulated
