#define FUSE_USE_VERSION 312

#include "file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fuse.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <vector>

namespace drover::ha_front {

namespace {

constexpr unsigned kThreads = 400;  // each frozen request holds one
constexpr std::size_t kMostOfText = 4096;
constexpr std::string_view kRecordMark = "DREC";
constexpr std::size_t kRecordBytes = 32;

// libfuse's functions know no object of ours beforehand; there is one file system in a process.
struct World {
    Settings settings;
    Faults& faults;
    WriteLog& log;
};

World& world() {
    return *static_cast<World*>(fuse_get_context()->private_data);
}

struct File {
    int descriptor;
    std::string path;
};

std::string below(const char* path) {
    return world().settings.source + path;
}

File& file_of(fuse_file_info* info) {
    return *reinterpret_cast<File*>(info->fh);
}

// libfuse names no path where there is an open file: it may have none any more.
std::string path_of(const char* path, fuse_file_info* info) {
    return info != nullptr && info->fh != 0 ? file_of(info).path : std::string(path);
}

int answer(long result) {
    return result < 0 ? -errno : 0;
}

// One request: logs a change when it is over, whatever became of it.
class Request {
public:
    Request(std::string_view what, const char* path) : path_(path) {
        change_.what = what;
        change_.path = path_;
        change_.arrived_ns = monotonic_ns();
        change_.thread = fuse_get_context()->pid;
    }

    // Does it, unless it meets a fault; `doing` returns what is to be answered.
    template <class Doing>
    int run(bool needs_room, Doing doing) {
        int error = world().faults.admit(path_);
        if (error == 0 && needs_room && world().faults.is_full(path_)) error = ENOSPC;
        int result = -error;
        if (error == 0) {
            change_.began_ns = monotonic_ns();
            result = doing();
        }
        change_.error = result < 0 ? -result : 0;
        world().log.add(change_);
        return result;
    }

