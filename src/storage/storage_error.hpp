#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace drover::storage {

enum class StorageErrorKind {
    not_found,
    already_exists,
    no_space,      ///< the file system or a quota is full
    inaccessible,  ///< the datastore as a whole does not answer or is not the one it was
    not_a_directory,
    is_a_directory,
    directory_not_empty,
    invalid_path,    ///< also: a symbolic link where none may be
    file_too_large,  ///< for the limit given, or for the file system
    locked,          ///< somebody else is at work on it
    corrupt,         ///< the content is not what it must be; nothing is assumed about it
    cancelled,
    unsupported,
    io_error,
};

std::string_view to_string(StorageErrorKind kind);

/// The one exception of this library. what() names the datastore path and the reason.
class StorageError : public std::runtime_error {
public:
    StorageError(StorageErrorKind kind, std::string path, std::string_view reason);

    /// file_too_large of a file whose size is known.
    static StorageError too_large(std::string path, std::uint64_t size_bytes,
                                  std::uint64_t most_bytes, std::string_view reason);
    /// From an errno value. `doing` says what was tried, e.g. "write".
    static StorageError from_errno(int error, std::string path, std::string_view doing);

    StorageErrorKind kind() const { return kind_; }
    /// "[datastore] directory/file", or just "[datastore]".
    const std::string& path() const { return path_; }
    /// How large the file is, or was to become; nothing unless made by too_large().
    std::optional<std::uint64_t> size_bytes() const { return size_bytes_; }
    /// The largest that could be had.
    std::uint64_t most_bytes() const { return most_bytes_; }

private:
    StorageErrorKind kind_;
    std::string path_;
    std::optional<std::uint64_t> size_bytes_;
    std::uint64_t most_bytes_ = 0;
};

}  // namespace drover::storage
