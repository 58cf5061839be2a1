#include "storage/directory/disk_marker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "storage/directory/temporary_file.hpp"
#include "vmx/text.hpp"

namespace drover::storage::directory {
namespace {

constexpr std::size_t kLimitBytes = 64 * 1024;

std::string marker_prefix() {
    return fmt::format("{}-disk-", kReservedPrefix);
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && !name.starts_with('.') && !name.contains('/');
}

}  // namespace

DiskMarker::DiskMarker(const Root::Place& descriptor)
    : place_(descriptor), name_(marker_prefix() + descriptor.name) {
    lock();
    try {
        struct stat status{};
        if (::fstat(file_.get(), &status) == 0 && status.st_size > 0) {
            settle();
            lock();
        }
    } catch (...) {
        file_.reset();  // unlocks
        throw;
    }
}

void DiskMarker::lock() {
    const int directory = place_.directory.get();
    while (true) {
        file_ = base::FileDescriptor(::openat(
            directory, name_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kFileMode));
        if (!file_) throw StorageError::from_errno(errno, place_.path, "mark");
        if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
            const int error = errno;
            file_.reset();
            if (error == EWOULDBLOCK) {
                throw StorageError(StorageErrorKind::locked, place_.path,
                                   "the disk is being made, changed or deleted");
            }
            throw StorageError::from_errno(error, place_.path, "lock");
        }
        // The one before us may have removed the name while we waited to open it.
        struct stat own{};
        struct stat named{};
        if (::fstat(file_.get(), &own) == 0 &&
            ::fstatat(directory, name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
            own.st_ino == named.st_ino && own.st_dev == named.st_dev) {
            return;
        }
    }
}

DiskMarker::~DiskMarker() {
    if (!file_) return;
    try {
        settle();
    } catch (const StorageError&) {
        // The marker stays and says what is to be done.
    }
}

bool DiskMarker::descriptor_exists() const {
    struct stat status{};
    if (::fstatat(place_.directory.get(), place_.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        return true;
    }
    if (errno != ENOENT) throw StorageError::from_errno(errno, place_.path, "stat");
    return false;
}

void DiskMarker::note(const std::vector<std::string>& files) {
    const std::string text = fmt::format("{}\n", fmt::join(files, "\n"));
    write_at(file_.get(), 0, text, place_.path);
    sync_file(file_.get(), place_.path);
    sync_entries(place_.directory.get(), place_.path);
}

void DiskMarker::settle() {
    const int directory = place_.directory.get();
    if (!descriptor_exists()) {
        const std::string text = read_all(file_.get(), kLimitBytes, place_.path);
        std::string_view rest = text;
        // A last line without its end was never finished, so its file was never touched.
        rest = rest.substr(0, rest.rfind('\n') + 1);
        while (!rest.empty()) {
            const std::string name(vmx::take_line(rest));
            if (is_plain_name(name) && ::unlinkat(directory, name.c_str(), 0) != 0 &&
                errno != ENOENT) {
                throw StorageError::from_errno(errno, place_.path, "remove " + name);
            }
        }
        sync_entries(directory, place_.path);
    }
    if (::unlinkat(directory, name_.c_str(), 0) != 0 && errno != ENOENT) {
        throw StorageError::from_errno(errno, place_.path, "remove the mark");
    }
    file_.reset();
}

std::string DiskMarker::recover(int directory, const std::string& marker, const std::string& path) {
    const std::string prefix = marker_prefix();
    if (!marker.starts_with(prefix)) return {};
    const Root::Place place{base::FileDescriptor(::fcntl(directory, F_DUPFD_CLOEXEC, 0)),
                            marker.substr(prefix.size()), path};
    try {
        DiskMarker settled(place);
    } catch (const StorageError& error) {
        if (error.kind() == StorageErrorKind::locked) return {};
        throw;
    }
    return place.name;
}

}  // namespace drover::storage::directory
