#pragma once

// What happened, kept for a while: events and ended tasks, appended and never changed, in a file of
// their own. Losing it costs knowledge of the past, not machines: a file that is damaged is set
// aside and a new one begun, and what does not get to the disk in time is dropped with a warning.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "store/store.hpp"

namespace drover::store {

/// Two independent logs with numbers of their own.
enum class Log { events, tasks };

/// How an object is to an entry, as bits: the entry is about it, or about something that was below
/// it in the inventory then. Kept with the entry, since what it is about may be gone.
inline constexpr int kSelf = 1;
inline constexpr int kAbove = 2;

struct HistoryObject {
    std::string id;
    int relation = kSelf;

    friend bool operator==(const HistoryObject&, const HistoryObject&) = default;
};

struct HistoryEntry {
    Log log = Log::events;
    std::int64_t number = 0;  ///< unique within its log; newer entries have greater ones
    std::int64_t chain = 0;
    std::string type;  ///< the event's type; the task's state
    std::string user;
    base::WallTime time;  ///< created, queued
    std::optional<base::WallTime> started;
    std::optional<base::WallTime> completed;
    std::string value;  ///< opaque bytes, at most kMaxValueBytes
    std::vector<HistoryObject> objects;
    /// If set it makes `value`, later and on a thread of the history's. It must not throw.
    std::function<std::string()> encode{};
};

/// What to read. All conditions must hold; an empty list is no condition.
struct HistoryQuery {
    enum class Time { created, started, completed };

    Log log = Log::events;
    std::optional<std::int64_t> after;   ///< number > after
    std::optional<std::int64_t> before;  ///< number < before
    bool newest_first = false;
    std::size_t limit = 100;

    std::vector<std::string> types;
    std::vector<std::int64_t> chains;
    std::optional<std::string> object;
    int relations = kSelf | kAbove;  ///< of `object`; any of these
    Time time = Time::created;
    std::optional<base::WallTime> begin;  ///< inclusive, as is end
    std::optional<base::WallTime> end;
};

/// Thread-safe.
class History {
public:
    /// What waits for the disk, at most; more is dropped.
    static constexpr std::size_t kMostWaiting = 20'000;
    /// Most types and chains of a query.
    static constexpr std::size_t kMostConditions = 2'000;

    virtual ~History() = default;

    /// Queues an entry and returns at once.
    virtual void append(HistoryEntry entry) = 0;
    /// Forgets entries that are older, by and by.
    virtual void forget_before(base::WallTime limit) = 0;
    /// Blocks until everything appended before is on the disk or dropped.
    virtual void flush() = 0;

    /// Blocks on the disk; throws StoreError. Sees what was flushed; `objects` stay empty.
    virtual std::vector<HistoryEntry> query(const HistoryQuery& query) const = 0;

    /// A number that no entry of this log ever had, nor any that was lost in a crash. For the
    /// start.
    virtual std::int64_t first_free_number(Log log) const = 0;
};

struct HistoryLimits {
    std::size_t most_events = 100'000;
    std::size_t most_tasks = 20'000;
};

/// Opens the history in the SQLite file `path`, or creates it (mode 0600; the directory must
/// exist). A file that can't be used is renamed to "<path>.damaged-<seconds>" and a new one begun.
/// Throws StoreError when that is impossible too, or when another process has it.
std::unique_ptr<History> open_sqlite_history(const std::filesystem::path& path,
                                             HistoryLimits limits = {});

}  // namespace drover::store