    Change& change() { return change_; }

private:
    std::string path_;
    Change change_{};
};

// What was new belongs to whoever asked, as if he had made it himself.
void give_to_caller(const std::string& path) {
    const auto* caller = fuse_get_context();
    struct stat parent{};
    const auto directory = std::filesystem::path(path).parent_path();
    const bool inherits =
        ::stat(directory.c_str(), &parent) == 0 && (parent.st_mode & S_ISGID) != 0;
    if (::lchown(path.c_str(), caller->uid, inherits ? static_cast<gid_t>(-1) : caller->gid) != 0) {
        std::perror("lchown");
    }
}

int get_attributes(const char* path, struct stat* status, fuse_file_info* info) {
    if (const int error = world().faults.admit(path_of(path, info))) return -error;
    return answer(info != nullptr ? ::fstat(file_of(info).descriptor, status)
                                  : ::lstat(below(path).c_str(), status));
}

int read_link(const char* path, char* text, std::size_t size) {
    if (const int error = world().faults.admit(path)) return -error;
    const auto length = ::readlink(below(path).c_str(), text, size - 1);
    if (length < 0) return -errno;
    text[length] = 0;
    return 0;
}

int make_directory(const char* path, mode_t mode) {
    return Request("mkdir", path).run(true, [&] {
        const auto target = below(path);
        if (::mkdir(target.c_str(), mode) != 0) return -errno;
        give_to_caller(target);
        // Of a directory that inherits its group the bit is inherited too, unless mkdir had it.
        return 0;
    });
}

int make_node(const char* path, mode_t mode, dev_t device) {
    return Request("create", path).run(true, [&] {
        const auto target = below(path);
        if (::mknod(target.c_str(), mode, device) != 0) return -errno;
        give_to_caller(target);
        return 0;
    });
}

int remove_file(const char* path) {
    return Request("unlink", path).run(false, [&] {
        return answer(::unlink(below(path).c_str()));
    });
}

int remove_directory(const char* path) {
    return Request("rmdir", path).run(false, [&] { return answer(::rmdir(below(path).c_str())); });
}

int make_symbolic_link(const char* text, const char* path) {
    return Request("symlink", path).run(true, [&] {
        const auto target = below(path);
        if (::symlink(text, target.c_str()) != 0) return -errno;
        give_to_caller(target);
        return 0;
    });
}

int rename_file(const char* from, const char* to, unsigned flags) {
    Request request("rename", to);
    request.change().from = from;
    return request.run(false, [&] {
        return answer(
            ::renameat2(AT_FDCWD, below(from).c_str(), AT_FDCWD, below(to).c_str(), flags));
    });
}

// Small texts that get their name by a link are leases, slots and plans.
std::string text_of(const std::string& path) {
    std::string text(kMostOfText, '\0');
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return {};
    const auto got = ::read(file, text.data(), text.size());
    ::close(file);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
}

int make_link(const char* from, const char* to) {
    Request request("link", to);
    std::string text;
    request.change().from = from;
    return request.run(true, [&] {
        text = text_of(below(from));
        request.change().record = text;
        return answer(::link(below(from).c_str(), below(to).c_str()));
    });
}

int change_mode(const char* path, mode_t mode, fuse_file_info* info) {
    if (const int error = world().faults.admit(path_of(path, info))) return -error;
    return answer(info != nullptr ? ::fchmod(file_of(info).descriptor, mode)
                                  : ::chmod(below(path).c_str(), mode));
}

int change_owner(const char* path, uid_t user, gid_t group, fuse_file_info* info) {
    if (const int error = world().faults.admit(path_of(path, info))) return -error;
    return answer(info != nullptr ? ::fchown(file_of(info).descriptor, user, group)
                                  : ::lchown(below(path).c_str(), user, group));
}

int change_times(const char* path, const timespec times[2], fuse_file_info* info) {
    if (const int error = world().faults.admit(path_of(path, info))) return -error;
    return answer(info != nullptr
                      ? ::futimens(file_of(info).descriptor, times)
                      : ::utimensat(AT_FDCWD, below(path).c_str(), times, AT_SYMLINK_NOFOLLOW));
}

int change_size(const char* path, off_t size, fuse_file_info* info) {
    const auto known = path_of(path, info);
    Request request("truncate", known.c_str());
    request.change().offset = size;
    return request.run(false, [&] {
        return answer(info != nullptr ? ::ftruncate(file_of(info).descriptor, size)
                                      : ::truncate(below(path).c_str(), size));
    });
}

int remember(int descriptor, const char* path, fuse_file_info* info) {
    if (descriptor < 0) return -errno;
    info->fh = reinterpret_cast<std::uint64_t>(new File{descriptor, path});
    info->direct_io = world().settings.is_cached ? 0 : 1;
    info->keep_cache = world().settings.is_cached ? 1 : 0;
    return 0;
}

// The kernel has done what concerns the caller's memory; the page cache below is everybody's.
int flags_of(const fuse_file_info* info) {
    return (info->flags & ~(O_DIRECT | O_NOFOLLOW)) | O_CLOEXEC;
}

int open_file(const char* path, fuse_file_info* info) {
    if ((info->flags & O_TRUNC) == 0) {
        if (const int error = world().faults.admit(path)) return -error;
        return remember(::open(below(path).c_str(), flags_of(info)), path, info);
    }
    return Request("truncate", path).run(false, [&] {
        return remember(::open(below(path).c_str(), flags_of(info)), path, info);
    });
}

int create_file(const char* path, mode_t mode, fuse_file_info* info) {
    return Request("create", path).run(true, [&] {
        const auto target = below(path);
        int descriptor = ::open(target.c_str(), flags_of(info) | O_CREAT | O_EXCL, mode);
        const bool is_new = descriptor >= 0;
        if (!is_new && errno == EEXIST && (info->flags & O_EXCL) == 0) {
            descriptor = ::open(target.c_str(), flags_of(info) & ~O_CREAT);
        }
        if (is_new) give_to_caller(target);
        return remember(descriptor, path, info);
    });
}

int read_file(const char*, char* bytes, std::size_t size, off_t offset, fuse_file_info* info) {
    const auto& file = file_of(info);
    if (const int error = world().faults.admit(file.path)) return -error;
    const auto got = ::pread(file.descriptor, bytes, size, offset);
    return got < 0 ? -errno : static_cast<int>(got);
}

// Overwriting needs no room; holes and what lies behind the end do.
bool needs_room(int descriptor, off_t offset, std::size_t size) {
    const off_t hole = ::lseek(descriptor, offset, SEEK_HOLE);
    return hole < 0 || hole < offset + static_cast<off_t>(size);
}

int write_file(const char*, const char* bytes, std::size_t size, off_t offset,
               fuse_file_info* info) {
    const auto& file = file_of(info);
    Request request("write", file.path.c_str());
    request.change().offset = offset;
    request.change().bytes = size;
    const std::string_view all(bytes, size);
    if (all.starts_with(kRecordMark)) request.change().record = all.substr(0, kRecordBytes);
    return request.run(needs_room(file.descriptor, offset, size), [&] {
        const auto wrote = ::pwrite(file.descriptor, bytes, size, offset);
        return wrote < 0 ? -errno : static_cast<int>(wrote);
    });
}

int synchronize(const char*, int only_data, fuse_file_info* info) {
    const auto& file = file_of(info);
    if (const int error = world().faults.admit(file.path)) return -error;
    return answer(only_data != 0 ? ::fdatasync(file.descriptor) : ::fsync(file.descriptor));
}

int open_directory(const char* path, fuse_file_info* info) {
    if (const int error = world().faults.admit(path)) return -error;
    return remember(::open(below(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path, info);
}

int release(const char*, fuse_file_info* info) {
    const std::unique_ptr<File> file(&file_of(info));
    ::close(file->descriptor);
    return 0;
}

int allocate(const char*, int mode, off_t offset, off_t length, fuse_file_info* info) {
    const auto& file = file_of(info);
    Request request("allocate", file.path.c_str());
    request.change().offset = offset;
    request.change().bytes = static_cast<std::uint64_t>(length);
    const bool frees = (mode & FALLOC_FL_PUNCH_HOLE) != 0;
    return request.run(!frees,
                       [&] { return answer(::fallocate(file.descriptor, mode, offset, length)); });
}

off_t seek(const char*, off_t offset, int whence, fuse_file_info* info) {
    const auto& file = file_of(info);
    if (const int error = world().faults.admit(file.path)) return -error;
    const off_t found = ::lseek(file.descriptor, offset, whence);
    return found < 0 ? -errno : found;
}

int read_directory(const char*, void* list, fuse_fill_dir_t fill, off_t, fuse_file_info* info,
                   fuse_readdir_flags) {
    const auto& file = file_of(info);
    if (const int error = world().faults.admit(file.path)) return -error;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(below(file.path.c_str()).c_str()),
                                                        [](DIR* open) { return ::closedir(open); });
    if (!directory) return -errno;
    while (const auto* entry = ::readdir(directory.get())) {
        struct stat status{};
        status.st_ino = entry->d_ino;
        status.st_mode = static_cast<mode_t>(entry->d_type) << 12U;
        fill(list, entry->d_name, &status, 0, fuse_fill_dir_flags{});
    }
    return 0;
}

int get_space(const char* path, struct statvfs* space) {
    if (const int error = world().faults.admit(path)) return -error;
    if (::statvfs(below(path).c_str(), space) != 0) return -errno;
    if (world().faults.is_full(path)) space->f_bavail = space->f_bfree = 0;
    return 0;
}

void* begin(fuse_conn_info* connection, fuse_config* config) {
    config->use_ino = 1;
    const double kept_s = world().settings.is_cached ? 3600 : 0;
    config->entry_timeout = kept_s;
    config->attr_timeout = kept_s;
    config->negative_timeout = 0;
    config->hard_remove = 1;  // what is removed is gone, for the other hosts too
    config->nullpath_ok = 1;
    connection->max_background = 1024;
    connection->congestion_threshold = 1024;
    return fuse_get_context()->private_data;
}

fuse_operations operations() {
    fuse_operations all{};
    all.init = begin;
    all.getattr = get_attributes;
    all.readlink = read_link;
    all.mkdir = make_directory;
    all.mknod = make_node;
    all.unlink = remove_file;
    all.rmdir = remove_directory;
    all.symlink = make_symbolic_link;
    all.rename = rename_file;
    all.link = make_link;
    all.chmod = change_mode;
    all.chown = change_owner;
    all.utimens = change_times;
    all.truncate = change_size;
    all.open = open_file;
    all.create = create_file;
    all.read = read_file;
    all.write = write_file;
    all.fsync = synchronize;
    all.opendir = open_directory;
    all.fsyncdir = synchronize;
    all.releasedir = release;
    all.release = release;
    all.fallocate = allocate;
    all.lseek = seek;
    all.readdir = read_directory;
    all.statfs = get_space;
    return all;
}

}  // namespace

int run_file_system(const Settings& settings, Faults& faults, WriteLog& log) {
    ::umask(0);
    World world{settings, faults, log};
    const auto all = operations();
    const char* arguments[] = {"ha-front", "-o", "allow_other,default_permissions,fsname=ha-front"};
    fuse_args options = FUSE_ARGS_INIT(3, const_cast<char**>(arguments));
    auto* file_system = fuse_new(&options, &all, sizeof(all), &world);
    if (file_system == nullptr) return 1;
    int result = 1;
    if (fuse_mount(file_system, settings.mount_point.c_str()) == 0) {
        fuse_set_signal_handlers(fuse_get_session(file_system));
        auto* how = fuse_loop_cfg_create();
        fuse_loop_cfg_set_max_threads(how, kThreads);
        fuse_loop_cfg_set_idle_threads(how, 16);
        result = fuse_loop_mt(file_system, how) == 0 ? 0 : 1;
        fuse_loop_cfg_destroy(how);
        // Whatever waits could not be unmounted otherwise.
        faults.switch_host(false);
        fuse_remove_signal_handlers(fuse_get_session(file_system));
        fuse_unmount(file_system);
    }
    fuse_destroy(file_system);
    return result;
}

}  // namespace drover::ha_front
