#pragma once

// The top of a directory datastore, and the proof that it is the one it was. Every operation enters
// through here: if the file system is gone (unmounted, replaced, deleted) the operation fails as
// `inaccessible` instead of landing in whatever stands in its place, and when the datastore is back
// everything works again by itself.

#include <sys/stat.h>

#include <filesystem>
#include <mutex>
#include <string>

#include "base/file.hpp"
#include "storage/datastore_path.hpp"
#include "storage/storage_error.hpp"

namespace drover::storage::directory {

/// The first part of every name that belongs to the datastore itself.
inline constexpr std::string_view kReservedPrefix = ".drover";

inline constexpr mode_t kFileMode = 0660;
inline constexpr mode_t kDirectoryMode = 0770;

class Root {
public:
    struct Identity {
        std::string uuid;
        bool supports_compare_and_swap = false;
    };
    /// A directory that is open, and a name in it.
    struct Place {
        base::FileDescriptor directory;
        std::string name;
        std::string path;  ///< for messages
    };

    /// `expected_uuid` empty: the first datastore that is seen there is the one, and an identity is
    /// given to a directory that has none.
    Root(std::string name, std::filesystem::path path, std::string expected_uuid);

    const std::string& name() const { return name_; }
    const std::filesystem::path& path() const { return path_; }
    /// The uuid as far as it is known, without touching the storage.
    std::string known_uuid() const;

    /// Opens the top directory and makes sure of its identity. Throws `inaccessible`.
    base::FileDescriptor open_top();
    /// Like open_top(), and gives what is known about the datastore.
    Identity verify();

    /// Opens a file or directory; throws with the path in the message.
    base::FileDescriptor open(const DatastorePath& path, int flags, mode_t mode = 0);
    /// Opens a regular file; is_a_directory or unsupported (a device, a FIFO) otherwise.
    base::FileDescriptor open_file(const DatastorePath& path, int flags, struct stat* status);
    /// Opens the directory in which the path lies; the path must not be the root.
    Place open_parent(const DatastorePath& path);

private:
    struct Seen {
        dev_t device = 0;
        ino_t top_inode = 0;
        ino_t identity_inode = 0;
    };

    struct Established {
        std::string uuid;
        bool supports_compare_and_swap = false;
        bool is_settled = false;  // false: could not be tried out now
    };

    void check(const DatastorePath& path) const;
    Seen look(int top) const;
    Established establish(int top) const;
    [[noreturn]] void fail(StorageErrorKind kind, std::string_view reason) const;

    const std::string name_;
    const std::filesystem::path path_;
    mutable std::mutex mutex_;
    std::string uuid_;  // that it must have; empty until first seen
    Seen seen_;         // when the identity was last read
    bool supports_compare_and_swap_ = false;
};

}  // namespace drover::storage::directory
