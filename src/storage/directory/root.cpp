#include "storage/directory/root.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/random.hpp"
#include "storage/directory/beneath.hpp"
#include "storage/directory/temporary_file.hpp"

namespace drover::storage::directory {
namespace {

constexpr const char* kDirectory = ".drover";
constexpr const char* kIdentityName = "datastore.json";
constexpr const char* kIdentityPath = ".drover/datastore.json";
constexpr std::size_t kIdentityLimitBytes = 4096;

bool is_reserved(std::string_view relative) {
    return relative.starts_with(kReservedPrefix) ||
           relative.contains("/" + std::string(kReservedPrefix));
}

// Empty if the text is no identity.
std::string parse_uuid(std::string_view text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("uuid") || !json["uuid"].is_string()) return {};
    std::string uuid = json["uuid"];
    const bool valid = uuid.size() == 36 && std::ranges::all_of(uuid, [](char c) {
                           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
                       });
    return valid ? uuid : std::string();
}

// Two links of one file, the second refused if the name is taken: what compare-and-swap rests on.
// Empty if it could not be tried out, for example because the file system is full just now.
std::optional<bool> try_exclusive_link(int directory) {
    const std::string name = fmt::format("{}-tmp-{}", kReservedPrefix, base::SystemRandom().hex(8));
    std::optional<bool> works;
    try {
        TemporaryFile probe(directory, "exclusive link");
        TemporaryFile other(directory, "exclusive link");
        works = probe.link_as(name) && !other.link_as(name);
    } catch (const StorageError& error) {
        if (error.kind() != StorageErrorKind::no_space) works = false;
    }
    ::unlinkat(directory, name.c_str(), 0);
    return works;
}

}  // namespace

Root::Root(std::string name, std::filesystem::path path, std::string expected_uuid)
    : name_(std::move(name)), path_(std::move(path)), uuid_(std::move(expected_uuid)) {}

void Root::fail(StorageErrorKind kind, std::string_view reason) const {
    throw StorageError(kind, fmt::format("[{}]", name_), reason);
}

std::string Root::known_uuid() const {
    const std::lock_guard lock(mutex_);
    return uuid_;
}

Root::Seen Root::look(int top) const {
    struct stat directory{};
    struct stat identity{};
    if (::fstat(top, &directory) != 0) {
        fail(StorageErrorKind::inaccessible, std::generic_category().message(errno));
    }
    Seen seen{directory.st_dev, directory.st_ino, 0};
    if (::fstatat(top, kIdentityPath, &identity, AT_SYMLINK_NOFOLLOW) == 0) {
        seen.identity_inode = identity.st_ino;
    } else if (errno != ENOENT) {
        fail(StorageErrorKind::inaccessible,
             fmt::format("{}: {}", kIdentityPath, std::generic_category().message(errno)));
    }
    return seen;
}

