#pragma once

// As much of QEMU's monitor as the fencer needs: stop, continue, and what the machine says by
// itself. Nothing waits: bytes go in and out as they come.

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace drover::had {

struct QmpMessage {
    enum class Kind { greeting, answer, error, stopped, resumed, guest_off, other };
    Kind kind = Kind::other;
    std::uint64_t id = 0;           ///< of answers and errors
    std::optional<bool> running{};  ///< of an answer to query-status
};
/// One line of the monitor. Nothing if it is none.
std::optional<QmpMessage> parse_qmp(std::string_view line);

/// A connection to the monitor of one machine's process. One thread.
class QmpConnection {
public:
    enum class Status { absent, connecting, ready, lost };

    /// Connects at once or not at all. `absent` if nobody listens.
    explicit QmpConnection(const std::filesystem::path& socket);

    Status status() const { return status_; }
    int descriptor() const { return socket_.get(); }
    /// The process that listens.
    std::int32_t process() const { return process_; }

    /// The machine is to stand still, or to run. Sent when the monitor is ready; the newest wins.
    void want_stopped();
    void want_running();
    /// Reads and writes what can be without waiting.
    void pump();

    /// Said so itself after the newest command, or never told to run: stopped, and drained.
    bool is_stopped() const { return stopped_; }
    /// It runs, and this connection has not told it to.
    bool runs_by_itself() const { return runs_by_itself_; }
    bool guest_is_off() const { return guest_is_off_; }

private:
    enum class Want { nothing, stopped, running };
    void send(std::string_view command);
    void flush();
    void command(Want want);
    void take(const QmpMessage& message);

    base::FileDescriptor socket_;
    Status status_ = Status::absent;
    std::int32_t process_ = 0;
    std::string in_;
    std::string out_;
    Want want_ = Want::nothing;
    Want told_ = Want::nothing;
    std::uint64_t last_id_ = 0;
    std::uint64_t told_id_ = 0;
    std::uint64_t run_id_ = 0;  ///< of a `cont` that is not answered yet
    std::uint64_t status_id_ = 0;
    bool stopped_ = false;
    bool runs_by_itself_ = false;
    bool guest_is_off_ = false;
};

}  // namespace drover::had
