#pragma once

#include <poll.h>
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "had/agent/message.hpp"

namespace drover::had {

/// The socket at which the host agent is heard: one at a time, and the newest counts. Only root and
/// `user` may come. Nothing waits. One thread.
class HostLink {
public:
    HostLink(const std::filesystem::path& socket, uid_t user,
             std::function<void(const HostMessage&)> on_message,
             std::function<void(bool)> on_connected);

    bool is_connected() const { return static_cast<bool>(peer_); }
    /// A whole JSON object. Dropped if nobody is there.
    void send(std::string_view json);
    void add_to(std::vector<pollfd>& descriptors) const;
    /// Takes what has come, and sends what waits.
    void pump();

private:
    void accept();
    void close();
    void flush();

    base::FileDescriptor listener_;
    base::FileDescriptor peer_;
    uid_t user_;
    std::function<void(const HostMessage&)> on_message_;
    std::function<void(bool)> on_connected_;
    std::string in_;
    std::string out_;
};

}  // namespace drover::had
