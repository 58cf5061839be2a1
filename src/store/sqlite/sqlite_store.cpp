#include "store/sqlite/sqlite_store.hpp"

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/log.hpp"
#include "store/sqlite/open.hpp"

namespace drover::store::sqlite {
namespace {

// One transaction's worth: bounds the log's growth and the wait of the group's first caller.
constexpr std::size_t kMaxGroupBatches = 4096;
constexpr std::size_t kMaxGroupBytes = 16u << 20;
// What may wait. Only a disk that hangs gets there.
constexpr std::size_t kMaxQueuedBytes = 256u << 20;
constexpr std::size_t kMaxQueuedBatches = 1'000'000;

constexpr std::size_t kMaxKindBytes = 255;
constexpr std::size_t kMaxIdBytes = 1024;
constexpr std::size_t kMaxIndexBytes = 4096;

void check_length(const char* field, std::size_t size, std::size_t low, std::size_t high) {
    if (size >= low && size <= high) return;
    throw StoreError(fmt::format("{} has {} bytes; {} to {} are allowed", field, size, low, high));
}

void check_limits(const Batch& batch) {
    check_length("batch", batch.size_bytes(), 0, kMaxBatchBytes);
    if (batch.writes().size() > kMaxWritesPerBatch) {
        throw StoreError(fmt::format("batch has {} writes; up to {} are allowed",
                                     batch.writes().size(), kMaxWritesPerBatch));
    }
    for (const Write& write : batch.writes()) {
        check_length("kind", write.kind.size(), 1, kMaxKindBytes);
        check_length("id", write.id.size(), 1, kMaxIdBytes);
        check_length("value", write.value.size(), 0, kMaxValueBytes);
        check_length("name", write.name.size(), 0, kMaxIndexBytes);
        check_length("parent", write.parent.size(), 0, kMaxIndexBytes);
    }
}

#define DROVER_RECORD_COLUMNS "SELECT kind, id, version, value, name, parent FROM record "

}  // namespace

SqliteStore::SqliteStore(const std::filesystem::path& path) : lock_(lock_store(path)) {
    write_connection_ = open_for_writing(path);
    writer_ = std::make_unique<Writer>(*write_connection_);
    read_connection_ = open_for_reading(path);
    const auto prepare = [this](const char* sql) {
        return std::make_unique<Statement>(*read_connection_, sql);
    };
    load_ = prepare(DROVER_RECORD_COLUMNS "WHERE kind = ?1 ORDER BY id");
    get_ = prepare(DROVER_RECORD_COLUMNS "WHERE kind = ?1 AND id = ?2");
    // "<> ''" is what lets SQLite use the index, which leaves empty names out.
    by_name_ =
        prepare(DROVER_RECORD_COLUMNS "WHERE kind = ?1 AND name = ?2 AND name <> '' ORDER BY id");
    by_parent_ = prepare(DROVER_RECORD_COLUMNS
                         "WHERE kind = ?1 AND parent = ?2 AND parent <> '' ORDER BY id");
    thread_ = std::thread([this] { write_loop(); });
}

SqliteStore::~SqliteStore() {
    {
        const std::lock_guard lock(queue_mutex_);
        stopping_ = true;
    }
    work_.notify_all();
    thread_.join();
}

std::vector<Record> SqliteStore::select(Statement& statement) const {
    const ResetAtEnd reset_at_end(statement);
    std::vector<Record> records;
    while (statement.step()) {
        records.push_back({.kind = statement.bytes(0),
                           .id = statement.bytes(1),
                           .version = statement.integer(2),
                           .value = statement.bytes(3),
                           .name = statement.bytes(4),
                           .parent = statement.bytes(5)});
    }
    return records;
}

std::vector<Record> SqliteStore::load(std::string_view kind) const {
    const std::lock_guard lock(read_mutex_);
    return select(load_->bind_text(1, kind));
}

std::optional<Record> SqliteStore::get(std::string_view kind, std::string_view id) const {
    const std::lock_guard lock(read_mutex_);
    auto found = select(get_->bind_text(1, kind).bind_text(2, id));
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
}

std::vector<Record> SqliteStore::find_by_name(std::string_view kind, std::string_view name) const {
    const std::lock_guard lock(read_mutex_);
    return select(by_name_->bind_text(1, kind).bind_text(2, name));
}

std::vector<Record> SqliteStore::find_by_parent(std::string_view kind,
                                                std::string_view parent) const {
    const std::lock_guard lock(read_mutex_);
    return select(by_parent_->bind_text(1, kind).bind_text(2, parent));
}

void SqliteStore::commit(Batch batch, Done done) {
    DROVER_CHECK(done != nullptr);
    check_limits(batch);
    {
        const std::lock_guard lock(queue_mutex_);
        if (queued_bytes_ + batch.size_bytes() > kMaxQueuedBytes ||
            queue_.size() >= kMaxQueuedBatches) {
            throw StoreError(
                fmt::format("store is overloaded: {} batches with {} bytes wait for "
                            "the disk",
                            queue_.size(), queued_bytes_));
        }
        queued_bytes_ += batch.size_bytes();
        ++accepted_;
        queue_.push_back({std::move(batch), std::move(done)});
    }
    work_.notify_one();
}

void SqliteStore::flush() {
    DROVER_CHECK(std::this_thread::get_id() != thread_.get_id());
    std::unique_lock lock(queue_mutex_);
    const std::uint64_t target = accepted_;
    idle_.wait(lock, [&] { return finished_ >= target; });
}

Statistics SqliteStore::statistics() const {
    return {.batches = stored_batches_.load(), .transactions = transactions_.load()};
}

// Empty when there is nothing left and we stop.
std::vector<SqliteStore::Waiting> SqliteStore::take_group() {
    std::unique_lock lock(queue_mutex_);
    work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    std::vector<Waiting> group;
    std::size_t bytes = 0;
    while (!queue_.empty() && group.size() < kMaxGroupBatches &&
           (group.empty() || bytes + queue_.front().batch.size_bytes() <= kMaxGroupBytes)) {
        bytes += queue_.front().batch.size_bytes();
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    queued_bytes_ -= bytes;
    return group;
}

void SqliteStore::store_group(std::vector<Waiting> group) {
    std::vector<const Batch*> batches;
    for (const Waiting& waiting : group) batches.push_back(&waiting.batch);
    const auto outcomes = writer_->store(batches);
    transactions_ = writer_->transactions();
    for (std::size_t i = 0; i < group.size(); ++i) {
        if (!outcomes[i]) ++stored_batches_;
        try {
            group[i].done(outcomes[i]);
        } catch (const std::exception& error) {
            base::log_error("store: the callback of a commit failed: {}", error.what());
        }
    }
    {
        const std::lock_guard lock(queue_mutex_);
        finished_ += group.size();
    }
    idle_.notify_all();
}

void SqliteStore::write_loop() {
    while (true) {
        auto group = take_group();
        if (group.empty()) return;
        store_group(std::move(group));
    }
}

}  // namespace drover::store::sqlite

namespace drover::store {

std::unique_ptr<Store> open_sqlite_store(const std::filesystem::path& path) {
    return std::make_unique<sqlite::SqliteStore>(path);
}

}  // namespace drover::store
