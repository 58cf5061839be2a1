#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file.hpp"
#include "base/log.hpp"
#include "had/fence/process.hpp"
#include "had/programs.hpp"

namespace drover::had {

int become_member(const std::filesystem::path& pid_file, const std::vector<std::string>& command) {
    // To end processes and the host is the agent's right alone.
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
        base::log_error("can't give rights up: {}", std::strerror(errno));
        return 1;
    }
    try {
        const Process self(::getpid());
        base::write_file_atomically(pid_file, fmt::format("{} {}\n", self.pid(), self.started()),
                                    0640);
    } catch (const std::exception& error) {
        base::log_error("{}", error.what());
        return 1;
    }
    std::vector<std::string> texts = command;
    std::vector<char*> arguments;
    for (auto& text : texts) arguments.push_back(text.data());
    arguments.push_back(nullptr);
    // It would take what it finds there for settings.
    char* environment[] = {nullptr};
    ::execve(arguments[0], arguments.data(), environment);
    base::log_error("can't start {}: {}", texts[0], std::strerror(errno));
    return 1;
}

}  // namespace drover::had
