#pragma once

// Files that come into being as a whole, and the small reads and writes around them. Functions
// throw StorageError with `path` (for messages only) in it.

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace drover::storage::directory {

/// A file under a passing name in a directory. The destructor removes that name.
class TemporaryFile {
public:
    /// `directory` stays the caller's and must outlive this. The file is empty.
    TemporaryFile(int directory, std::string path);
    /// With content, synced.
    TemporaryFile(int directory, std::string_view content, std::string path);
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile();

    int get() const { return file_.get(); }
    const std::string& name() const { return name_; }

    /// fsync; so that what is published next is whole.
    void sync();
    /// Gives the file this name too, and syncs the directory; false if the name is taken.
    bool link_as(const std::string& name);
    /// Moves the file to this name, in place of what is there, and syncs the directory.
    void replace(const std::string& name);

private:
    int directory_;
    std::string path_;
    std::string name_;
    base::FileDescriptor file_;
};

/// True for names that TemporaryFile gives.
bool is_temporary_name(std::string_view name);

/// Reads from the start; file_too_large beyond the limit.
std::string read_all(int file, std::uint64_t limit_bytes, const std::string& path);
/// Fills the buffer unless the file ends before; gives the number of bytes.
std::size_t read_at(int file, std::uint64_t offset_bytes, std::span<char> buffer,
                    const std::string& path);
void write_at(int file, std::uint64_t offset_bytes, std::span<const char> bytes,
              const std::string& path);
void sync_file(int file, const std::string& path);
/// Also for directories on file systems that can't sync those.
void sync_entries(int directory, const std::string& path);
/// Mode 0770 for a new directory, with the setgid bit if its parent handed it down.
void inherit_directory_mode(int parent, const std::string& name);

}  // namespace drover::storage::directory
