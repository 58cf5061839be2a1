#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

namespace drover::base {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
    throw std::system_error(error, std::generic_category(), path.string());
}

void write_all(int descriptor, std::string_view content, const std::filesystem::path& path) {
    while (!content.empty()) {
        const ssize_t written = ::write(descriptor, content.data(), content.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            fail(path, errno);
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
}

// Distinct for every call of every process, so that two writers never share a temporary file.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
    static std::atomic<unsigned> counter{0};
    return path.parent_path() / ("." + path.filename().string() + "." + std::to_string(::getpid()) +
                                 "." + std::to_string(++counter) + ".tmp");
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
        reset();
        descriptor_ = other.release();
    }
    return *this;
}

int FileDescriptor::release() {
    return std::exchange(descriptor_, -1);
}

void FileDescriptor::reset() {
    if (descriptor_ >= 0) ::close(release());
}

std::string read_file(const std::filesystem::path& path, std::uint64_t size_limit_bytes) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) fail(path, errno);
    std::string content;
    char buffer[65536];
    while (true) {
        const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
        if (got < 0) {
            if (errno == EINTR) continue;
            fail(path, errno);
        }
        if (got == 0) return content;
        if (content.size() + static_cast<std::size_t>(got) > size_limit_bytes) fail(path, EFBIG);
        content.append(buffer, static_cast<std::size_t>(got));
    }
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content,
                           unsigned mode) {
    const auto temporary = temporary_name(path);
    try {
        const FileDescriptor file(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (!file) fail(temporary, errno);
        if (::fchmod(file.get(), mode) != 0) fail(temporary, errno);
        write_all(file.get(), content, temporary);
        if (::fsync(file.get()) != 0) fail(temporary, errno);
        if (::rename(temporary.c_str(), path.c_str()) != 0) fail(path, errno);
    } catch (...) {
        ::unlink(temporary.c_str());
        throw;
    }
    sync_directory(path.parent_path());
}

void sync_directory(const std::filesystem::path& directory) {
    const FileDescriptor handle(
        ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!handle) fail(directory, errno);
    if (::fsync(handle.get()) != 0 && errno != EINVAL) fail(directory, errno);
}

}  // namespace drover::base
