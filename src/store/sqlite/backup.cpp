#include "store/backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "base/file.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/schema.hpp"

namespace drover::store {

namespace {

// SQLite fills an empty file as well as none; this one nobody else may read.
void create_empty(const std::filesystem::path& path) {
    const base::FileDescriptor file(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file) return;
    throw StoreError(fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
}

}  // namespace

void copy_database(const std::filesystem::path& from, const std::filesystem::path& to) {
    create_empty(to);
    try {
        sqlite::Connection connection(from);
        sqlite::Statement copy(connection, "VACUUM INTO ?");
        const std::string target = to.string();
        copy.bind_text(1, target).run();
        check_database(to, false);
    } catch (...) {
        std::error_code ignored;
        std::filesystem::remove(to, ignored);
        throw;
    }
}

void check_database(const std::filesystem::path& path, bool is_store) {
    try {
        sqlite::Connection connection(path);
        if (is_store) return sqlite::inspect(connection, path, sqlite::migrations());
        const std::string verdict = connection.query_text("PRAGMA quick_check(1)");
        if (verdict == "ok" &&
            connection.query_integer("PRAGMA application_id") == sqlite::kApplicationId) {
            return;
        }
        throw StoreError(fmt::format("{} is damaged or no database of drover", path.string()));
    } catch (const sqlite::SqliteError& error) {
        throw StoreError(fmt::format("{} is damaged: {}", path.string(), error.what()));
    }
}

}  // namespace drover::store
