#pragma once

// One entity's samples on their way from the hosts' 20 seconds to a day a sample. Pure: samples go
// in, whole blocks come out, and what is not yet a whole block can be read here.
//
// A sample belongs to the moment at which it ends. One interval's sample is made of those of the
// interval before that end within it: their mean, sum, last, greatest or least, as the counter's
// rollup type says (PerfSummaryType). What was not measured is kNoSample and counts for nothing.

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "center/history/block.hpp"
#include "center/history/intervals.hpp"

namespace drover::center {

enum class Rollup : std::uint8_t { average, summation, latest, maximum, minimum };

using Measured = std::pair<SeriesKey, std::int64_t>;

/// A whole block: `level` is an index into kIntervals, `begin_s` where its first sample begins.
struct FinishedBlock {
    std::size_t level = 0;
    std::int64_t begin_s = 0;
    std::vector<BlockSeries> series;
};

class Rolling {
public:
    using RollupOf = std::function<Rollup(std::int32_t counter)>;
    using Sink = std::function<void(FinishedBlock)>;

    /// `rollup_of` and `sink` are called by add() and restore() alone.
    Rolling(RollupOf rollup_of, Sink sink)
        : rollup_of_(std::move(rollup_of)), sink_(std::move(sink)) {}

    /// A sample that ended at `end_s`. One that is older than what has come already is ignored.
    void add(std::int64_t end_s, std::span<const Measured> values);

    /// After a start: a stored block of the level below goes into `level`, but for its samples that
    /// end at `after_s` or before. Levels from the coarsest to the finest, each in order of time.
    void restore(std::size_t level, std::int64_t after_s, const FinishedBlock& below);

    /// The block of a level that is not whole yet; samples that are not yet there are kNoSample.
    /// No series if nothing has come.
    FinishedBlock open_block(std::size_t level) const;

    /// When the newest sample ended; 0 if there was none.
    std::int64_t newest_s() const { return newest_s_; }

private:
    struct Level {
        std::int64_t bucket = -1;          // the sample under way, counted from 1970
        std::vector<std::int64_t> taken;   // of each series: mean's sum, sum, last, ...
        std::vector<std::int32_t> count;   // how many went into it
        std::vector<std::int64_t> closed;  // series x samples of the block
    };

    std::size_t index_of(const SeriesKey& key);
    void take(std::size_t level, std::int64_t end_s, std::span<const std::int64_t> values);
    void move_to(std::size_t level, std::int64_t bucket);
    void close(std::size_t level);
    FinishedBlock block_of(std::size_t level) const;

    RollupOf rollup_of_;
    Sink sink_;
    std::vector<SeriesKey> keys_;
    std::vector<Rollup> rollups_;
    std::array<Level, kIntervals.size()> levels_;
    std::int64_t newest_s_ = 0;
};

}  // namespace drover::center
