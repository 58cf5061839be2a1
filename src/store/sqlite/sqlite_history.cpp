#include "store/sqlite/sqlite_history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "store/sqlite/open.hpp"

namespace drover::store::sqlite {
namespace {

// One in so many of what is kept may be there too many before the oldest are removed: removing
// one for each that is added would double the writer's work.
constexpr std::int64_t kSlack = 50;

}  // namespace

SqliteHistory::SqliteHistory(const std::filesystem::path& path, HistoryLimits limits)
    : lock_(lock_store(path)) {
    state(Log::events).most = static_cast<std::int64_t>(limits.most_events);
    state(Log::tasks).most = static_cast<std::int64_t>(limits.most_tasks);
    std::optional<std::string> failure;
    try {
        open(path);
    } catch (const StoreError& error) {
        failure = error.what();
    }
    if (failure) {
        for (LogState& log : logs_) log.table.reset();
        read_connection_.reset();
        write_connection_.reset();
        set_aside(path, "history", *failure);
        open(path);
    }
    thread_ = std::thread([this] { write_loop(); });
}

SqliteHistory::~SqliteHistory() {
    {
        const std::lock_guard lock(queue_mutex_);
        stopping_ = true;
    }
    work_.notify_all();
    thread_.join();
    try {
        if (!failing_) write_connection_->execute("UPDATE closed SET clean = 1");
    } catch (const StoreError& error) {
        base::log_warning("{}", error.what());
    }
}

void SqliteHistory::open(const std::filesystem::path& path) {
    write_connection_ = open_for_writing(path, history_migrations());
    const bool clean = write_connection_->query_integer("SELECT clean FROM closed") != 0;
    for (const Log log : {Log::events, Log::tasks}) {
        LogState& opened = state(log);
        opened.table = std::make_unique<HistoryTable>(*write_connection_, log);
        opened.count = opened.table->count();
        // Numbers that clients have seen before a crash may never have come to the disk.
        const std::int64_t lost = clean ? 0 : static_cast<std::int64_t>(kMostWaiting);
        opened.first_free = opened.table->greatest_number() + 1 + lost;
    }
    write_connection_->execute("UPDATE closed SET clean = 0");
    read_connection_ = open_for_reading(path);
}

void SqliteHistory::append(HistoryEntry entry) {
    {
        const std::lock_guard lock(queue_mutex_);
        if (queue_.size() >= kMostWaiting || entry.value.size() > kMaxValueBytes) {
            ++dropped_;
            return;
        }
        queue_.push_back(std::move(entry));
        ++accepted_;
    }
    work_.notify_one();
}

void SqliteHistory::forget_before(base::WallTime limit) {
    {
        const std::lock_guard lock(queue_mutex_);
        forget_before_ = limit;
    }
    work_.notify_one();
}

void SqliteHistory::flush() {
    DROVER_CHECK(std::this_thread::get_id() != thread_.get_id());
    std::unique_lock lock(queue_mutex_);
    const std::uint64_t target = accepted_;
    idle_.wait(lock, [&] { return finished_ >= target; });
}

std::vector<HistoryEntry> SqliteHistory::query(const HistoryQuery& query) const {
    const std::lock_guard lock(read_mutex_);
    return select_history(*read_connection_, query);
}

std::int64_t SqliteHistory::first_free_number(Log log) const {
    return logs_.at(static_cast<std::size_t>(log)).first_free;
}

void SqliteHistory::write_loop() {
    bool more_to_forget = false;
    while (true) {
        std::deque<HistoryEntry> group;
        std::optional<base::WallTime> forget;
        std::size_t dropped = 0;
        {
            std::unique_lock lock(queue_mutex_);
            work_.wait(lock, [&] {
                return stopping_ || !queue_.empty() || forget_before_ || more_to_forget;
            });
            if (queue_.empty() && stopping_) return;
            group.swap(queue_);
            forget = std::exchange(forget_before_, std::nullopt);
            dropped = std::exchange(dropped_, 0);
        }
        dropped += encode(group);
        if (dropped != 0) say_dropped(dropped, "too much waits for the disk");
        more_to_forget = write(group, forget);
        {
            const std::lock_guard lock(queue_mutex_);
            finished_ += group.size();
            // The rest of what is to be forgotten comes with the next round.
            if (more_to_forget && forget && !forget_before_) forget_before_ = forget;
        }
        idle_.notify_all();
    }
}

// Returns how many entries were too large in the end; their values are empty then.
std::size_t SqliteHistory::encode(std::deque<HistoryEntry>& group) {
    std::size_t too_large = 0;
    for (HistoryEntry& entry : group) {
        if (!entry.encode) continue;
        entry.value = std::exchange(entry.encode, nullptr)();
        if (entry.value.size() <= kMaxValueBytes) continue;
        entry.value.clear();
        ++too_large;
    }
    return too_large;
}

// True if there is more to remove.
bool SqliteHistory::write(const std::deque<HistoryEntry>& group,
                          std::optional<base::WallTime> forget) {
    try {
        write_connection_->execute("BEGIN IMMEDIATE");
        insert(group);
        write_connection_->execute("COMMIT");
        failing_ = false;
        write_connection_->execute("BEGIN IMMEDIATE");
        const bool more = prune(forget);
        write_connection_->execute("COMMIT");
        return more;
    } catch (const StoreError& error) {
        if (write_connection_->in_transaction()) {
            ::sqlite3_exec(write_connection_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
        }
        if (!failing_) say_dropped(group.size(), error.what());
        failing_ = true;
        return false;
    }
}

void SqliteHistory::insert(const std::deque<HistoryEntry>& group) {
    for (const HistoryEntry& entry : group) {
        LogState& log = state(entry.log);
        log.table->insert(entry);
        ++log.count;
    }
}

bool SqliteHistory::prune(std::optional<base::WallTime> forget) {
    bool more = false;
    for (LogState& log : logs_) {
        std::int64_t last = forget ? log.table->last_before(*forget) : 0;
        if (log.count > log.most + log.most / kSlack) {
            last = std::max(last, log.table->number_of_oldest(log.count - log.most));
        }
        if (last == 0) continue;
        more = log.table->remove_up_to(last) || more;
        log.count = log.table->count();
    }
    return more;
}

void SqliteHistory::say_dropped(std::size_t count, const char* reason) {
    base::log_warning("history: {} entries are not kept: {}", count, reason);
}

}  // namespace drover::store::sqlite

namespace drover::store {

std::unique_ptr<History> open_sqlite_history(const std::filesystem::path& path,
                                             HistoryLimits limits) {
    return std::make_unique<sqlite::SqliteHistory>(path, limits);
}

}  // namespace drover::store
