#include "store/sqlite/schema.hpp"

#include <fmt/format.h>

#include <array>

namespace drover::store::sqlite {
namespace {

// Values may be long, so the table keeps its rowid: the (kind, id) index then stays narrow.
constexpr Migration kRecords = R"sql(
    CREATE TABLE record (
        kind    TEXT NOT NULL,
        id      TEXT NOT NULL,
        version INTEGER NOT NULL,
        name    TEXT NOT NULL,
        parent  TEXT NOT NULL,
        value   BLOB NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT;
    CREATE INDEX record_name ON record (kind, name) WHERE name <> '';
    CREATE INDEX record_parent ON record (kind, parent) WHERE parent <> '';
)sql";

constexpr std::array<Migration, 1> kMigrations{kRecords};

bool is_empty(Connection& connection) {
    return connection.query_integer("SELECT count(*) FROM sqlite_schema") == 0;
}

std::int64_t schema_version(Connection& connection) {
    const bool has_table = connection.query_integer(
                               "SELECT count(*) FROM sqlite_schema "
                               "WHERE type = 'table' AND name = 'schema_version'") != 0;
    if (!has_table) return 0;
    return connection.query_integer("SELECT coalesce(max(version), 0) FROM schema_version");
}

}  // namespace

std::span<const Migration> migrations() {
    return kMigrations;
}

void inspect(Connection& connection, const std::filesystem::path& path,
             std::span<const Migration> known) {
    try {
        if (is_empty(connection)) return;
        if (connection.query_integer("PRAGMA application_id") != kApplicationId) {
            throw StoreError(fmt::format("{} is a database of another program, not a drover store",
                                         path.string()));
        }
        const std::string verdict = connection.query_text("PRAGMA quick_check(1)");
        if (verdict != "ok") {
            throw StoreError(fmt::format("store {} is damaged: {}", path.string(), verdict));
        }
        const std::int64_t version = schema_version(connection);
        if (version > static_cast<std::int64_t>(known.size())) {
            throw StoreError(fmt::format(
                "store {} has schema version {}; this drover knows versions up to {}. It was "
                "written by a newer drover: upgrade, or restore a backup of before the upgrade",
                path.string(), version, known.size()));
        }
    } catch (const SqliteError& error) {
        const int code = error.code() & 0xff;
        if (code != SQLITE_CORRUPT && code != SQLITE_NOTADB) throw;
        throw StoreError(fmt::format("store {} is damaged or no drover store; it was left as it is",
                                     path.string()));
    }
}

void migrate(Connection& connection, std::span<const Migration> known) {
    const auto have = static_cast<std::size_t>(schema_version(connection));
    for (std::size_t version = have + 1; version <= known.size(); ++version) {
        connection.execute("BEGIN IMMEDIATE");
        try {
            if (version == 1) {
                connection.execute(
                    fmt::format("PRAGMA application_id = {}", kApplicationId).c_str());
                connection.execute(
                    "CREATE TABLE schema_version ("
                    "version INTEGER PRIMARY KEY, applied TEXT NOT NULL) STRICT");
            }
            connection.execute(known[version - 1]);
            connection.execute(
                fmt::format("INSERT INTO schema_version VALUES ({}, datetime('now'))", version)
                    .c_str());
            connection.execute("COMMIT");
        } catch (...) {
            if (connection.in_transaction()) connection.execute("ROLLBACK");
            throw;
        }
    }
}

}  // namespace drover::store::sqlite
