#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "rootd/datastore_path.hpp"

namespace drover::rootd {
namespace {

constexpr mode_t kDatastoreMode = 02770;
constexpr mode_t kParentMode = 0755;

[[noreturn]] void fail(const std::filesystem::path& path) {
    throw std::system_error(errno, std::generic_category(), path.string());
}

gid_t allowed_group(const Policy& policy, const std::string& name) {
    group entry{};
    group* found = nullptr;
    std::vector<char> buffer(64 * 1024);
    ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) throw Refused(fmt::format("group {} does not exist", name));
    // A datastore of root's group, or of strangers, is none that the user could have wanted.
    if (found->gr_gid == 0 || !is_peer_group(policy, found->gr_gid)) {
        throw Refused(fmt::format("group {} is none of the peer user's", name));
    }
    return found->gr_gid;
}

}  // namespace

void prepare_datastore(const Policy& policy, const PrepareDatastore& request) {
    const DatastorePath path = locate(policy, request.path);
    const gid_t group = allowed_group(policy, request.group);
    base::FileDescriptor directory = open_root(path);
    // One component at a time from the last one's descriptor, so that what is made and changed is
    // what was looked at, whoever renames meanwhile.
    for (const auto& component : path.relative) {
        const bool made = ::mkdirat(directory.get(), component.c_str(), kParentMode) == 0;
        if (!made && errno != EEXIST) fail(request.path);
        directory = open_beneath(directory, component, O_RDONLY | O_DIRECTORY);
        if (made && ::fchmod(directory.get(), kParentMode) != 0) fail(request.path);
    }
    // The group first: a change of group takes the set-group-id bit away.
    if (::fchown(directory.get(), static_cast<uid_t>(-1), group) != 0) fail(request.path);
    if (::fchmod(directory.get(), kDatastoreMode) != 0) fail(request.path);
    if (::fsync(directory.get()) != 0 && errno != EINVAL) fail(request.path);
}

}  // namespace drover::rootd
