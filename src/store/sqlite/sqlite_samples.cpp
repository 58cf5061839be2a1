#include <array>
#include <mutex>
#include <optional>

#include "store/samples.hpp"
#include "store/sqlite/open.hpp"

namespace drover::store::sqlite {
namespace {

// Blocks of one level and time lie together: they are written together, and forgotten together.
constexpr Migration kTables = R"sql(
    CREATE TABLE entity (
        number INTEGER PRIMARY KEY,
        id     TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE block (
        level  INTEGER NOT NULL,
        begin  INTEGER NOT NULL,
        entity INTEGER NOT NULL,
        data   BLOB NOT NULL,
        PRIMARY KEY (level, begin, entity)
    ) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array<Migration, 1> kMigrations{kTables};

// From one beginning to the next, with one seek each: blocks of thousands of other entities lie
// between two of the same.
constexpr const char* kReadOne = R"sql(
    WITH RECURSIVE beginnings (begin) AS (
        SELECT min(begin) FROM block WHERE level = ?1 AND begin >= ?2
        UNION ALL
        SELECT (SELECT min(begin) FROM block WHERE level = ?1 AND begin > t.begin)
        FROM beginnings AS t WHERE t.begin < ?3
    )
    SELECT b.level, e.id, b.begin, b.data FROM beginnings AS t
    JOIN entity AS e ON e.id = ?4
    JOIN block AS b ON b.level = ?1 AND b.begin = t.begin AND b.entity = e.number
    WHERE t.begin <= ?3 ORDER BY b.begin
)sql";

SampleBlock row_of(const Statement& statement) {
    return {static_cast<int>(statement.integer(0)), statement.bytes(1), statement.integer(2),
            statement.bytes(3)};
}

class SqliteSamples final : public SampleStore {
public:
    explicit SqliteSamples(const std::filesystem::path& path) : lock_(lock_store(path)) {
        std::optional<std::string> failure;
        try {
            open(path);
        } catch (const StoreError& error) {
            failure = error.what();
        }
        if (failure) {
            statements_.reset();
            reader_.reset();
            writer_.reset();
            set_aside(path, "record of figures", *failure);
            open(path);
        }
    }

    void put(const std::vector<SampleBlock>& blocks) override {
        const std::lock_guard lock(write_mutex_);
        in_transaction([&] {
            for (const SampleBlock& block : blocks) {
                statements_->name.bind_text(1, block.entity).run();
                statements_->put.bind_integer(1, block.level)
                    .bind_integer(2, block.begin)
                    .bind_text(3, block.entity)
                    .bind_blob(4, block.data)
                    .run();
            }
        });
    }

    std::vector<SampleBlock> read(int level, std::string_view entity, std::int64_t first,
                                  std::int64_t last) const override {
        const std::lock_guard lock(read_mutex_);
        Statement statement(*reader_, kReadOne);
        statement.bind_integer(1, level).bind_integer(2, first).bind_integer(3, last);
        statement.bind_text(4, entity);
        return rows(statement);
    }

    std::vector<SampleBlock> read_all(int level, std::int64_t first,
                                      std::int64_t last) const override {
        const std::lock_guard lock(read_mutex_);
        Statement statement(*reader_,
                            "SELECT b.level, e.id, b.begin, b.data FROM block AS b "
                            "JOIN entity AS e ON e.number = b.entity "
                            "WHERE b.level = ?1 AND b.begin BETWEEN ?2 AND ?3 "
                            "ORDER BY e.id, b.begin");
        statement.bind_integer(1, level).bind_integer(2, first).bind_integer(3, last);
        return rows(statement);
    }

    bool forget_before(int level, std::int64_t begin) override {
        const std::lock_guard lock(write_mutex_);
        in_transaction(
            [&] { statements_->forget.bind_integer(1, level).bind_integer(2, begin).run(); });
        return writer_->query_integer("SELECT changes()") != 0;
    }

    void forget(std::string_view entity) override {
        const std::lock_guard lock(write_mutex_);
        in_transaction([&] {
            statements_->forget_entity.bind_text(1, entity).run();
            statements_->forget_name.bind_text(1, entity).run();
        });
    }

    std::uint64_t size_bytes() const override {
        const std::lock_guard lock(read_mutex_);
        return static_cast<std::uint64_t>(reader_->query_integer("PRAGMA page_count") *
                                          reader_->query_integer("PRAGMA page_size"));
    }

private:
    struct Statements {
        explicit Statements(Connection& connection)
            : name(connection, "INSERT OR IGNORE INTO entity (id) VALUES (?1)"),
              put(connection,
                  "INSERT OR REPLACE INTO block (level, begin, entity, data) VALUES (?1, ?2, "
                  "(SELECT number FROM entity WHERE id = ?3), ?4)"),
              // Blocks of one beginning go together: a bounded lot, as there is one per entity.
              forget(connection,
                     "DELETE FROM block WHERE level = ?1 AND begin = (SELECT min(begin) FROM block "
                     "WHERE level = ?1 AND begin < ?2)"),
              forget_entity(connection,
                            "DELETE FROM block WHERE entity = (SELECT number FROM entity WHERE id "
                            "= ?1)"),
              forget_name(connection, "DELETE FROM entity WHERE id = ?1") {}
        Statement name, put, forget, forget_entity, forget_name;
    };

    void open(const std::filesystem::path& path) {
        writer_ = open_for_writing(path, kMigrations);
        // A transaction that is lost with the power is pulled from the hosts again.
        writer_->execute("PRAGMA synchronous = NORMAL");
        statements_.emplace(*writer_);
        reader_ = open_for_reading(path);
    }

    template <class Work>
    void in_transaction(Work work) {
        writer_->execute("BEGIN IMMEDIATE");
        try {
            work();
            writer_->execute("COMMIT");
        } catch (...) {
            if (writer_->in_transaction()) {
                ::sqlite3_exec(writer_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
            }
            throw;
        }
    }

    static std::vector<SampleBlock> rows(Statement& statement) {
        std::vector<SampleBlock> found;
        while (statement.step()) found.push_back(row_of(statement));
        return found;
    }

    base::FileDescriptor lock_;
    std::mutex write_mutex_;
    mutable std::mutex read_mutex_;
    std::unique_ptr<Connection> writer_;
    std::unique_ptr<Connection> reader_;
    std::optional<Statements> statements_;  // goes before its connection
};

}  // namespace
}  // namespace drover::store::sqlite

namespace drover::store {

std::unique_ptr<SampleStore> open_sqlite_samples(const std::filesystem::path& path) {
    return std::make_unique<sqlite::SqliteSamples>(path);
}

}  // namespace drover::store
