#include "control.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>
#include <system_error>

namespace drover::ha_front {

std::string obey(std::string_view line, Faults& faults, Power& power) {
    std::istringstream words{std::string(line)};
    std::string verb;
    words >> verb;
    if (verb == "set") {
        std::string word;
        std::uint32_t amount = 0;
        std::string pattern;
        words >> word >> amount >> pattern;
        const auto mode = mode_of(word);
        if (!mode || pattern.empty()) return "error: set MODE AMOUNT PATTERN";
        faults.add(*mode, amount, pattern);
        return "ok";
    }
    if (verb == "on") {
        pid_t first = -1;
        words >> first;
        if (first < 0 || first == 1) return "error: on PID";
        power.on(first);
        return "ok";
    }
    if (verb == "show") {
        std::ostringstream text;
        text << R"({"waiting": )" << faults.waiting() << R"(, "bites": )" << power.bites() << "}";
        return text.str();
    }
    if (verb != "clear" && verb != "off") return "error: no such command";
    if (verb == "clear") faults.clear();
    if (verb == "off") power.off();
    return "ok";
}

Control::Control(const std::string& path, Faults& faults, Power& power)
    : faults_(faults), power_(power), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        throw std::system_error(ENAMETOOLONG, std::generic_category(), path);
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    ::unlink(path.c_str());
    if (listener_ < 0 ||
        ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener_, 4) != 0) {
        throw std::system_error(errno, std::generic_category(), "listen at " + path);
    }
    thread_ = std::jthread([this] { serve(); });
}

Control::~Control() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
}

void Control::serve() {
    while (true) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (client < 0) return;
        talk(client);
        ::close(client);
    }
}

void Control::talk(int client) {
    std::string text;
    char bytes[512];
    while (true) {
        const auto got = ::read(client, bytes, sizeof(bytes));
        if (got <= 0 || text.size() > 4096) return;
        text.append(bytes, static_cast<std::size_t>(got));
        for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
            const auto answer = obey(std::string_view(text).substr(0, end), faults_, power_) + "\n";
            text.erase(0, end + 1);
            if (::send(client, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
        }
    }
}

}  // namespace drover::ha_front
