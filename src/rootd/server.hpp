#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "rootd/operations.hpp"

namespace drover::rootd {

/// Serves the operations on a UNIX socket (SOCK_SEQPACKET; owned by the peer user's group, mode
/// 0660), to root and the peer user only, as the kernel names them. One thread per connection, so
/// that an operation on a hanging file system holds up nobody else; at most 32 connections.
class Server {
public:
    /// Binds the socket. A socket file that nobody serves any more is replaced. Throws
    /// std::system_error, and std::runtime_error if another server is there.
    Server(const std::filesystem::path& socket, Policy policy, std::string version);
    /// Stops, waits for operations under way and removes the socket file.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Serves until stop(). One thread.
    void run();
    /// Makes run() return soon. From any thread or a signal handler.
    void stop();

private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace drover::rootd
