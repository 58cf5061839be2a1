#include "had/fence/qmp.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace drover::had {

namespace {

// Its answers and events are short; a longer line is no monitor's.
constexpr std::size_t kLongestLine = 256 * 1024;

using Migration = QmpMessage::Migration;

Migration migration_of_event(const nlohmann::json& json) {
    const auto data = json.find("data");
    if (data == json.end() || !data->is_object()) return Migration::none;
    const auto status = data->find("status");
    if (status == data->end() || !status->is_string()) return Migration::none;
    if (*status == "completed") return Migration::completed;
    const bool switches = *status == "pre-switchover" || *status == "device";
    return switches ? Migration::switching_over : Migration::none;
}

Migration migration_of_status(const nlohmann::json& answer) {
    const auto status = answer.find("status");
    if (status == answer.end() || !status->is_string()) return Migration::none;
    if (*status == "postmigrate") return Migration::completed;
    if (*status == "inmigrate") return Migration::incoming;
    return *status == "finish-migrate" ? Migration::switching_over : Migration::none;
}

std::optional<QmpMessage> parse_event(const nlohmann::json& json) {
    const auto& event = json["event"];
    if (!event.is_string()) return std::nullopt;
    QmpMessage message;
    if (event == "STOP") message.kind = QmpMessage::Kind::stopped;
    if (event == "RESUME") message.kind = QmpMessage::Kind::resumed;
    if (event == "MIGRATION") {
        message.kind = QmpMessage::Kind::migration;
        message.migration = migration_of_event(json);
    }
    if (event == "SHUTDOWN") {
        const auto data = json.find("data");
        const bool by_guest = data != json.end() && data->is_object() && data->contains("guest") &&
                              (*data)["guest"] == true;
        if (by_guest) message.kind = QmpMessage::Kind::guest_off;
    }
    return message;
}

}  // namespace

std::optional<QmpMessage> parse_qmp(std::string_view line) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    if (json.contains("QMP")) return QmpMessage{.kind = QmpMessage::Kind::greeting};
    if (json.contains("event")) return parse_event(json);
    const bool is_answer = json.contains("return");
    if (!is_answer && !json.contains("error")) return std::nullopt;
    QmpMessage message{.kind = is_answer ? QmpMessage::Kind::answer : QmpMessage::Kind::error};
    const auto id = json.find("id");
    if (id != json.end() && id->is_number_unsigned()) message.id = id->get<std::uint64_t>();
    if (!is_answer || !json["return"].is_object()) return message;
    const auto running = json["return"].find("running");
    if (running != json["return"].end() && running->is_boolean()) {
        message.running = running->get<bool>();
        message.migration = migration_of_status(json["return"]);
    }
    return message;
}

QmpConnection::QmpConnection(const std::filesystem::path& path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (!socket_ || text.size() >= sizeof(address.sun_path)) return;
    std::memcpy(address.sun_path, text.data(), text.size());
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket_.get(), to, sizeof(address)) != 0) return;
    ucred peer{};
    socklen_t length = sizeof(peer);
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return;
    process_ = peer.pid;
    status_ = Status::connecting;
}

QmpConnection QmpConnection::of(const std::filesystem::path& monitors, const std::string& uuid) {
    QmpConnection guarded(monitors / (uuid + ".qmp"));
    if (guarded.status() != Status::absent) return guarded;
    return QmpConnection(monitors / (uuid + ".free"));
}

void QmpConnection::send(std::string_view command) {
    out_ += fmt::format("{{\"execute\":\"{}\",\"id\":{}}}\n", command, ++last_id_);
}

void QmpConnection::command(Want want) {
    told_ = want;
    // From here on it may run, whatever was said before.
    if (want == Want::running) stopped_ = false;
    send(want == Want::running ? "cont" : "stop");
    told_id_ = last_id_;
    if (want == Want::running) run_id_ = last_id_;
}

void QmpConnection::want_stopped() {
    want_ = Want::stopped;
    if (status_ == Status::ready && told_ != want_) command(want_);
    pump();
}

bool QmpConnection::want_running(bool ends_migration) {
    if (status_ != Status::ready || !knows_status_) return false;
    if (migration_ != Migration::none && !ends_migration) return false;
    want_ = Want::running;
    if (ends_migration) send("migrate_cancel");
    command(want_);
    pump();
    return true;
}

void QmpConnection::take_status(Migration migration) {
    knows_status_ = true;
    is_incoming_ = migration == Migration::incoming;
    migration_ = is_incoming_ ? Migration::none : migration;
}

void QmpConnection::take(const QmpMessage& message) {
    using Kind = QmpMessage::Kind;
    switch (message.kind) {
        case Kind::greeting:
            send("qmp_capabilities");
            send("query-status");
            status_id_ = last_id_;
            status_ = Status::ready;
            if (want_ != Want::nothing) command(want_);
            break;
        case Kind::answer:
            if (message.id == status_id_ && told_ == Want::nothing) {
                stopped_ = message.running == false;
            }
            if (message.id == status_id_) take_status(message.migration);
            if (message.id == told_id_ && told_ == Want::stopped) stopped_ = true;
            if (message.id == run_id_) run_id_ = 0;
            break;
        case Kind::error:
            // It stays what it was; who wants it otherwise says so again.
            if (message.id == told_id_) told_ = Want::nothing;
            if (message.id == run_id_) run_id_ = 0, run_was_refused_ = true;
            break;
        case Kind::migration:
            // Both ends tell how far it is; only of the one that leaves it says where it runs.
            if (!is_incoming_) migration_ = message.migration;
            break;
        case Kind::resumed:
            // Of our own command it comes before the answer.
            stopped_ = is_incoming_ = false;
            migration_ = Migration::none;
            if (run_id_ == 0) runs_by_itself_ = true;
            break;
        case Kind::guest_off:
            guest_is_off_ = true;
            break;
        case Kind::stopped:
        case Kind::other:
            break;
    }
}

void QmpConnection::flush() {
    while (!out_.empty()) {
        const ssize_t sent = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) return;
        if (sent <= 0) {
            status_ = Status::lost;
            return;
        }
        out_.erase(0, static_cast<std::size_t>(sent));
    }
}

void QmpConnection::pump() {
    if (status_ != Status::connecting && status_ != Status::ready) return;
    flush();
    while (status_ != Status::lost) {
        char buffer[4096];
        const ssize_t got = ::recv(socket_.get(), buffer, sizeof(buffer), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0 || in_.size() > kLongestLine) {
            status_ = Status::lost;
            return;
        }
        in_.append(buffer, static_cast<std::size_t>(got));
        for (auto end = in_.find('\n'); end != std::string::npos; end = in_.find('\n')) {
            const std::string line = in_.substr(0, end);
            in_.erase(0, end + 1);
            if (const auto message = parse_qmp(line)) take(*message);
        }
    }
    flush();
}

}  // namespace drover::had
