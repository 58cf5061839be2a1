#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace drover::hypervisor::simulated {

/// A connected Unix socket that carries lines of up to 1 MiB. Blocking. One thread reads and
/// writes; any may shut it down.
class LineSocket {
public:
    explicit LineSocket(base::FileDescriptor socket) : socket_(std::move(socket)) {}
    /// Throws HypervisorError(peer_unreachable).
    static LineSocket connect(const std::string& path);

    /// Without the line's end; nothing at the end of the stream, on an error, on a line that is too
    /// long, or after `limit`.
    std::optional<std::string> read(std::chrono::milliseconds limit);
    /// Whether the other side has gone; looks without reading.
    bool is_over() const;
    bool write(std::string_view line);
    void shut_down();

private:
    base::FileDescriptor socket_;
    std::string buffer_;
};

}  // namespace drover::hypervisor::simulated
