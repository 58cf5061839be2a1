#include "had/agent/privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

namespace drover::had {

namespace {

// End processes and the host, and stay in memory.
constexpr std::array kKept{CAP_KILL, CAP_SYS_BOOT, CAP_IPC_LOCK};

[[noreturn]] void fail(const char* doing) {
    throw std::system_error(errno, std::generic_category(), doing);
}

}  // namespace

void become(const std::string& user) {
    const auto* account = ::getpwnam(user.c_str());
    if (account == nullptr) throw std::runtime_error("there is no user " + user);
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) fail("keep capabilities");
    if (::setgroups(0, nullptr) != 0) fail("leave groups");
    if (::setresgid(account->pw_gid, account->pw_gid, account->pw_gid) != 0) fail("change group");
    if (::setresuid(account->pw_uid, account->pw_uid, account->pw_uid) != 0) fail("change user");
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> kept{};
    for (const int capability : kKept) {
        auto& word = kept[static_cast<std::size_t>(capability) / 32];
        word.permitted |= 1U << (capability % 32);
        word.effective = word.inheritable = word.permitted;
    }
    if (::syscall(SYS_capset, &header, kept.data()) != 0) fail("drop capabilities");
    // For the command that resets the host.
    for (const int capability : {CAP_KILL, CAP_SYS_BOOT}) {
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) fail("hand down");
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
}

}  // namespace drover::had
