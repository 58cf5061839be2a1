#include "had/fence/host_reset.hpp"

#include <spawn.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "base/log.hpp"

namespace drover::had {

void reset_host(const std::vector<std::string>& command) {
    base::log_error("resets this host: a write of a machine without a permit may be under way");
    if (command.empty()) {
        ::reboot(RB_AUTOBOOT);
        return;
    }
    std::vector<char*> arguments;
    for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    pid_t child = 0;
    ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
}

}  // namespace drover::had
