#include "storage/directory/entries.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/file.hpp"
#include "storage/blobs.hpp"
#include "storage/directory/temporary_file.hpp"
#include "storage/storage_error.hpp"

namespace drover::storage::directory {

std::vector<std::string> read_names(int directory, std::size_t limit, const std::string& path) {
    // A description of its own: reading moves the position.
    base::FileDescriptor own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) throw StorageError::from_errno(errno, path, "open the directory");
    const auto close = [](DIR* stream) { ::closedir(stream); };
    const std::unique_ptr<DIR, decltype(close)> stream(::fdopendir(own.get()), close);
    if (!stream) throw StorageError::from_errno(errno, path, "read the directory");
    own.release();
    std::vector<std::string> names;
    while (true) {
        errno = 0;
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr) {
            if (errno != 0) throw StorageError::from_errno(errno, path, "read the directory");
            break;
        }
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        if (names.size() == limit) {
            throw StorageError(StorageErrorKind::file_too_large, path,
                               "the directory has too many entries");
        }
        names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
}

void remove_content(int directory, int depth, const std::string& path) {
    if (depth == 0) {
        throw StorageError(StorageErrorKind::unsupported, path, "the directory is too deep");
    }
    for (const std::string& name : read_names(directory, BlobStore::kMaxListed, path)) {
        if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) continue;
        if (errno != EISDIR) throw StorageError::from_errno(errno, path, "remove " + name);
        const base::FileDescriptor inner(
            ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!inner) throw StorageError::from_errno(errno, path, "open " + name);
        remove_content(inner.get(), depth - 1, path);
        if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
            throw StorageError::from_errno(errno, path, "remove " + name);
        }
    }
}

void remove_temporary_files(int directory, std::chrono::seconds idle_for, const std::string& path) {
    std::vector<std::string> found = read_names(directory, BlobStore::kMaxListed, path);
    std::erase_if(found, [](const std::string& name) { return !is_temporary_name(name); });
    if (found.empty()) return;
    struct stat now{};
    if (idle_for.count() > 0) {
        const TemporaryFile clock(directory, path);
        if (::fstat(clock.get(), &now) != 0) throw StorageError::from_errno(errno, path, "stat");
    }
    for (const std::string& name : found) {
        struct stat status{};
        if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        const bool is_idle =
            idle_for.count() == 0 || now.st_mtim.tv_sec - status.st_mtim.tv_sec >= idle_for.count();
        if (is_idle) ::unlinkat(directory, name.c_str(), 0);
    }
}

}  // namespace drover::storage::directory
