#include "store/sqlite/open.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include "base/log.hpp"
#include "store/sqlite/schema.hpp"

namespace drover::store::sqlite {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
    throw StoreError(
        fmt::format("store {}: {}", path.string(), std::generic_category().message(error)));
}

// SQLite would create the file with the umask's rights; ours may hold password hashes.
void create_if_absent(const std::filesystem::path& path) {
    const base::FileDescriptor file(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) fail(path, errno);
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) fail(path, errno);
    if (!S_ISREG(status.st_mode)) fail(path, EINVAL);
    if (status.st_size == 0) base::sync_directory(path.parent_path());
}

}  // namespace

base::FileDescriptor lock_store(const std::filesystem::path& path) {
    // A file of its own: closing any descriptor of the store's file would drop SQLite's locks.
    const std::filesystem::path lock_path = path.string() + ".lock";
    base::FileDescriptor lock(
        ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) fail(lock_path, errno);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) fail(lock_path, errno);
        throw StoreError(fmt::format("store {} is in use by another process", path.string()));
    }
    return lock;
}

std::unique_ptr<Connection> open_for_writing(const std::filesystem::path& path,
                                             std::span<const Migration> known) {
    create_if_absent(path);
    auto connection = std::make_unique<Connection>(path);
    // While we only look, closing must not move the log into a file that may be damaged.
    connection->set_checkpoint_on_close(false);
    inspect(*connection, path, known);
    connection->set_checkpoint_on_close(true);
    if (connection->query_text("PRAGMA journal_mode = WAL") != "wal") {
        throw StoreError(
            fmt::format("store {}: its file system can't carry a write-ahead log", path.string()));
    }
    connection->execute("PRAGMA synchronous = FULL");
    connection->execute("PRAGMA wal_autocheckpoint = 2000");
    connection->execute("PRAGMA journal_size_limit = 16777216");
    migrate(*connection, known);
    return connection;
}

std::unique_ptr<Connection> open_for_reading(const std::filesystem::path& path) {
    auto connection = std::make_unique<Connection>(path);
    connection->execute("PRAGMA query_only = ON");
    connection->execute("PRAGMA mmap_size = 0");
    return connection;
}

void set_aside(const std::filesystem::path& path, std::string_view what, std::string_view reason) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const std::string suffix = fmt::format(".damaged-{}", now.count());
    base::log_warning("{}; it is set aside as {}{}, and a new {} begins", reason, path.string(),
                      suffix, what);
    // The log goes along: it belongs to that file and would be taken for the new one's.
    for (const char* part : {"", "-wal", "-shm"}) {
        const std::string file = path.string() + part;
        std::error_code error;
        if (!std::filesystem::exists(std::filesystem::symlink_status(file, error))) continue;
        std::filesystem::rename(file, file + suffix, error);
        if (error) {
            throw StoreError(
                fmt::format("{} {} can't be set aside: {}", what, file, error.message()));
        }
    }
}

}  // namespace drover::store::sqlite
