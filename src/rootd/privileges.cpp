#include "rootd/privileges.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace drover::rootd {
namespace {

constexpr std::array kKept{CAP_CHOWN,        CAP_FOWNER,          CAP_FSETID,
                           CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_NET_ADMIN};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

// What no program that we might start could ever get back.
void shrink_bounding_set() {
    // The kernel may know more capabilities than our headers; it says where they end.
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        if (std::ranges::find(kKept, capability) != kKept.end()) continue;
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) fail("drop capability bound");
    }
}

void keep_only_needed() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> held{};
    if (::syscall(SYS_capget, &header, held.data()) != 0) fail("read capabilities");
    std::array<std::uint32_t, 2> kept{};
    for (const int capability : kKept) {
        kept[static_cast<std::size_t>(capability) / 32] |= 1u << (capability % 32);
    }
    for (std::size_t i = 0; i < held.size(); ++i) {
        held[i].permitted &= kept[i];
        held[i].effective = held[i].permitted;
        held[i].inheritable = 0;
    }
    if (::syscall(SYS_capset, &header, held.data()) != 0) fail("drop capabilities");
}

}  // namespace

void drop_privileges() {
    shrink_bounding_set();
    keep_only_needed();
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) fail("ambient set");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
}

}  // namespace drover::rootd
