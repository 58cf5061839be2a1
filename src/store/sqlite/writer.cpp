#include "store/sqlite/writer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::store::sqlite {
namespace {

bool is_full(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const SqliteError& sqlite_error) {
        return sqlite_error.is_full();
    } catch (...) {
        return false;
    }
}

}  // namespace

Writer::Writer(Connection& connection)
    : connection_(connection),
      version_of_(connection, "SELECT version FROM record WHERE kind = ?1 AND id = ?2"),
      put_(connection,
           "INSERT INTO record (kind, id, version, name, parent, value) "
           "VALUES (?1, ?2, 1, ?3, ?4, ?5) ON CONFLICT (kind, id) DO UPDATE SET "
           "version = version + 1, name = excluded.name, parent = excluded.parent, "
           "value = excluded.value"),
      remove_(connection, "DELETE FROM record WHERE kind = ?1 AND id = ?2") {}

std::vector<std::exception_ptr> Writer::store(std::span<const Batch* const> batches) {
    std::vector<std::exception_ptr> outcomes(batches.size());
    const std::exception_ptr failure = store_together(batches, outcomes);
    if (!failure) return outcomes;
    // On a full disk, a small batch may still fit where a large one doesn't: each gets a try of its
    // own. Any other error (a failing disk) is everyone's; trying again can't make it safer.
    const bool one_by_one = batches.size() > 1 && is_full(failure);
    for (std::size_t i = 0; i < batches.size(); ++i) {
        outcomes[i] = nullptr;
        const auto own_failure =
            one_by_one ? store_together(batches.subspan(i, 1), std::span(outcomes).subspan(i, 1))
                       : failure;
        if (own_failure) outcomes[i] = own_failure;
    }
    return outcomes;
}

// Returns what made the transaction as a whole fail; single conflicts go to `outcomes`.
std::exception_ptr Writer::store_together(std::span<const Batch* const> batches,
                                          std::span<std::exception_ptr> outcomes) {
    try {
        connection_.execute("BEGIN IMMEDIATE");
        for (std::size_t i = 0; i < batches.size(); ++i) apply_guarded(*batches[i], outcomes[i]);
        if (std::ranges::all_of(outcomes, [](const auto& o) { return o != nullptr; })) {
            connection_.execute("ROLLBACK");
            return nullptr;
        }
        connection_.execute("COMMIT");
        ++transactions_;
        return nullptr;
    } catch (...) {
        roll_back();
        return std::current_exception();
    }
}

void Writer::apply_guarded(const Batch& batch, std::exception_ptr& outcome) {
    connection_.execute("SAVEPOINT batch");
    try {
        apply(batch);
    } catch (const VersionConflict&) {
        outcome = std::current_exception();
        connection_.execute("ROLLBACK TO batch");
    }
    connection_.execute("RELEASE batch");
}

void Writer::apply(const Batch& batch) {
    for (const Write& write : batch.writes()) apply(write);
}

void Writer::apply(const Write& write) {
    if (write.expected_version) {
        const ResetAtEnd reset_at_end(version_of_);
        version_of_.bind_text(1, write.kind).bind_text(2, write.id);
        const std::int64_t found = version_of_.step() ? version_of_.integer(0) : 0;
        if (found != *write.expected_version) {
            throw VersionConflict(write.kind, write.id, *write.expected_version, found);
        }
    }
    if (write.removes) {
        remove_.bind_text(1, write.kind).bind_text(2, write.id).run();
        return;
    }
    put_.bind_text(1, write.kind)
        .bind_text(2, write.id)
        .bind_text(3, write.name)
        .bind_text(4, write.parent)
        .bind_blob(5, write.value)
        .run();
}

void Writer::roll_back() noexcept {
    // SQLite has rolled back by itself after some errors (a full disk among them).
    if (connection_.in_transaction()) {
        ::sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
}

}  // namespace drover::store::sqlite
