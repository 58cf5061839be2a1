#include "rootd/datastore_path.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace drover::rootd {

DatastorePath locate(const Policy& policy, const std::filesystem::path& path) {
    const std::string& text = path.native();
    for (const auto& root : policy.datastore_roots) {
        std::string prefix = root.native();
        if (!prefix.ends_with('/')) prefix += '/';
        if (text.size() > prefix.size() && text.starts_with(prefix)) {
            return {.root = root, .relative = text.substr(prefix.size())};
        }
    }
    throw Refused(fmt::format("path {} lies under no datastore root", text));
}

base::FileDescriptor open_root(const DatastorePath& path) {
    base::FileDescriptor root(::open(path.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) throw std::system_error(errno, std::generic_category(), path.root.string());
    return root;
}

base::FileDescriptor open_beneath(const base::FileDescriptor& directory,
                                  const std::filesystem::path& relative, int flags) {
    open_how how{};
    // No O_NOFOLLOW: with it, a link at the path's end would be opened itself, or give ENOTDIR.
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    int descriptor = -1;
    do {  // EAGAIN: someone renamed on the way, so the kernel could not be sure
        descriptor = static_cast<int>(
            ::syscall(SYS_openat2, directory.get(), relative.c_str(), &how, sizeof how));
    } while (descriptor < 0 && (errno == EAGAIN || errno == EINTR));
    if (descriptor >= 0) return base::FileDescriptor(descriptor);
    if (errno == ELOOP) {
        throw Refused(fmt::format("path {} goes through a symbolic link", relative.string()));
    }
    if (errno == EXDEV) {
        throw Refused(fmt::format("path {} leaves the datastore", relative.string()));
    }
    throw std::system_error(errno, std::generic_category(), relative.string());
}

}  // namespace drover::rootd
