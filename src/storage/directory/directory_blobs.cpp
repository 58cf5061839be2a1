#include "storage/directory/directory_blobs.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <optional>

#include <cerrno>

#include "storage/directory/beneath.hpp"
#include "storage/directory/entries.hpp"
#include "storage/directory/raw_copy.hpp"
#include "storage/directory/temporary_file.hpp"

namespace drover::storage::directory {
namespace {

// Directories belong to few users, so the last one is remembered.
std::string user_name(uid_t user) {
    thread_local std::optional<uid_t> known;
    thread_local std::string name;
    if (known == user) return name;
    std::array<char, 4096> buffer{};
    struct passwd entry{};
    struct passwd* found = nullptr;
    ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
    name = found != nullptr ? std::string(found->pw_name) : std::to_string(user);
    known = user;
    return name;
}

FileInfo to_info(std::string name, const struct stat& status) {
    FileInfo info;
    info.name = std::move(name);
    info.kind = S_ISREG(status.st_mode)   ? FileKind::file
                : S_ISDIR(status.st_mode) ? FileKind::directory
                                          : FileKind::other;
    info.size_bytes = static_cast<std::uint64_t>(status.st_size);
    info.allocated_bytes = static_cast<std::uint64_t>(status.st_blocks) * 512;
    info.modified = base::WallTime(std::chrono::seconds(status.st_mtim.tv_sec) +
                                   std::chrono::microseconds(status.st_mtim.tv_nsec / 1000));
    info.owner = user_name(status.st_uid);
    return info;
}

class Reader final : public FileReader {
public:
    Reader(base::FileDescriptor file, std::uint64_t size_bytes, std::string path)
        : file_(std::move(file)), size_bytes_(size_bytes), path_(std::move(path)) {}

    std::uint64_t size_bytes() const override { return size_bytes_; }
    std::size_t read_at(std::uint64_t offset_bytes, std::span<char> buffer) override {
        return directory::read_at(file_.get(), offset_bytes, buffer, path_);
    }

private:
    base::FileDescriptor file_;
    std::uint64_t size_bytes_;
    std::string path_;
};

class Writer final : public FileWriter {
public:
    Writer(Root::Place place, IfExists policy)
        : place_(std::move(place)), policy_(policy), file_(place_.directory.get(), place_.path) {}

    void write_at(std::uint64_t offset_bytes, std::span<const char> bytes) override {
        directory::write_at(file_.get(), offset_bytes, bytes, place_.path);
    }

