#pragma once

// The history in one SQLite file. As in the store, one thread writes all that waits in one
// transaction, and readers have a connection of their own.

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/file.hpp"
#include "store/sqlite/history_tables.hpp"

namespace drover::store::sqlite {

class SqliteHistory final : public History {
public:
    SqliteHistory(const std::filesystem::path& path, HistoryLimits limits);
    ~SqliteHistory() override;

    void append(HistoryEntry entry) override;
    void forget_before(base::WallTime limit) override;
    void flush() override;
    std::vector<HistoryEntry> query(const HistoryQuery& query) const override;
    std::int64_t first_free_number(Log log) const override;

private:
    struct LogState {
        std::unique_ptr<HistoryTable> table;  // only the writing thread touches it
        std::int64_t most = 0;
        std::int64_t count = 0;
        std::int64_t first_free = 1;
    };

    void open(const std::filesystem::path& path);
    void write_loop();
    static std::size_t encode(std::deque<HistoryEntry>& group);
    bool write(const std::deque<HistoryEntry>& group, std::optional<base::WallTime> forget);
    void insert(const std::deque<HistoryEntry>& group);
    bool prune(std::optional<base::WallTime> forget);
    void say_dropped(std::size_t count, const char* reason);
    LogState& state(Log log) { return logs_.at(static_cast<std::size_t>(log)); }

    base::FileDescriptor lock_;
    std::unique_ptr<Connection> write_connection_;
    std::array<LogState, 2> logs_;

    mutable std::mutex read_mutex_;
    std::unique_ptr<Connection> read_connection_;

    mutable std::mutex queue_mutex_;
    std::condition_variable work_;
    std::condition_variable idle_;
    std::deque<HistoryEntry> queue_;
    std::optional<base::WallTime> forget_before_;
    std::uint64_t accepted_ = 0;
    std::uint64_t finished_ = 0;
    std::size_t dropped_ = 0;  // not said yet
    bool stopping_ = false;
    bool failing_ = false;  // the last write failed; said once
    std::thread thread_;
};

}  // namespace drover::store::sqlite
