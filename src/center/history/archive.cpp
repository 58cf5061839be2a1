#include "center/history/archive.hpp"

#include <algorithm>
#include <iterator>

#include "base/log.hpp"

namespace drover::center {

using task::Awaitable;

namespace {

constexpr std::chrono::seconds kLimit{120};
constexpr const char* kQueue = "samples";
// A center that was off for longer than this begins a coarse block anew.
constexpr std::int64_t kBlocksBack = 2;

FinishedBlock finished_block(std::size_t level, const store::SampleBlock& stored) {
    FinishedBlock block{level, stored.begin, {}};
    auto series = decode_block(stored.data, kIntervals[level].block_samples);
    if (series) {
        block.series = std::move(*series);
    } else {
        base::log_warning("figures of {} at {}: {}; left out", stored.entity, stored.begin,
                          series.error());
    }
    return block;
}

std::int64_t block_begin(const Interval& interval, std::int64_t at_s) {
    return at_s / interval.block_s() * interval.block_s();
}

// Puts a block's samples where they belong in an answer.
void place(const FinishedBlock& block, std::int64_t after_s, const std::vector<SeriesKey>& keys,
           std::map<SeriesKey, std::vector<std::int64_t>>& rows, std::size_t length) {
    const Interval& interval = kIntervals[block.level];
    for (const BlockSeries& series : block.series) {
        if (!keys.empty() && std::ranges::find(keys, series.key) == keys.end()) continue;
        auto& row = rows.try_emplace(series.key, length, kNoSample).first->second;
        for (std::size_t sample = 0; sample < series.values.size(); ++sample) {
            const std::int64_t end_s =
                block.begin_s + static_cast<std::int64_t>(sample + 1) * interval.length_s;
            const std::int64_t index = end_s / interval.length_s - after_s / interval.length_s - 1;
            if (index < 0 || index >= static_cast<std::int64_t>(length)) continue;
            row[static_cast<std::size_t>(index)] = series.values[sample];
        }
    }
}

}  // namespace

Archive::Archive(task::Runtime& runtime, store::SampleStore& store, Rolling::RollupOf rollup_of)
    : runtime_(runtime), store_(store), rollup_of_(std::move(rollup_of)) {}

Rolling& Archive::rolling_of(const std::string& entity) {
    auto& rolling = rolling_[entity];
    if (!rolling) {
        rolling = std::make_unique<Rolling>(rollup_of_, [this, entity](FinishedBlock block) {
            finished_.push_back({entity, std::move(block)});
        });
    }
    return *rolling;
}

void Archive::add(const std::string& entity, std::int64_t end_s, std::span<const Measured> values) {
    rolling_of(entity).add(end_s, values);
}

std::int64_t Archive::newest_s(const std::string& entity) const {
    const auto found = rolling_.find(entity);
    return found == rolling_.end() ? 0 : found->second->newest_s();
}

Awaitable<Archive::Blocks> Archive::read_level(std::size_t level, std::int64_t first_s,
                                               std::int64_t last_s) {
    co_return co_await runtime_.blocking(
        kQueue,
        [this, level, first_s, last_s] {
            Blocks blocks;
            const int key = kIntervals[level].key;
            for (const store::SampleBlock& stored : store_.read_all(key, first_s, last_s)) {
                blocks[stored.entity].push_back(finished_block(level, stored));
            }
            return blocks;
        },
        kLimit);
}

Awaitable<void> Archive::load(std::int64_t now_s) {
    for (std::size_t level = kIntervals.size() - 1; level > 0; --level) {
        const Interval& interval = kIntervals[level];
        const std::int64_t first_s =
            block_begin(interval, now_s) - kBlocksBack * interval.block_s();
        const Blocks own = co_await read_level(level, first_s, now_s);
        const Blocks below = co_await read_level(level - 1, first_s, now_s);
        for (const auto& [entity, blocks] : below) {
            const auto known = own.find(entity);
            const std::int64_t after_s =
                known == own.end() ? first_s : known->second.back().begin_s + interval.block_s();
            Rolling& rolling = rolling_of(entity);
            for (const FinishedBlock& block : blocks) rolling.restore(level, after_s, block);
        }
    }
}

Awaitable<void> Archive::flush(std::int64_t now_s) {
    auto blocks = std::make_shared<std::vector<Waiting>>(std::move(finished_));
    finished_.clear();
    std::exception_ptr failure;
    try {
        co_await runtime_.blocking(
            kQueue,
            [this, blocks, now_s] {
                std::vector<store::SampleBlock> stored;
                for (const auto& [entity, block] : *blocks) {
                    stored.push_back({kIntervals[block.level].key, entity, block.begin_s,
                                      encode_block(block.series)});
                }
                if (!stored.empty()) store_.put(stored);
                for (const Interval& interval : kIntervals) {
                    store_.forget_before(interval.key,
                                         now_s - interval.kept_s - interval.block_s());
                }
            },
            kLimit);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    finished_.insert(finished_.begin(), std::make_move_iterator(blocks->begin()),
                     std::make_move_iterator(blocks->end()));
    std::rethrow_exception(failure);
}

Awaitable<ArchiveAnswer> Archive::query(std::string entity, std::size_t level, std::int64_t after_s,
                                        std::int64_t until_s, std::vector<SeriesKey> keys) {
    const Interval& interval = kIntervals[level];
    const std::int64_t length = until_s / interval.length_s - after_s / interval.length_s;
    ArchiveAnswer answer;
    if (length <= 0) co_return answer;
    for (std::int64_t index = 1; index <= length; ++index) {
        answer.ends_s.push_back((after_s / interval.length_s + index) * interval.length_s);
    }
    // What is not on the disk yet is taken first: afterwards it might be in neither place.
    std::vector<FinishedBlock> blocks;
    for (const Waiting& waiting : finished_) {
        if (waiting.entity == entity && waiting.block.level == level) {
            blocks.push_back(waiting.block);
        }
    }
    const auto rolling = rolling_.find(entity);
    if (rolling != rolling_.end()) blocks.push_back(rolling->second->open_block(level));
    auto stored = co_await runtime_.blocking(
        kQueue,
        [this, entity, level, first_s = block_begin(interval, after_s), until_s] {
            std::vector<FinishedBlock> read;
            for (const auto& block : store_.read(kIntervals[level].key, entity, first_s, until_s)) {
                read.push_back(finished_block(level, block));
            }
            return read;
        },
        kLimit);
    std::map<SeriesKey, std::vector<std::int64_t>> rows;
    const auto size = static_cast<std::size_t>(length);
    for (const FinishedBlock& block : stored) place(block, after_s, keys, rows, size);
    for (const FinishedBlock& block : blocks) place(block, after_s, keys, rows, size);
    for (auto& [key, values] : rows) answer.series.push_back({key, std::move(values)});
    co_return answer;
}

Awaitable<void> Archive::forget(std::string entity) {
    rolling_.erase(entity);
    std::erase_if(finished_, [&](const Waiting& waiting) { return waiting.entity == entity; });
    co_await runtime_.blocking(kQueue, [this, entity] { store_.forget(entity); }, kLimit);
}

}  // namespace drover::center
