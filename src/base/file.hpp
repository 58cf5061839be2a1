#pragma once

// Small, careful file operations. Everything here blocks: call it off the inventory's strand.
// Failures are std::system_error with the path in the message.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace drover::base {

/// Owns a file descriptor; closes it at the end.
class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
    FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() { reset(); }

    int get() const { return descriptor_; }
    explicit operator bool() const { return descriptor_ >= 0; }
    int release();
    void reset();

private:
    int descriptor_ = -1;
};

/// The file's bytes. Refuses with EFBIG what is longer than `size_limit_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t size_limit_bytes);

/// Replaces a file so that a crash at any moment leaves the old or the new content, never a
/// mixture: temporary file, fsync, rename, fsync of the directory. `mode` is applied exactly.
void write_file_atomically(const std::filesystem::path& path, std::string_view content,
                           unsigned mode = 0640);

/// Makes what happened to a directory's entries (create, rename, remove) survive a power loss.
void sync_directory(const std::filesystem::path& directory);

}  // namespace drover::base
