#include "center/history/rolling.hpp"

#include <algorithm>

namespace drover::center {

namespace {

std::int64_t bucket_of(const Interval& interval, std::int64_t end_s) {
    return (end_s - 1) / interval.length_s;
}

std::int64_t samples_in_block(const Interval& interval) {
    return static_cast<std::int64_t>(interval.block_samples);
}

std::int64_t with(Rollup rollup, std::int64_t taken, std::int64_t value) {
    switch (rollup) {
        case Rollup::average:
        case Rollup::summation:
            return taken + value;
        case Rollup::latest:
            return value;
        case Rollup::maximum:
            return std::max(taken, value);
        case Rollup::minimum:
            return std::min(taken, value);
    }
    return value;
}

std::int64_t result_of(Rollup rollup, std::int64_t taken, std::int32_t count) {
    if (count == 0) return kNoSample;
    return rollup == Rollup::average ? (taken + count / 2) / count : taken;
}

}  // namespace

std::size_t Rolling::index_of(const SeriesKey& key) {
    const auto found = std::ranges::find(keys_, key);
    if (found != keys_.end()) return static_cast<std::size_t>(found - keys_.begin());
    keys_.push_back(key);
    rollups_.push_back(rollup_of_(key.counter));
    for (std::size_t level = 0; level < levels_.size(); ++level) {
        levels_[level].taken.push_back(0);
        levels_[level].count.push_back(0);
        levels_[level].closed.resize(keys_.size() * kIntervals[level].block_samples, kNoSample);
    }
    return keys_.size() - 1;
}

void Rolling::add(std::int64_t end_s, std::span<const Measured> values) {
    if (end_s <= newest_s_) return;
    newest_s_ = end_s;
    for (const auto& [key, value] : values) index_of(key);
    std::vector<std::int64_t> row(keys_.size(), kNoSample);
    for (const auto& [key, value] : values) row[index_of(key)] = value;
    take(0, end_s, row);
}

void Rolling::restore(std::size_t level, std::int64_t after_s, const FinishedBlock& below) {
    const Interval& finer = kIntervals[level - 1];
    for (const BlockSeries& series : below.series) index_of(series.key);
    for (std::size_t sample = 0; sample < finer.block_samples; ++sample) {
        const std::int64_t end_s =
            below.begin_s + static_cast<std::int64_t>(sample + 1) * finer.length_s;
        if (end_s <= after_s) continue;
        std::vector<std::int64_t> row(keys_.size(), kNoSample);
        for (const BlockSeries& series : below.series) {
            row[index_of(series.key)] = series.values[sample];
        }
        if (std::ranges::all_of(row, [](std::int64_t value) { return value == kNoSample; })) {
            continue;
        }
        newest_s_ = std::max(newest_s_, end_s);
        take(level, end_s, row);
    }
}

void Rolling::take(std::size_t level, std::int64_t end_s, std::span<const std::int64_t> values) {
    const std::int64_t bucket = bucket_of(kIntervals[level], end_s);
    if (bucket < levels_[level].bucket) return;
    move_to(level, bucket);
    Level& into = levels_[level];
    for (std::size_t series = 0; series < values.size(); ++series) {
        if (values[series] == kNoSample) continue;
        into.taken[series] = into.count[series] == 0
                                 ? values[series]
                                 : with(rollups_[series], into.taken[series], values[series]);
        ++into.count[series];
    }
}

// The sample under way is over when one comes that ends later.
void Rolling::move_to(std::size_t level, std::int64_t bucket) {
    Level& moving = levels_[level];
    if (moving.bucket == bucket) return;
    if (moving.bucket >= 0) {
        close(level);
        const std::int64_t samples = samples_in_block(kIntervals[level]);
        if (moving.bucket / samples != bucket / samples) {
            sink_(block_of(level));
            std::ranges::fill(moving.closed, kNoSample);
        }
    }
    moving.bucket = bucket;
}

void Rolling::close(std::size_t level) {
    const Interval& interval = kIntervals[level];
    Level& closing = levels_[level];
    const auto slot = static_cast<std::size_t>(closing.bucket % samples_in_block(interval));
    std::vector<std::int64_t> row(keys_.size(), kNoSample);
    for (std::size_t series = 0; series < keys_.size(); ++series) {
        row[series] = result_of(rollups_[series], closing.taken[series], closing.count[series]);
        closing.closed[series * interval.block_samples + slot] = row[series];
        closing.count[series] = 0;
    }
    if (level + 1 < levels_.size()) {
        take(level + 1, (closing.bucket + 1) * interval.length_s, row);
    }
}

FinishedBlock Rolling::block_of(std::size_t level) const {
    const Interval& interval = kIntervals[level];
    const Level& from = levels_[level];
    const std::int64_t block = from.bucket / samples_in_block(interval);
    FinishedBlock result{level, block * interval.block_s(), {}};
    const auto samples = static_cast<std::ptrdiff_t>(interval.block_samples);
    for (std::size_t series = 0; series < keys_.size(); ++series) {
        const auto first = from.closed.begin() + static_cast<std::ptrdiff_t>(series) * samples;
        std::vector<std::int64_t> values(first, first + samples);
        // A part that was unplugged long ago takes no room.
        if (std::ranges::all_of(values, [](std::int64_t value) { return value == kNoSample; })) {
            continue;
        }
        result.series.push_back({keys_[series], std::move(values)});
    }
    return result;
}

FinishedBlock Rolling::open_block(std::size_t level) const {
    if (levels_[level].bucket < 0) return {level, 0, {}};
    return block_of(level);
}

}  // namespace drover::center
