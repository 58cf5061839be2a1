#include "storage/storage_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace drover::storage {
namespace {

StorageErrorKind kind_of(int error) {
    switch (error) {
        case ENOENT:
            return StorageErrorKind::not_found;
        case EEXIST:
            return StorageErrorKind::already_exists;
        case ENOSPC:
        case EDQUOT:
            return StorageErrorKind::no_space;
        case ENOTDIR:
            return StorageErrorKind::not_a_directory;
        case EISDIR:
            return StorageErrorKind::is_a_directory;
        case ENOTEMPTY:
            return StorageErrorKind::directory_not_empty;
        case ELOOP:  // a symbolic link
        case EXDEV:  // leaves the datastore
        case ENAMETOOLONG:
            return StorageErrorKind::invalid_path;
        case EFBIG:
            return StorageErrorKind::file_too_large;
        case ETXTBSY:
        case EBUSY:
        case EWOULDBLOCK:
            return StorageErrorKind::locked;
        case ESTALE:
        case ETIMEDOUT:
        case EHOSTDOWN:
            return StorageErrorKind::inaccessible;
        case EOPNOTSUPP:
        case ENOSYS:
            return StorageErrorKind::unsupported;
        default:
            return StorageErrorKind::io_error;
    }
}

std::string reason_of(int error) {
    if (error == ELOOP) return "there is a symbolic link in the path";
    if (error == EXDEV) return "the path leaves the datastore";
    return std::generic_category().message(error);
}

}  // namespace

std::string_view to_string(StorageErrorKind kind) {
    switch (kind) {
        case StorageErrorKind::not_found:
            return "not found";
        case StorageErrorKind::already_exists:
            return "already exists";
        case StorageErrorKind::no_space:
            return "no space";
        case StorageErrorKind::inaccessible:
            return "inaccessible";
        case StorageErrorKind::not_a_directory:
            return "not a directory";
        case StorageErrorKind::is_a_directory:
            return "is a directory";
        case StorageErrorKind::directory_not_empty:
            return "directory not empty";
        case StorageErrorKind::invalid_path:
            return "invalid path";
        case StorageErrorKind::file_too_large:
            return "file too large";
        case StorageErrorKind::locked:
            return "locked";
        case StorageErrorKind::corrupt:
            return "corrupt";
        case StorageErrorKind::cancelled:
            return "cancelled";
        case StorageErrorKind::unsupported:
            return "unsupported";
        case StorageErrorKind::io_error:
            return "input/output error";
    }
    return "input/output error";
}

StorageError::StorageError(StorageErrorKind kind, std::string path, std::string_view reason)
    : std::runtime_error(fmt::format("{}: {}", path, reason)),
      kind_(kind),
      path_(std::move(path)) {}

StorageError StorageError::too_large(std::string path, std::uint64_t size_bytes,
                                     std::uint64_t most_bytes, std::string_view reason) {
    StorageError error(StorageErrorKind::file_too_large, std::move(path), reason);
    error.size_bytes_ = size_bytes;
    error.most_bytes_ = most_bytes;
    return error;
}

StorageError StorageError::from_errno(int error, std::string path, std::string_view doing) {
    return {kind_of(error), std::move(path), fmt::format("{}: {}", doing, reason_of(error))};
}

}  // namespace drover::storage
