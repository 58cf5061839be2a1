#pragma once

// What survives a restart. A store keeps records; a batch of writes is either wholly there or not
// at all, and once its caller was told "done" it is on the disk: kill -9 and power loss included.

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace drover::store {

/// The store can't do what it was asked: full disk, damaged file, unusable path, bad argument.
/// Unless a message says otherwise it goes on working; the failed batch left nothing behind.
class StoreError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A write expected another version of its record than the one there is. Nothing of the batch
/// was stored.
class VersionConflict final : public StoreError {
public:
    /// Versions: 0 means "no such record".
    VersionConflict(std::string kind, std::string id, std::int64_t expected, std::int64_t found);

    const std::string& kind() const { return kind_; }
    const std::string& id() const { return id_; }
    std::int64_t expected() const { return expected_; }
    std::int64_t found() const { return found_; }

private:
    std::string kind_;
    std::string id_;
    std::int64_t expected_;
    std::int64_t found_;
};

/// One thing kept. (kind, id) is unique.
struct Record {
    std::string kind;          ///< for example "vm"; 1 to 255 bytes
    std::string id;            ///< 1 to 1024 bytes
    std::int64_t version = 0;  ///< 1 when created, one more with each write
    std::string value;         ///< opaque bytes, at most kMaxValueBytes
    std::string name;          ///< indexed; may be empty and need not be unique
    std::string parent;        ///< indexed; may be empty

    friend bool operator==(const Record&, const Record&) = default;
};

inline constexpr std::size_t kMaxValueBytes = 16u << 20;
inline constexpr std::size_t kMaxWritesPerBatch = 100'000;
inline constexpr std::size_t kMaxBatchBytes = 64u << 20;

/// One write of a batch.
struct Write {
    std::string kind;
    std::string id;
    /// The version that must be there (0: none may be there); empty: whatever is there.
    std::optional<std::int64_t> expected_version;
    bool removes = false;  ///< removing what isn't there is no error
    std::string value;
    std::string name;
    std::string parent;
};

/// Writes that are stored together or not at all, in their order.
class Batch {
public:
    /// Creates or replaces a record. The record's own `version` is not looked at.
    Batch& put(Record record, std::optional<std::int64_t> expected_version = {});
    /// Removes a record. If it is created anew later, its versions start at 1 again.
    Batch& remove(std::string kind, std::string id,
                  std::optional<std::int64_t> expected_version = {});

    const std::vector<Write>& writes() const { return writes_; }
    std::size_t size_bytes() const { return size_bytes_; }

private:
    std::vector<Write> writes_;
    std::size_t size_bytes_ = 0;
};

/// Told once per batch: null when it is durable, else why nothing of it was stored
/// (a VersionConflict or another StoreError). Called on a thread of the store; it should be short,
/// must not throw and must not wait for the store. It may start further commits.
using Done = std::function<void(std::exception_ptr)>;

/// How much work was done since the store was opened.
struct Statistics {
    std::uint64_t batches = 0;       ///< stored
    std::uint64_t transactions = 0;  ///< that reached the disk; fewer than batches under load
};

/// Thread-safe. Batches are stored in the order of their commit() calls.
class Store {
public:
    virtual ~Store() = default;

    /// All records of a kind, ordered by id. Sees every batch that was acknowledged. Blocks on
    /// the disk; throws StoreError.
    virtual std::vector<Record> load(std::string_view kind) const = 0;
    virtual std::optional<Record> get(std::string_view kind, std::string_view id) const = 0;
    /// The records of a kind with this name or parent, ordered by id.
    virtual std::vector<Record> find_by_name(std::string_view kind,
                                             std::string_view name) const = 0;
    virtual std::vector<Record> find_by_parent(std::string_view kind,
                                               std::string_view parent) const = 0;

    /// Queues a batch and returns at once. Throws StoreError (and never calls `done`) if the
    /// batch breaks a limit or too much is waiting already.
    virtual void commit(Batch batch, Done done) = 0;
    /// The same for a caller that can wait. Throws what `done` would have been told.
    void commit_and_wait(Batch batch);
    /// Blocks until everything queued before this call is stored or failed.
    virtual void flush() = 0;

    virtual Statistics statistics() const = 0;
};

/// Opens the store in the SQLite file `path`, or creates it (mode 0600; the directory must exist).
/// Throws StoreError when the file is damaged, no store, of a newer drover, or in use by another
/// process; such a file is left as it is. The destructor stores what is still queued.
std::unique_ptr<Store> open_sqlite_store(const std::filesystem::path& path);

}  // namespace drover::store
