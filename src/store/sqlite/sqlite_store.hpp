#pragma once

// The store in one SQLite file. One thread writes: it takes all batches that wait and stores them
// in one transaction, so that 64 callers share one fsync. Readers use a connection of their own;
// in WAL mode they never wait for the writer.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/file.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/writer.hpp"

namespace drover::store::sqlite {

class SqliteStore final : public Store {
public:
    explicit SqliteStore(const std::filesystem::path& path);
    ~SqliteStore() override;

    std::vector<Record> load(std::string_view kind) const override;
    std::optional<Record> get(std::string_view kind, std::string_view id) const override;
    std::vector<Record> find_by_name(std::string_view kind, std::string_view name) const override;
    std::vector<Record> find_by_parent(std::string_view kind,
                                       std::string_view parent) const override;
    void commit(Batch batch, Done done) override;
    void flush() override;
    Statistics statistics() const override;

private:
    struct Waiting {
        Batch batch;
        Done done;
    };

    void write_loop();
    std::vector<Waiting> take_group();
    void store_group(std::vector<Waiting> group);
    std::vector<Record> select(Statement& statement) const;

    base::FileDescriptor lock_;
    std::unique_ptr<Connection> write_connection_;
    std::unique_ptr<Writer> writer_;  // only the writing thread touches it

    mutable std::mutex read_mutex_;
    std::unique_ptr<Connection> read_connection_;
    std::unique_ptr<Statement> load_;
    std::unique_ptr<Statement> get_;
    std::unique_ptr<Statement> by_name_;
    std::unique_ptr<Statement> by_parent_;

    mutable std::mutex queue_mutex_;
    std::condition_variable work_;  // the queue got something, or we stop
    std::condition_variable idle_;  // a group was finished
    std::deque<Waiting> queue_;
    std::size_t queued_bytes_ = 0;
    std::uint64_t accepted_ = 0;  // batches ever queued
    std::uint64_t finished_ = 0;  // batches whose `done` was called
    bool stopping_ = false;

    std::atomic<std::uint64_t> stored_batches_ = 0;
    std::atomic<std::uint64_t> transactions_ = 0;
    std::thread thread_;
};

}  // namespace drover::store::sqlite