    void commit() override {
        file_.sync();
        if (policy_ == IfExists::replace) {
            file_.replace(place_.name);
        } else if (!file_.link_as(place_.name)) {
            throw StorageError::from_errno(EEXIST, place_.path, "create");
        }
    }

private:
    Root::Place place_;
    IfExists policy_;
    TemporaryFile file_;
};

void refuse_existing(const Root::Place& place) {
    struct stat status{};
    if (::fstatat(place.directory.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        throw StorageError::from_errno(EEXIST, place.path, "create");
    }
}

// For file systems that know no RENAME_NOREPLACE (NFS). A link fails if the name is taken; a
// directory can't be linked, but never replaces one that has content.
int rename_by_link(const Root::Place& source, const Root::Place& target) {
    const int from = source.directory.get();
    const int to = target.directory.get();
    if (::linkat(from, source.name.c_str(), to, target.name.c_str(), 0) == 0) {
        return ::unlinkat(from, source.name.c_str(), 0);
    }
    if (errno != EPERM) return -1;
    refuse_existing(target);
    return ::renameat(from, source.name.c_str(), to, target.name.c_str());
}

}  // namespace

std::string DirectoryBlobs::read(const DatastorePath& path, std::uint64_t size_limit_bytes) {
    const auto file = root_.open_file(path, O_RDONLY, nullptr);
    return read_all(file.get(), size_limit_bytes, path.to_string());
}

void DirectoryBlobs::write(const DatastorePath& path, std::string_view content) {
    const auto place = root_.open_parent(path);
    TemporaryFile(place.directory.get(), content, place.path).replace(place.name);
}

void DirectoryBlobs::create_exclusive(const DatastorePath& path, std::string_view content) {
    const auto place = root_.open_parent(path);
    refuse_existing(place);  // spares the writing; the link decides
    if (!TemporaryFile(place.directory.get(), content, place.path).link_as(place.name)) {
        throw StorageError::from_errno(EEXIST, place.path, "create");
    }
}

void DirectoryBlobs::remove(const DatastorePath& path) {
    const auto place = root_.open_parent(path);
    if (::unlinkat(place.directory.get(), place.name.c_str(), 0) != 0) {
        throw StorageError::from_errno(errno, place.path, "remove");
    }
    sync_entries(place.directory.get(), place.path);
}

void DirectoryBlobs::rename(const DatastorePath& from, const DatastorePath& to, IfExists policy) {
    const auto source = root_.open_parent(from);
    const auto target = root_.open_parent(to);
    const unsigned flags = policy == IfExists::fail ? RENAME_NOREPLACE : 0;
    int result = ::renameat2(source.directory.get(), source.name.c_str(), target.directory.get(),
                             target.name.c_str(), flags);
    if (result != 0 && errno == EINVAL && flags != 0) result = rename_by_link(source, target);
    if (result != 0) {
        const bool about_target = errno == EEXIST || errno == ENOTEMPTY || errno == EISDIR;
        throw StorageError::from_errno(errno, about_target ? target.path : source.path, "rename");
    }
    sync_entries(source.directory.get(), source.path);
    sync_entries(target.directory.get(), target.path);
}

void DirectoryBlobs::copy(const DatastorePath& from, const DatastorePath& to, IfExists policy,
                          const CopyControl& control) {
    struct stat status{};
    const auto source = root_.open_file(from, O_RDONLY, &status);
    auto place = root_.open_parent(to);
    if (policy == IfExists::fail) refuse_existing(place);
    TemporaryFile target(place.directory.get(), place.path);
    const auto size_bytes = static_cast<std::uint64_t>(status.st_size);
    set_size(target.get(), size_bytes, place.path);
    copy_data(source.get(), target.get(), size_bytes, control, place.path);
    target.sync();
    if (policy == IfExists::replace) {
        target.replace(place.name);
    } else if (!target.link_as(place.name)) {
        throw StorageError::from_errno(EEXIST, place.path, "create");
    }
}

void DirectoryBlobs::make_directory(const DatastorePath& path, MakeDirectory policy) {
    if (policy == MakeDirectory::with_parents && !path.is_root() && !path.parent().is_root()) {
        make_directory(path.parent(), policy);
    }
    const auto place = root_.open_parent(path);
    if (::mkdirat(place.directory.get(), place.name.c_str(), kDirectoryMode) == 0) {
        inherit_directory_mode(place.directory.get(), place.name);
        sync_entries(place.directory.get(), place.path);
        return;
    }
    if (errno != EEXIST || policy == MakeDirectory::exclusive) {
        throw StorageError::from_errno(errno, place.path, "make the directory");
    }
    root_.open(path, O_RDONLY | O_DIRECTORY);  // not_a_directory if it is none
}

void DirectoryBlobs::remove_directory(const DatastorePath& path) {
    const auto place = root_.open_parent(path);
    const auto remove = [&] {
        return ::unlinkat(place.directory.get(), place.name.c_str(), AT_REMOVEDIR) == 0;
    };
    if (!remove()) {
        // What dead writers left is nothing that a caller could see or remove.
        if (errno == ENOTEMPTY || errno == EEXIST) {
            const auto inner = root_.open(path, O_RDONLY | O_DIRECTORY);
            remove_temporary_files(inner.get(), std::chrono::seconds(0), place.path);
            if (!remove()) throw StorageError::from_errno(ENOTEMPTY, place.path, "remove");
        } else {
            throw StorageError::from_errno(errno, place.path, "remove");
        }
    }
    sync_entries(place.directory.get(), place.path);
}

void DirectoryBlobs::remove_tree(const DatastorePath& path) {
    const auto place = root_.open_parent(path);
    {
        const auto inner = root_.open(path, O_RDONLY | O_DIRECTORY);
        remove_content(inner.get(), static_cast<int>(DatastorePath::kMaxDepth), place.path);
    }
    if (::unlinkat(place.directory.get(), place.name.c_str(), AT_REMOVEDIR) != 0) {
        throw StorageError::from_errno(errno, place.path, "remove");
    }
    sync_entries(place.directory.get(), place.path);
}

std::vector<FileInfo> DirectoryBlobs::list(const DatastorePath& directory) {
    const auto opened = root_.open(directory, O_RDONLY | O_DIRECTORY);
    std::vector<FileInfo> listed;
    for (auto& name : read_names(opened.get(), kMaxListed, directory.to_string())) {
        if (name.starts_with(kReservedPrefix)) continue;
        struct stat status{};
        if (::fstatat(opened.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) continue;  // removed meanwhile
            throw StorageError::from_errno(errno, directory.to_string(), "stat " + name);
        }
        listed.push_back(to_info(std::move(name), status));
    }
    return listed;
}

FileInfo DirectoryBlobs::stat(const DatastorePath& path) {
    const auto opened = root_.open(path, O_PATH);
    struct stat status{};
    if (::fstat(opened.get(), &status) != 0) {
        throw StorageError::from_errno(errno, path.to_string(), "stat");
    }
    return to_info(path.file_name(), status);
}

std::unique_ptr<FileReader> DirectoryBlobs::open_reader(const DatastorePath& path) {
    struct stat status{};
    auto file = root_.open_file(path, O_RDONLY, &status);
    return std::make_unique<Reader>(std::move(file), static_cast<std::uint64_t>(status.st_size),
                                    path.to_string());
}

std::unique_ptr<FileWriter> DirectoryBlobs::open_writer(const DatastorePath& path,
                                                        IfExists policy) {
    auto place = root_.open_parent(path);
    if (policy == IfExists::fail) refuse_existing(place);
    return std::make_unique<Writer>(std::move(place), policy);
}

}  // namespace drover::storage::directory
