#include "power.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "write_log.hpp"

namespace drover::ha_front {

namespace {

constexpr std::int64_t kTimeoutNs = 3'000'000'000;
constexpr int kLookMs = 20;
constexpr unsigned kExiting = 4;  // PF_EXITING of the kernel

// The process is still there while the kernel ends everything else in the host, which may take as
// long as storage is frozen.
bool is_over(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::stringstream text;
    text << file.rdbuf();
    const auto name_end = text.str().rfind(')');
    if (name_end == std::string::npos) return true;
    std::istringstream fields(text.str().substr(name_end + 1));
    std::string state;
    fields >> state;
    long skipped = 0;
    for (int field = 0; field < 5; ++field) fields >> skipped;
    unsigned flags = 0;
    fields >> flags;
    return state == "Z" || state == "X" || (flags & kExiting) != 0;
}

}  // namespace

Power::Power(Faults& faults, const std::string& watchdog) : faults_(faults) {
    if (::mkfifo(watchdog.c_str(), 0600) != 0 && errno != EEXIST) {
        throw std::system_error(errno, std::generic_category(), "make " + watchdog);
    }
    // For writing too: there is no end of file when a writer goes.
    pipe_ = ::open(watchdog.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (pipe_ < 0) throw std::system_error(errno, std::generic_category(), "open " + watchdog);
    thread_ = std::jthread([this](const std::stop_token& over) { watch(over); });
}

Power::~Power() {
    thread_.request_stop();
    thread_.join();
    ::close(pipe_);
}

void Power::on(pid_t first) {
    first_ = first;
    faults_.switch_host(true);
}

void Power::off() {
    first_ = 0;
    faults_.switch_host(false);
}

void Power::watch(const std::stop_token& over) {
    while (!over.stop_requested()) {
        pollfd what{pipe_, POLLIN, 0};
        ::poll(&what, 1, kLookMs);
        const pid_t first = first_;
        if (first != 0 && is_over(first)) {
            // Somebody may have switched it on again this very moment.
            pid_t same = first;
            if (first_.compare_exchange_strong(same, 0)) faults_.switch_host(false);
        }
        if (first_ == 0) petted_ns_ = 0;
        look_at_watchdog(monotonic_ns());
    }
}

void Power::look_at_watchdog(std::int64_t now) {
    char bytes[64];
    while (true) {
        const auto got = ::read(pipe_, bytes, sizeof(bytes));
        if (got <= 0) break;
        if (first_ == 0) continue;  // from before the host went off
        petted_ns_ = bytes[got - 1] == 'V' ? 0 : now;
    }
    const pid_t first = first_;
    if (petted_ns_ == 0 || now - petted_ns_ < kTimeoutNs || first == 0) return;
    petted_ns_ = 0;
    ++bites_;
    ::kill(first, SIGKILL);
}

}  // namespace drover::ha_front
