#pragma once

// The tables of the history and the statements that fill them. Knows nothing of threads.

#include <span>

#include "store/history.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/schema.hpp"

namespace drover::store::sqlite {

std::span<const Migration> history_migrations();

/// The statements of one log ("event" or "task").
class HistoryTable {
public:
    HistoryTable(Connection& connection, Log log);

    void insert(const HistoryEntry& entry);
    /// Removes entries with numbers up to `number`, a bounded lot; true if there may be more.
    bool remove_up_to(std::int64_t number);
    /// The greatest number whose entry is older than `limit`, 0 if there is none.
    std::int64_t last_before(base::WallTime limit);
    /// The number of the oldest entry but `place` - 1; 0 if there are fewer.
    std::int64_t number_of_oldest(std::int64_t place);
    std::int64_t greatest_number();
    std::int64_t count();

private:
    Statement insert_;
    Statement insert_object_;
    Statement last_before_;
    Statement oldest_;
    Statement greatest_;
    Statement count_;
    Statement boundary_;
    Statement remove_;
    Statement remove_objects_;
};

/// Reads entries; prepares a statement for each query's form.
std::vector<HistoryEntry> select_history(Connection& connection, const HistoryQuery& query);

}  // namespace drover::store::sqlite
