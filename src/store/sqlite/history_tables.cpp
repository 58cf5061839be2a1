#include "store/sqlite/history_tables.hpp"

#include <fmt/format.h>

#include <array>

namespace drover::store::sqlite {
namespace {

// An object's entries lie together, in their order: that is what collectors of one machine read.
constexpr Migration kLogs = R"sql(
    CREATE TABLE event (
        number    INTEGER PRIMARY KEY,
        chain     INTEGER NOT NULL,
        type      TEXT NOT NULL,
        user      TEXT NOT NULL,
        time      INTEGER NOT NULL,
        started   INTEGER NOT NULL,
        completed INTEGER NOT NULL,
        value     BLOB NOT NULL
    ) STRICT;
    CREATE INDEX event_time ON event (time);
    CREATE INDEX event_type ON event (type, number);
    CREATE INDEX event_chain ON event (chain, number);
    CREATE TABLE event_object (
        object TEXT NOT NULL,
        number INTEGER NOT NULL,
        relation INTEGER NOT NULL,
        PRIMARY KEY (object, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX event_object_number ON event_object (number);
    CREATE TABLE task (
        number    INTEGER PRIMARY KEY,
        chain     INTEGER NOT NULL,
        type      TEXT NOT NULL,
        user      TEXT NOT NULL,
        time      INTEGER NOT NULL,
        started   INTEGER NOT NULL,
        completed INTEGER NOT NULL,
        value     BLOB NOT NULL
    ) STRICT;
    CREATE INDEX task_time ON task (time);
    CREATE INDEX task_type ON task (type, number);
    CREATE INDEX task_chain ON task (chain, number);
    CREATE TABLE task_object (
        object TEXT NOT NULL,
        number INTEGER NOT NULL,
        relation INTEGER NOT NULL,
        PRIMARY KEY (object, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX task_object_number ON task_object (number);
    CREATE TABLE closed (clean INTEGER NOT NULL) STRICT;
    INSERT INTO closed VALUES (1);
)sql";

constexpr std::array<Migration, 1> kMigrations{kLogs};
constexpr std::int64_t kRemovedAtOnce = 2000;

const char* name_of(Log log) {
    return log == Log::events ? "event" : "task";
}

std::string sql(const char* pattern, Log log) {
    return fmt::format(fmt::runtime(pattern), name_of(log));
}

std::int64_t microseconds(std::optional<base::WallTime> time) {
    return time ? time->time_since_epoch().count() : 0;
}

std::optional<base::WallTime> time_of(std::int64_t microseconds_since_epoch) {
    if (microseconds_since_epoch == 0) return std::nullopt;
    return base::WallTime{std::chrono::microseconds{microseconds_since_epoch}};
}

const char* column_of(HistoryQuery::Time time) {
    switch (time) {
        case HistoryQuery::Time::started:
            return "started";
        case HistoryQuery::Time::completed:
            return "completed";
        default:
            return "time";
    }
}

void add_list(std::string& text, std::string_view column, std::size_t count, int& next) {
    if (count == 0) return;
    text += fmt::format(" AND l.{} IN (", column);
    for (std::size_t i = 0; i < count; ++i) text += fmt::format("{}?{}", i == 0 ? "" : ",", next++);
    text += ")";
}

// The conditions in the order in which bind_query() gives their values.
std::string query_text(const HistoryQuery& query) {
    int next = 1;
    std::string text = fmt::format(
        "SELECT l.number, l.chain, l.type, l.user, l.time, l.started, l.completed, l.value "
        "FROM {0} AS l",
        name_of(query.log));
    std::string number = "l.number";
    if (query.object) {
        number = "o.number";
        text += fmt::format(
            " JOIN {}_object AS o ON o.number = l.number WHERE o.object = ?{} AND "
            "(o.relation & ?{}) <> 0",
            name_of(query.log), next, next + 1);
        next += 2;
    } else {
        text += " WHERE 1";
    }
    if (query.after) text += fmt::format(" AND {} > ?{}", number, next++);
    if (query.before) text += fmt::format(" AND {} < ?{}", number, next++);
    const char* column = column_of(query.time);
    if (query.begin) text += fmt::format(" AND l.{} >= ?{}", column, next++);
    if (query.end) text += fmt::format(" AND l.{0} <= ?{1} AND l.{0} <> 0", column, next++);
    add_list(text, "type", query.types.size(), next);
    add_list(text, "chain", query.chains.size(), next);
    text +=
        fmt::format(" ORDER BY {} {} LIMIT ?{}", number, query.newest_first ? "DESC" : "ASC", next);
    return text;
}

void bind_query(Statement& statement, const HistoryQuery& query) {
    int next = 1;
    if (query.object) {
        statement.bind_text(next++, *query.object);
        statement.bind_integer(next++, query.relations);
    }
    if (query.after) statement.bind_integer(next++, *query.after);
    if (query.before) statement.bind_integer(next++, *query.before);
    if (query.begin) statement.bind_integer(next++, microseconds(query.begin));
    if (query.end) statement.bind_integer(next++, microseconds(query.end));
    for (const std::string& type : query.types) statement.bind_text(next++, type);
    for (const std::int64_t chain : query.chains) statement.bind_integer(next++, chain);
    statement.bind_integer(next, static_cast<std::int64_t>(query.limit));
}

}  // namespace

std::span<const Migration> history_migrations() {
    return kMigrations;
}

HistoryTable::HistoryTable(Connection& connection, Log log)
    : insert_(connection,
              sql("INSERT OR REPLACE INTO {} (number, chain, type, user, time, started, "
                  "completed, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                  log)
                  .c_str()),
      insert_object_(connection,
                     sql("INSERT OR IGNORE INTO {}_object VALUES (?1, ?2, ?3)", log).c_str()),
      last_before_(connection,
                   sql("SELECT coalesce(max(number), 0) FROM {} WHERE time < ?1", log).c_str()),
      oldest_(connection,
              sql("SELECT number FROM {} ORDER BY number LIMIT 1 OFFSET ?1", log).c_str()),
      greatest_(connection, sql("SELECT coalesce(max(number), 0) FROM {}", log).c_str()),
      count_(connection, sql("SELECT count(*) FROM {}", log).c_str()),
      boundary_(
          connection,
          sql("SELECT number FROM {} WHERE number <= ?1 ORDER BY number LIMIT 1 OFFSET ?2", log)
              .c_str()),
      remove_(connection, sql("DELETE FROM {} WHERE number <= ?1", log).c_str()),
      remove_objects_(connection, sql("DELETE FROM {}_object WHERE number <= ?1", log).c_str()) {}

void HistoryTable::insert(const HistoryEntry& entry) {
    insert_.bind_integer(1, entry.number)
        .bind_integer(2, entry.chain)
        .bind_text(3, entry.type)
        .bind_text(4, entry.user)
        .bind_integer(5, microseconds(entry.time))
        .bind_integer(6, microseconds(entry.started))
        .bind_integer(7, microseconds(entry.completed))
        .bind_blob(8, entry.value)
        .run();
    for (const HistoryObject& object : entry.objects) {
        insert_object_.bind_text(1, object.id)
            .bind_integer(2, entry.number)
            .bind_integer(3, object.relation)
            .run();
    }
}

bool HistoryTable::remove_up_to(std::int64_t number) {
    std::int64_t limit = number;
    bool more = false;
    {
        const ResetAtEnd reset_at_end(boundary_);
        boundary_.bind_integer(1, number).bind_integer(2, kRemovedAtOnce);
        if (boundary_.step()) {
            limit = boundary_.integer(0);
            more = true;
        }
    }
    remove_objects_.bind_integer(1, limit).run();
    remove_.bind_integer(1, limit).run();
    return more;
}

std::int64_t HistoryTable::last_before(base::WallTime limit) {
    const ResetAtEnd reset_at_end(last_before_);
    last_before_.bind_integer(1, microseconds(limit));
    return last_before_.step() ? last_before_.integer(0) : 0;
}

std::int64_t HistoryTable::number_of_oldest(std::int64_t place) {
    const ResetAtEnd reset_at_end(oldest_);
    oldest_.bind_integer(1, place - 1);
    return oldest_.step() ? oldest_.integer(0) : 0;
}

std::int64_t HistoryTable::greatest_number() {
    const ResetAtEnd reset_at_end(greatest_);
    return greatest_.step() ? greatest_.integer(0) : 0;
}

std::int64_t HistoryTable::count() {
    const ResetAtEnd reset_at_end(count_);
    return count_.step() ? count_.integer(0) : 0;
}

std::vector<HistoryEntry> select_history(Connection& connection, const HistoryQuery& query) {
    if (query.types.size() + query.chains.size() > History::kMostConditions) {
        throw StoreError("the query of the history has too many conditions");
    }
    Statement statement(connection, query_text(query).c_str());
    bind_query(statement, query);
    std::vector<HistoryEntry> found;
    while (statement.step()) {
        HistoryEntry entry;
        entry.log = query.log;
        entry.number = statement.integer(0);
        entry.chain = statement.integer(1);
        entry.type = statement.bytes(2);
        entry.user = statement.bytes(3);
        entry.time = time_of(statement.integer(4)).value_or(base::WallTime{});
        entry.started = time_of(statement.integer(5));
        entry.completed = time_of(statement.integer(6));
        entry.value = statement.bytes(7);
        found.push_back(std::move(entry));
    }
    return found;
}

}  // namespace drover::store::sqlite
