#include "store/sqlite/connection.hpp"

#include <fmt/format.h>

namespace drover::store::sqlite {
namespace {

// SQLite wants a pointer even for no bytes: null would be SQL's NULL.
const char* not_null(std::string_view bytes) {
    return bytes.data() == nullptr ? "" : bytes.data();
}

}  // namespace

Connection::Connection(const std::filesystem::path& path) : path_(path.string()) {
    const int code = ::sqlite3_open_v2(
        path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
        nullptr);
    if (code != SQLITE_OK) {
        const std::string reason = handle_ ? ::sqlite3_errmsg(handle_) : ::sqlite3_errstr(code);
        ::sqlite3_close_v2(handle_);
        throw SqliteError(code, fmt::format("store {}: {}", path_, reason));
    }
    // A reader meets a short lock while the log is recovered or checkpointed; it waits.
    ::sqlite3_busy_timeout(handle_, 10'000);
    ::sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, static_cast<int>(kMaxValueBytes + (1u << 20)));
    ::sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    ::sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

void Connection::fail(int code) const {
    throw SqliteError(code, fmt::format("store {}: {}", path_, ::sqlite3_errmsg(handle_)));
}

void Connection::execute(const char* sql) {
    const int code = ::sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code);
}

std::int64_t Connection::query_integer(const char* sql, std::int64_t absent) {
    Statement statement(*this, sql);
    return statement.step() ? statement.integer(0) : absent;
}

std::string Connection::query_text(const char* sql) {
    Statement statement(*this, sql);
    return statement.step() ? statement.bytes(0) : std::string();
}

void Connection::set_checkpoint_on_close(bool wanted) {
    ::sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1, nullptr);
}

Statement::Statement(Connection& connection, const char* sql) : connection_(connection) {
    const int code = ::sqlite3_prepare_v3(connection.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT,
                                          &handle_, nullptr);
    if (code != SQLITE_OK) connection.fail(code);
}

Statement& Statement::bind_text(int index, std::string_view text) {
    const int code = ::sqlite3_bind_text64(handle_, index, not_null(text), text.size(),
                                           SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK) connection_.fail(code);
    return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
    const int code =
        ::sqlite3_bind_blob64(handle_, index, not_null(bytes), bytes.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) connection_.fail(code);
    return *this;
}

Statement& Statement::bind_integer(int index, std::int64_t value) {
    const int code = ::sqlite3_bind_int64(handle_, index, value);
    if (code != SQLITE_OK) connection_.fail(code);
    return *this;
}

bool Statement::step() {
    const int code = ::sqlite3_step(handle_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) connection_.fail(code);
    return false;
}

void Statement::reset() {
    ::sqlite3_reset(handle_);
    ::sqlite3_clear_bindings(handle_);
}

void Statement::run() {
    const ResetAtEnd reset_at_end(*this);
    while (step()) {
    }
}

std::int64_t Statement::integer(int column) const {
    return ::sqlite3_column_int64(handle_, column);
}

std::string Statement::bytes(int column) const {
    const void* data = ::sqlite3_column_blob(handle_, column);
    const int size = ::sqlite3_column_bytes(handle_, column);
    if (data == nullptr || size <= 0) return {};
    return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

}  // namespace drover::store::sqlite
