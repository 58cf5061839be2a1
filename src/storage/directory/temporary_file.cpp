#include "storage/directory/temporary_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/random.hpp"
#include "storage/directory/root.hpp"
#include "storage/storage_error.hpp"

namespace drover::storage::directory {
namespace {

std::string temporary_prefix() {
    return fmt::format("{}-tmp-", kReservedPrefix);
}

off_t to_offset(std::uint64_t bytes, const std::string& path) {
    if (bytes > INT64_MAX) {
        throw StorageError(StorageErrorKind::file_too_large, path, "the position is out of range");
    }
    return static_cast<off_t>(bytes);
}

}  // namespace

bool is_temporary_name(std::string_view name) {
    return name.starts_with(temporary_prefix());
}

TemporaryFile::TemporaryFile(int directory, std::string path)
    : directory_(directory),
      path_(std::move(path)),
      name_(temporary_prefix() + base::SystemRandom().hex(12)),
      file_(::openat(directory, name_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                     kFileMode)) {
    if (!file_) throw StorageError::from_errno(errno, path_, "create");
    if (::fchmod(file_.get(), kFileMode) != 0) {
        const int error = errno;
        ::unlinkat(directory_, name_.c_str(), 0);
        throw StorageError::from_errno(error, path_, "set the mode");
    }
}

TemporaryFile::TemporaryFile(int directory, std::string_view content, std::string path)
    : TemporaryFile(directory, std::move(path)) {
    write_at(file_.get(), 0, content, path_);
    sync();
}

TemporaryFile::~TemporaryFile() {
    if (!name_.empty()) ::unlinkat(directory_, name_.c_str(), 0);
}

void TemporaryFile::sync() {
    sync_file(file_.get(), path_);
}

bool TemporaryFile::link_as(const std::string& name) {
    if (::linkat(directory_, name_.c_str(), directory_, name.c_str(), 0) != 0) {
        if (errno != EEXIST) throw StorageError::from_errno(errno, path_, "link");
        // A network file system may repeat a request whose answer got lost: the second time the
        // name is taken, by us. The count of links tells.
        struct stat status{};
        if (::fstat(file_.get(), &status) != 0 || status.st_nlink < 2) return false;
    }
    sync_entries(directory_, path_);
    return true;
}

void TemporaryFile::replace(const std::string& name) {
    if (::renameat(directory_, name_.c_str(), directory_, name.c_str()) != 0) {
        throw StorageError::from_errno(errno, path_, "rename");
    }
    name_.clear();
    sync_entries(directory_, path_);
}

std::string read_all(int file, std::uint64_t limit_bytes, const std::string& path) {
    std::string content;
    std::array<char, 65536> buffer;
    while (true) {
        const std::size_t got = read_at(file, content.size(), buffer, path);
        content.append(buffer.data(), got);
        if (content.size() > limit_bytes) {
            throw StorageError(StorageErrorKind::file_too_large, path,
                               fmt::format("the file is longer than {} bytes", limit_bytes));
        }
        if (got < buffer.size()) return content;
    }
}

std::size_t read_at(int file, std::uint64_t offset_bytes, std::span<char> buffer,
                    const std::string& path) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const ssize_t got = ::pread(file, buffer.data() + done, buffer.size() - done,
                                    to_offset(offset_bytes + done, path));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw StorageError::from_errno(errno, path, "read");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

void write_at(int file, std::uint64_t offset_bytes, std::span<const char> bytes,
              const std::string& path) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t wrote = ::pwrite(file, bytes.data() + done, bytes.size() - done,
                                       to_offset(offset_bytes + done, path));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) throw StorageError::from_errno(errno, path, "write");
        done += static_cast<std::size_t>(wrote);
    }
}

void sync_file(int file, const std::string& path) {
    if (::fsync(file) != 0) throw StorageError::from_errno(errno, path, "sync");
}

void sync_entries(int directory, const std::string& path) {
    if (::fsync(directory) != 0 && errno != EINVAL) {
        throw StorageError::from_errno(errno, path, "sync the directory");
    }
}

void inherit_directory_mode(int parent, const std::string& name) {
    struct stat status{};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    // chmod takes the setgid bit away unless it is named again.
    const mode_t mode = (status.st_mode & S_ISGID) | kDirectoryMode;
    if (::fchmodat(parent, name.c_str(), mode, 0) != 0) {
        throw StorageError::from_errno(errno, name, "set the mode");
    }
}

}  // namespace drover::storage::directory
