#pragma once

// Files and directories of a datastore.
//
// All calls block, are safe from any thread and throw StorageError. Files are made with mode 0660
// and directories with 0770; the group is the one that a setgid directory hands down. The
// directory ".drover" at the root is the datastore's own and can't be named here.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "storage/datastore_path.hpp"

namespace drover::storage {

enum class FileKind { file, directory, other };

struct FileInfo {
    std::string name;  ///< the last part of its path
    FileKind kind = FileKind::file;
    std::uint64_t size_bytes = 0;
    std::uint64_t allocated_bytes = 0;  ///< what it takes on the medium
    base::WallTime modified;
    std::string owner{};  ///< the user's name, or number if it has none here
};

/// How the caller of a long operation watches and stops it. The callback runs on the thread of the
/// operation, at most some times a second. A stop makes the call throw `cancelled` and leaves
/// nothing behind.
struct CopyControl {
    std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)> progress;
    std::stop_token stop;
};

/// An open file for reading at any position. One thread.
class FileReader {
public:
    virtual ~FileReader() = default;
    virtual std::uint64_t size_bytes() const = 0;
    /// Fills the buffer as far as the file goes; gives the number of bytes, 0 at the end.
    virtual std::size_t read_at(std::uint64_t offset_bytes, std::span<char> buffer) = 0;
};

/// A file that comes into being: nobody sees it before commit(). Dropping it leaves nothing. One
/// thread.
class FileWriter {
public:
    virtual ~FileWriter() = default;
    virtual void write_at(std::uint64_t offset_bytes, std::span<const char> bytes) = 0;
    /// Makes it durable and visible under its name.
    virtual void commit() = 0;
};

enum class IfExists { fail, replace };
enum class MakeDirectory {
    exclusive,     ///< fails with already_exists
    if_missing,    ///< content with a directory that is there
    with_parents,  ///< like if_missing, and makes what is missing on the way
};

class BlobStore {
public:
    static constexpr std::size_t kMaxListed = 100'000;

    virtual ~BlobStore() = default;

    /// The whole content; file_too_large beyond the limit.
    virtual std::string read(const DatastorePath& path, std::uint64_t size_limit_bytes) = 0;
    /// Replaces or makes the file; a crash leaves the old or the new content.
    virtual void write(const DatastorePath& path, std::string_view content) = 0;
    /// Makes the file with its whole content, or fails with already_exists: of many callers on
    /// many hosts one wins. Needs a datastore with compare-and-swap.
    virtual void create_exclusive(const DatastorePath& path, std::string_view content) = 0;
    virtual void remove(const DatastorePath& path) = 0;
    /// Files and directories, also across directories. Replaces files only.
    virtual void rename(const DatastorePath& from, const DatastorePath& to, IfExists policy) = 0;
    /// A file's content, holes kept.
    virtual void copy(const DatastorePath& from, const DatastorePath& to, IfExists policy,
                      const CopyControl& control) = 0;

    virtual void make_directory(const DatastorePath& path, MakeDirectory policy) = 0;
    /// Must be empty.
    virtual void remove_directory(const DatastorePath& path) = 0;
    /// With all that is in it; does not follow links. Not atomic: may be repeated after a failure.
    virtual void remove_tree(const DatastorePath& path) = 0;
    /// In the order of names; file_too_large if there are more than kMaxListed entries.
    virtual std::vector<FileInfo> list(const DatastorePath& directory) = 0;
    virtual FileInfo stat(const DatastorePath& path) = 0;

    virtual std::unique_ptr<FileReader> open_reader(const DatastorePath& path) = 0;
    virtual std::unique_ptr<FileWriter> open_writer(const DatastorePath& path, IfExists policy) = 0;
};

}  // namespace drover::storage
