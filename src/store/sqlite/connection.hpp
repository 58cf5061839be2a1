#pragma once

// The thin layer over SQLite's C API: a connection and a prepared statement that clean up after
// themselves and turn result codes into exceptions. Only sqlite/*.cpp includes this.

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "store/store.hpp"

namespace drover::store::sqlite {

/// An error of SQLite with its extended result code.
class SqliteError final : public StoreError {
public:
    SqliteError(int code, const std::string& message) : StoreError(message), code_(code) {}
    int code() const { return code_; }
    /// The disk, or the quota, is full.
    bool is_full() const { return (code_ & 0xff) == SQLITE_FULL; }

private:
    int code_;
};

/// One thread at a time.
class Connection {
public:
    /// Opens an existing file; never creates one.
    explicit Connection(const std::filesystem::path& path);
    ~Connection() { ::sqlite3_close_v2(handle_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Runs statements that return nothing of interest.
    void execute(const char* sql);
    /// The first column of the first row, or `absent` if there is no row.
    std::int64_t query_integer(const char* sql, std::int64_t absent = 0);
    std::string query_text(const char* sql);
    /// Whether the last close may move the log into the file and delete it. SQLite does so unless
    /// told otherwise.
    void set_checkpoint_on_close(bool wanted);
    bool in_transaction() const { return ::sqlite3_get_autocommit(handle_) == 0; }

    sqlite3* handle() const { return handle_; }
    [[noreturn]] void fail(int code) const;

private:
    std::string path_;
    sqlite3* handle_ = nullptr;
};

/// A prepared statement that is used again and again. Its connection outlives it.
class Statement {
public:
    Statement(Connection& connection, const char* sql);
    ~Statement() { ::sqlite3_finalize(handle_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    // Parameters count from 1. The bytes must live until reset().
    Statement& bind_text(int index, std::string_view text);
    Statement& bind_blob(int index, std::string_view bytes);
    Statement& bind_integer(int index, std::int64_t value);

    /// True if there is a row to read.
    bool step();
    void reset();
    /// Runs it to its end and makes it ready for the next use.
    void run();

    // Columns count from 0; valid after a step() that gave true.
    std::int64_t integer(int column) const;
    std::string bytes(int column) const;

private:
    Connection& connection_;
    sqlite3_stmt* handle_ = nullptr;
};

/// Resets a statement when the block ends, however it ends.
class ResetAtEnd {
public:
    explicit ResetAtEnd(Statement& statement) : statement_(statement) {}
    ~ResetAtEnd() { statement_.reset(); }
    ResetAtEnd(const ResetAtEnd&) = delete;
    ResetAtEnd& operator=(const ResetAtEnd&) = delete;

private:
    Statement& statement_;
};

}  // namespace drover::store::sqlite
