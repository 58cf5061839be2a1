#pragma once

// As much of QEMU's monitor as the fencer needs: stop, continue, and what the machine says by
// itself. Nothing waits: bytes go in and out as they come.

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.hpp"

namespace drover::had {

struct QmpMessage {
    enum class Kind { greeting, answer, error, stopped, resumed, guest_off, migration, other };
    /// How far a machine's migration is, by its events and by query-status.
    enum class Migration { none, incoming, switching_over, completed };
    Kind kind = Kind::other;
    std::uint64_t id = 0;                   ///< of answers and errors
    std::optional<bool> running{};          ///< of an answer to query-status
    Migration migration = Migration::none;  ///< of that, and of `migration`
};
/// One line of the monitor. Nothing if it is none.
std::optional<QmpMessage> parse_qmp(std::string_view line);

/// A connection to the monitor of one machine's process. One thread.
class QmpConnection {
public:
    enum class Status { absent, connecting, ready, lost };

    /// Connects at once or not at all. `absent` if nobody listens.
    explicit QmpConnection(const std::filesystem::path& socket);
    /// To the monitor of a machine: <uuid>.qmp of one that was started to be guarded; <uuid>.free
    /// of one that was not, and may be.
    static QmpConnection of(const std::filesystem::path& monitors, const std::string& uuid);

    Status status() const { return status_; }
    int descriptor() const { return socket_.get(); }
    /// The process that listens.
    std::int32_t process() const { return process_; }

    /// The machine is to stand still, or to run. Sent when the monitor is ready; the newest wins.
    void want_stopped();
    /// At its switch-over to another host a machine stays as it is, unless the switch-over is
    /// called off (`ends_migration`): then what is left of it is cancelled. False if nothing was
    /// sent: say so again.
    bool want_running(bool ends_migration = false);
    /// Reads and writes what can be without waiting.
    void pump();

    /// Said so itself after the newest command, or never told to run: stopped, and drained.
    bool is_stopped() const { return stopped_; }
    /// It runs, and this connection has not told it to.
    bool runs_by_itself() const { return runs_by_itself_; }
    bool guest_is_off() const { return guest_is_off_; }
    /// All of it was sent to another host, and it has not run since.
    bool has_migrated() const { return migration_ == QmpMessage::Migration::completed; }
    /// Whether the last command to run was refused; forgets it.
    bool take_refusal() { return std::exchange(run_was_refused_, false); }

private:
    enum class Want { nothing, stopped, running };
    void send(std::string_view command);
    void flush();
    void command(Want want);
    void take(const QmpMessage& message);
    void take_status(QmpMessage::Migration migration);

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
    bool run_was_refused_ = false;
    bool knows_status_ = false;
    bool is_incoming_ = false;  ///< it waits for a machine of another host, or has just got it
    QmpMessage::Migration migration_ = QmpMessage::Migration::none;
};

}  // namespace drover::had
