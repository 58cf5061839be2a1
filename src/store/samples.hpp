#pragma once

// Figures of the past, in blocks: what an entity did during some stretch of time, at one level of
// detail. What is in a block is its owner's business. In a file of its own: losing it costs
// knowledge of the past, so a damaged file is set aside and a new one begun.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace drover::store {

struct SampleBlock {
    int level = 0;           ///< of detail
    std::string entity;      ///< a reference's id
    std::int64_t begin = 0;  ///< seconds since 1970; aligned as the level wants it
    std::string data;

    friend bool operator==(const SampleBlock&, const SampleBlock&) = default;
};

/// All calls block and throw StoreError; thread-safe.
class SampleStore {
public:
    virtual ~SampleStore() = default;

    /// All of them or none. A block that is there already is replaced.
    virtual void put(const std::vector<SampleBlock>& blocks) = 0;
    /// The blocks of an entity that begin within [first, last], in order.
    virtual std::vector<SampleBlock> read(int level, std::string_view entity, std::int64_t first,
                                          std::int64_t last) const = 0;
    /// The same of all entities, ordered by entity.
    virtual std::vector<SampleBlock> read_all(int level, std::int64_t first,
                                              std::int64_t last) const = 0;
    /// Forgets a level's blocks that begin earlier, at most some thousands; true if there may be
    /// more.
    virtual bool forget_before(int level, std::int64_t begin) = 0;
    /// Forgets what is known of an entity.
    virtual void forget(std::string_view entity) = 0;
    virtual std::uint64_t size_bytes() const = 0;
};

/// Opens the SQLite file or creates it (mode 0600; the directory must exist). Throws StoreError
/// when another process has it.
std::unique_ptr<SampleStore> open_sqlite_samples(const std::filesystem::path& path);

}  // namespace drover::store
