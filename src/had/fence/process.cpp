#include "had/fence/process.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace drover::had {

namespace {

// The 22nd field of /proc/PID/stat; the name before may contain anything. 0: there is no process.
std::uint64_t start_of(std::int32_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    if (!std::getline(file, line)) return 0;
    const auto name_end = line.rfind(')');
    if (name_end == std::string::npos) return 0;
    std::istringstream fields(line.substr(name_end + 1));
    std::string skipped;
    for (int i = 3; i < 22; ++i) fields >> skipped;
    std::uint64_t started = 0;
    fields >> started;
    return started;
}

}  // namespace

Process::Process(std::int32_t pid, std::uint64_t started) {
    if (pid <= 1) return;
    base::FileDescriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!handle) return;
    // After it is held: what is read now is its own.
    const auto found = start_of(pid);
    if (found == 0 || (started != 0 && found != started)) return;
    pid_ = pid;
    started_ = found;
    handle_ = std::move(handle);
}

bool Process::is_alive() const {
    if (!handle_) return false;
    pollfd over{handle_.get(), POLLIN, 0};
    return ::poll(&over, 1, 0) == 0;
}

void Process::kill() const {
    if (handle_) ::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0);
}

}  // namespace drover::had
