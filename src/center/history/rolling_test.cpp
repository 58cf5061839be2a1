#include "center/history/rolling.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace drover::center {
namespace {

constexpr std::int32_t kMean = 2, kSum = 12, kLast = 3, kMost = 4;

Rollup rollup_of(std::int32_t counter) {
    switch (counter) {
        case kSum:
            return Rollup::summation;
        case kLast:
            return Rollup::latest;
        case kMost:
            return Rollup::maximum;
        default:
            return Rollup::average;
    }
}

struct Rolled {
    std::vector<FinishedBlock> blocks;
    Rolling rolling{rollup_of, [this](FinishedBlock block) { blocks.push_back(std::move(block)); }};

    void add(std::int64_t end_s, std::int32_t counter, std::int64_t value) {
        const std::vector<Measured> values{{{counter, ""}, value}};
        rolling.add(end_s, values);
    }
    std::vector<FinishedBlock> of_level(std::size_t level) const {
        std::vector<FinishedBlock> found;
        for (const FinishedBlock& block : blocks) {
            if (block.level == level) found.push_back(block);
        }
        return found;
    }
};

constexpr std::int64_t kHour = 3600;

TEST(Rolling, MakesTheFirstIntervalOfTheHostsSamples) {
    Rolled rolled;
    for (std::int64_t end = 20; end <= 300; end += 20) {
        const std::vector<Measured> values{
            {{kMean, ""}, end}, {{kSum, ""}, 2}, {{kLast, ""}, end}, {{kMost, "0"}, 300 - end}};
        rolled.rolling.add(end, values);
    }
    rolled.add(320, kMean, 7);  // the sample before is over now
    const FinishedBlock open = rolled.rolling.open_block(0);
    EXPECT_EQ(open.begin_s, 0);
    ASSERT_EQ(open.series.size(), 4u);
    EXPECT_EQ(open.series[0].values[0], 160);  // the mean of 20, 40, ..., 300
    EXPECT_EQ(open.series[1].values[0], 30);
    EXPECT_EQ(open.series[2].values[0], 300);
    EXPECT_EQ(open.series[3].values[0], 280);
    EXPECT_EQ(open.series[0].values[1], kNoSample);
    EXPECT_EQ(open.series[3].key, (SeriesKey{kMost, "0"}));
}

TEST(Rolling, HandsOutBlocksWhenTheyAreWhole) {
    Rolled rolled;
    for (std::int64_t end = 20; end <= 25 * kHour; end += 20) rolled.add(end, kSum, 1);
    const auto hours = rolled.of_level(0);
    ASSERT_EQ(hours.size(), 24u);
    EXPECT_EQ(hours[1].begin_s, kHour);
    EXPECT_EQ(hours[1].series[0].values, std::vector<std::int64_t>(12, 15));
    const auto quarters = rolled.of_level(1);
    ASSERT_EQ(quarters.size(), 4u);
    EXPECT_EQ(quarters[3].series[0].values, std::vector<std::int64_t>(12, 90));
    ASSERT_EQ(rolled.of_level(2).size(), 1u);
    EXPECT_EQ(rolled.of_level(2)[0].series[0].values, std::vector<std::int64_t>(12, 360));
    EXPECT_TRUE(rolled.of_level(3).empty());
}

TEST(Rolling, LeavesGapsWhereNothingWasMeasured) {
    Rolled rolled;
    rolled.add(20, kMean, 5);
    rolled.add(700, kMean, 9);  // the second five minutes have nothing
    rolled.add(3 * kHour, kMean, 1);
    ASSERT_EQ(rolled.of_level(0).size(), 1u);
    std::vector<std::int64_t> expected(12, kNoSample);
    expected[0] = 5;
    expected[2] = 9;
    EXPECT_EQ(rolled.of_level(0)[0].series[0].values, expected);
}

TEST(Rolling, IgnoresWhatIsOlderThanTheNewest) {
    Rolled rolled;
    rolled.add(40, kSum, 1);
    rolled.add(40, kSum, 100);
    rolled.add(20, kSum, 100);
    rolled.add(320, kSum, 1);
    EXPECT_EQ(rolled.rolling.open_block(0).series[0].values[0], 1);
}

// A center that was killed at any moment ends up with the blocks that it would have had.
RC_GTEST_PROP(Rolling, GoesOnAfterARestartAsIfNothingHadHappened, ()) {
    const std::int64_t end = 40 * kHour;
    const auto killed = *rc::gen::inRange<std::int64_t>(1, end / 20) * 20;
    Rolled whole;
    for (std::int64_t at = 20; at <= end; at += 20) whole.add(at, kSum, at % 7);

    Rolled before;
    for (std::int64_t at = 20; at <= killed; at += 20) before.add(at, kSum, at % 7);
    Rolled after;
    for (std::size_t level = kIntervals.size() - 1; level > 0; --level) {
        const auto own = before.of_level(level);
        const std::int64_t after_s =
            own.empty() ? 0 : own.back().begin_s + kIntervals[level].block_s();
        for (const FinishedBlock& block : before.of_level(level - 1)) {
            after.rolling.restore(level, after_s, block);
        }
    }
    // The hosts' last hour: what is not in a whole block of the first level.
    const auto hours = before.of_level(0);
    const std::int64_t known_s = hours.empty() ? 0 : hours.back().begin_s + kHour;
    for (std::int64_t at = known_s + 20; at <= end; at += 20) after.add(at, kSum, at % 7);

    for (std::size_t level = 0; level < kIntervals.size(); ++level) {
        auto both = before.of_level(level);
        for (auto& block : after.of_level(level)) both.push_back(std::move(block));
        const auto expected = whole.of_level(level);
        RC_ASSERT(both.size() == expected.size());
        for (std::size_t index = 0; index < both.size(); ++index) {
            RC_ASSERT(both[index].begin_s == expected[index].begin_s);
            RC_ASSERT(both[index].series == expected[index].series);
        }
        RC_ASSERT(after.rolling.open_block(level).series == whole.rolling.open_block(level).series);
    }
}

RC_GTEST_PROP(Block, ComesBackAsItWas, (std::vector<std::vector<std::int64_t>> rows)) {
    std::vector<BlockSeries> series;
    for (std::size_t index = 0; index < rows.size(); ++index) {
        rows[index].resize(12, kNoSample);
        series.push_back({{static_cast<std::int32_t>(index), index % 2 ? "vmnic0" : ""},
                          std::move(rows[index])});
    }
    const auto again = decode_block(encode_block(series), 12);
    RC_ASSERT(again.has_value());
    RC_ASSERT(*again == series);
}

TEST(Block, RefusesWhatIsCutShort) {
    const std::string bytes = encode_block({{{2, "x"}, std::vector<std::int64_t>(12, 1000)}});
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(decode_block(std::string_view(bytes).substr(0, length), 12)) << length;
    }
    EXPECT_FALSE(decode_block(bytes + "x", 12));
    EXPECT_FALSE(decode_block(bytes, 13));
}

TEST(Block, IsSmallForAMachineThatDoesTheSameAllTheTime) {
    std::vector<BlockSeries> series;
    for (std::int32_t counter = 0; counter < 10; ++counter) {
        series.push_back({{counter, ""}, std::vector<std::int64_t>(12, 1'000'000 + counter)});
    }
    EXPECT_LT(encode_block(series).size(), 200u);
}

}  // namespace
}  // namespace drover::center
