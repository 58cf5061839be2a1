#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "rootd/datastore_path.hpp"

namespace drover::rootd {
namespace {

constexpr mode_t kFileMode = 0660;

struct stat status_of(const base::FileDescriptor& file, const std::filesystem::path& path) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) {
        throw std::system_error(errno, std::generic_category(), path.string());
    }
    return status;
}

gid_t group_for(const Policy& policy, const struct stat& directory) {
    const bool member = is_peer_group(policy, directory.st_gid);
    return member && directory.st_gid != 0 ? directory.st_gid : policy.peer_gid;
}

}  // namespace

void reclaim(const Policy& policy, const Reclaim& request) {
    const DatastorePath path = locate(policy, request.path);
    const auto root = open_root(path);
    const auto parent = path.relative.has_parent_path()
                            ? open_beneath(root, path.relative.parent_path(), O_PATH | O_DIRECTORY)
                            : open_root(path);
    // O_PATH opens nothing but the name: no device wakes up, no FIFO blocks.
    const auto file = open_beneath(parent, path.relative.filename(), O_PATH);
    const struct stat status = status_of(file, request.path);
    if (!S_ISREG(status.st_mode)) {
        throw Refused(fmt::format("{} is no regular file", request.path.string()));
    }
    // A second name may lie outside the datastore: /etc/shadow linked into it, say.
    if (status.st_nlink != 1) {
        throw Refused(fmt::format("{} has {} names", request.path.string(), status.st_nlink));
    }
    const gid_t group = group_for(policy, status_of(parent, request.path));
    if (::fchownat(file.get(), "", policy.peer_uid, group, AT_EMPTY_PATH) != 0) {
        throw std::system_error(errno, std::generic_category(), request.path.string());
    }
    // fchmod() refuses O_PATH descriptors; their entry in /proc leads to the same file.
    const std::string self = fmt::format("/proc/self/fd/{}", file.get());
    if (::chmod(self.c_str(), kFileMode) != 0) {
        throw std::system_error(errno, std::generic_category(), request.path.string());
    }
}

}  // namespace drover::rootd