// Reads the identity, or makes it if the directory never had one and none is expected.
Root::Established Root::establish(int top) const {
    if (uuid_.empty() && ::mkdirat(top, kDirectory, kDirectoryMode) == 0) {
        inherit_directory_mode(top, kDirectory);
    }
    const base::FileDescriptor own = open_beneath(top, kDirectory, O_RDONLY | O_DIRECTORY);
    if (!own && errno == ENOENT) {
        fail(StorageErrorKind::inaccessible,
             "the directory does not hold this datastore: is its file system mounted?");
    }
    if (!own) {
        fail(StorageErrorKind::inaccessible,
             fmt::format("{}: {}", kDirectory, std::generic_category().message(errno)));
    }
    if (uuid_.empty()) {
        const std::string text =
            nlohmann::json{{"version", 1}, {"uuid", base::SystemRandom().uuid()}}.dump() + "\n";
        struct stat status{};
        if (::fstatat(own.get(), kIdentityName, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            // Whoever is first decides.
            TemporaryFile(own.get(), text, kIdentityPath).link_as(kIdentityName);
        }
    }
    const base::FileDescriptor file = open_beneath(own.get(), kIdentityName, O_RDONLY);
    if (!file) {
        fail(StorageErrorKind::inaccessible,
             "the directory does not hold this datastore: is its file system mounted?");
    }
    const std::string uuid = parse_uuid(read_all(file.get(), kIdentityLimitBytes, kIdentityPath));
    if (uuid.empty()) {
        fail(StorageErrorKind::inaccessible, fmt::format("{} is damaged", kIdentityPath));
    }
    if (!uuid_.empty() && uuid != uuid_) {
        fail(StorageErrorKind::inaccessible,
             fmt::format("the directory holds another datastore ({} instead of {})", uuid, uuid_));
    }
    const auto works = try_exclusive_link(own.get());
    return {uuid, works.value_or(false), works.has_value()};
}

base::FileDescriptor Root::open_top() {
    base::FileDescriptor top(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top) {
        fail(StorageErrorKind::inaccessible,
             fmt::format("{}: {}", path_.string(), std::generic_category().message(errno)));
    }
    const Seen now = look(top.get());
    const std::lock_guard lock(mutex_);
    if (now.identity_inode != 0 && now.identity_inode == seen_.identity_inode &&
        now.device == seen_.device && now.top_inode == seen_.top_inode) {
        return top;
    }
    bool is_settled = false;
    try {
        const Established identity = establish(top.get());
        is_settled = identity.is_settled;
        uuid_ = identity.uuid;
        supports_compare_and_swap_ = identity.supports_compare_and_swap;
    } catch (const StorageError& error) {
        if (error.kind() == StorageErrorKind::inaccessible) throw;
        fail(StorageErrorKind::inaccessible, error.what());  // read-only, full, failing
    }
    seen_ = is_settled ? look(top.get()) : Seen{};
    return top;
}

Root::Identity Root::verify() {
    open_top();
    const std::lock_guard lock(mutex_);
    return {uuid_, supports_compare_and_swap_};
}

void Root::check(const DatastorePath& path) const {
    if (path.datastore() != name_) {
        throw StorageError(StorageErrorKind::invalid_path, path.to_string(),
                           fmt::format("the path is not on datastore [{}]", name_));
    }
    if (is_reserved(path.relative())) {
        throw StorageError(StorageErrorKind::invalid_path, path.to_string(),
                           "names that begin with '.drover' belong to the datastore");
    }
}

base::FileDescriptor Root::open(const DatastorePath& path, int flags, mode_t mode) {
    check(path);
    const base::FileDescriptor top = open_top();
    base::FileDescriptor opened = open_beneath(top.get(), path.relative(), flags, mode);
    if (!opened) throw StorageError::from_errno(errno, path.to_string(), "open");
    return opened;
}

base::FileDescriptor Root::open_file(const DatastorePath& path, int flags, struct stat* status) {
    base::FileDescriptor file = open(path, flags);
    struct stat own{};
    struct stat& into = status != nullptr ? *status : own;
    if (::fstat(file.get(), &into) != 0) {
        throw StorageError::from_errno(errno, path.to_string(), "stat");
    }
    if (S_ISDIR(into.st_mode)) {
        throw StorageError(StorageErrorKind::is_a_directory, path.to_string(), "is a directory");
    }
    if (!S_ISREG(into.st_mode)) {
        throw StorageError(StorageErrorKind::unsupported, path.to_string(), "is no regular file");
    }
    return file;
}

Root::Place Root::open_parent(const DatastorePath& path) {
    check(path);
    if (path.is_root()) {
        throw StorageError(StorageErrorKind::invalid_path, path.to_string(),
                           "the path names the datastore itself");
    }
    const base::FileDescriptor top = open_top();
    Place place{open_beneath(top.get(), path.parent().relative(), O_RDONLY | O_DIRECTORY),
                path.file_name(), path.to_string()};
    if (!place.directory) throw StorageError::from_errno(errno, place.path, "open the directory");
    return place;
}

}  // namespace drover::storage::directory
