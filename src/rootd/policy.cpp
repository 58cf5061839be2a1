#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <algorithm>

#include "rootd/operations.hpp"

namespace drover::rootd {

void set_peer(Policy& policy, const std::string& user) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(64 * 1024);
    ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) throw std::runtime_error(fmt::format("user {} does not exist", user));
    policy.peer_uid = found->pw_uid;
    policy.peer_gid = found->pw_gid;
    int count = 256;
    policy.peer_groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(user.c_str(), found->pw_gid, policy.peer_groups.data(), &count) < 0) {
        throw std::runtime_error(fmt::format("user {} is in too many groups", user));
    }
    policy.peer_groups.resize(static_cast<std::size_t>(count));
}

bool is_peer_group(const Policy& policy, gid_t group) {
    return std::ranges::find(policy.peer_groups, group) != policy.peer_groups.end();
}

}  // namespace drover::rootd
