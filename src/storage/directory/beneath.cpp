#include "storage/directory/beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace drover::storage::directory {
namespace {

constexpr int kAlways = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

// O_NOFOLLOW says ELOOP for a link, but ENOTDIR if a directory was asked for: make it one answer.
int link_errno(int directory, const std::string& name, int error) {
    struct stat status{};
    if (error == ENOTDIR && ::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(status.st_mode)) {
        return ELOOP;
    }
    return error;
}

base::FileDescriptor open_part(int directory, const std::string& name, int flags, mode_t mode) {
    base::FileDescriptor opened(
        ::openat(directory, name.c_str(), flags | O_NOFOLLOW | kAlways, mode));
    if (!opened) {
        errno = link_errno(directory, name, errno);
        return opened;
    }
    struct stat status{};
    if ((flags & O_PATH) != 0 && ::fstat(opened.get(), &status) == 0 && S_ISLNK(status.st_mode)) {
        opened.reset();
        errno = ELOOP;
    }
    return opened;
}

}  // namespace

base::FileDescriptor open_by_components(int root, const std::string& relative, int flags,
                                        mode_t mode) {
    if (relative.starts_with('/')) {
        errno = EXDEV;
        return {};
    }
    base::FileDescriptor current(::openat(root, ".", O_PATH | O_DIRECTORY | kAlways));
    std::size_t start = 0;
    while (current) {
        const auto slash = relative.find('/', start);
        const std::string part = relative.substr(start, slash - start);
        if (part == "..") {
            errno = EXDEV;
            return {};
        }
        if (slash == std::string::npos) {
            return open_part(current.get(), part.empty() ? "." : part, flags, mode);
        }
        current = open_part(current.get(), part, O_PATH | O_DIRECTORY, 0);
        start = slash + 1;
    }
    return current;
}

base::FileDescriptor open_beneath(int root, const std::string& relative, int flags, mode_t mode) {
    static std::atomic<bool> has_openat2{true};
    if (has_openat2.load(std::memory_order_relaxed)) {
        open_how how{};
        how.flags = static_cast<unsigned>(flags | kAlways);
        if ((flags & O_PATH) != 0) how.flags &= ~static_cast<__u64>(O_NOCTTY | O_NONBLOCK);
        how.mode = (flags & O_CREAT) != 0 ? mode : 0;
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
        const std::string path = relative.empty() ? "." : relative;
        for (int attempt = 0;; ++attempt) {
            const long opened = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
            if (opened >= 0) return base::FileDescriptor(static_cast<int>(opened));
            // The tree moved meanwhile.
            if ((errno == EAGAIN || errno == EINTR) && attempt < 100) continue;
            if (errno != ENOSYS && errno != EPERM) return {};
            break;
        }
        // EPERM: a seccomp filter, or really the file. The second way tells.
        if (errno == ENOSYS) has_openat2 = false;
    }
    return open_by_components(root, relative, flags, mode);
}

}  // namespace drover::storage::directory
