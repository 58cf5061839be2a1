#pragma once

// What all entities did, rolled up and stored. Samples come in on the strand; files are read and
// written in the blocking queue "samples".

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "center/history/rolling.hpp"
#include "store/samples.hpp"
#include "task/runtime.hpp"

namespace drover::center {

/// One series over a stretch of time; kNoSample where nothing was measured.
struct ArchivedSeries {
    SeriesKey key;
    std::vector<std::int64_t> values;
};

struct ArchiveAnswer {
    std::vector<std::int64_t> ends_s;  ///< when each sample ended, seconds since 1970
    std::vector<ArchivedSeries> series;
};

/// Belongs to the strand.
class Archive {
public:
    Archive(task::Runtime& runtime, store::SampleStore& store, Rolling::RollupOf rollup_of);

    /// Rolls up again what the last run had not finished. `now_s` bounds how far back that can be.
    task::Awaitable<void> load(std::int64_t now_s);

    /// Samples that ended at `end_s`.
    void add(const std::string& entity, std::int64_t end_s, std::span<const Measured> values);
    /// When the newest sample that is known ended; 0 if there was none.
    std::int64_t newest_s(const std::string& entity) const;

    /// Writes the blocks that have become whole, and forgets what is too old. Call now and then.
    /// StoreError leaves them for the next time.
    task::Awaitable<void> flush(std::int64_t now_s);
    /// Blocks that wait to be written.
    std::size_t waiting() const { return finished_.size(); }

    /// The samples of an interval (an index into kIntervals) that ended within (after_s, until_s].
    /// Empty `keys` are all.
    task::Awaitable<ArchiveAnswer> query(std::string entity, std::size_t level,
                                         std::int64_t after_s, std::int64_t until_s,
                                         std::vector<SeriesKey> keys);

    /// The entity is gone for good.
    task::Awaitable<void> forget(std::string entity);

private:
    struct Waiting {
        std::string entity;
        FinishedBlock block;
    };
    using Blocks = std::map<std::string, std::vector<FinishedBlock>, std::less<>>;

    Rolling& rolling_of(const std::string& entity);
    task::Awaitable<Blocks> read_level(std::size_t level, std::int64_t first_s,
                                       std::int64_t last_s);

    task::Runtime& runtime_;
    store::SampleStore& store_;
    Rolling::RollupOf rollup_of_;
    std::unordered_map<std::string, std::unique_ptr<Rolling>> rolling_;
    std::vector<Waiting> finished_;
};

}  // namespace drover::center
