#include "center/history/archive.hpp"

#include <gtest/gtest.h>

#include "store/temporary_directory.hpp"
#include "task/test_runtime.hpp"

namespace drover::center {
namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kStart = 1'700'006'400 / 86'400 * 86'400;  // a midnight
constexpr std::int32_t kUsage = 2;

Rollup always_average(std::int32_t) {
    return Rollup::average;
}

class ArchiveTest : public testing::Test {
protected:
    void SetUp() override { open(); }

    void open() {
        archive_.reset();
        store_.reset();
        store_ = store::open_sqlite_samples(directory_.path() / "samples.db");
        archive_ = std::make_unique<Archive>(test_.runtime, *store_, always_average);
    }

    void add(std::int64_t from_s, std::int64_t until_s, std::int64_t value) {
        const std::vector<Measured> values{{{kUsage, ""}, value}};
        for (std::int64_t at = from_s + 20; at <= until_s; at += 20) {
            archive_->add("vm-1", at, values);
        }
    }

    std::vector<std::int64_t> values(std::size_t level, std::int64_t after_s,
                                     std::int64_t until_s) {
        const auto answer =
            test_.run(archive_->query("vm-1", level, after_s, until_s, {{kUsage, ""}}));
        return answer.series.empty() ? std::vector<std::int64_t>{} : answer.series[0].values;
    }

    store::TemporaryDirectory directory_;
    task::TestRuntime test_;
    std::unique_ptr<store::SampleStore> store_;
    std::unique_ptr<Archive> archive_;
};

TEST_F(ArchiveTest, AnswersFromMemoryAndFromTheDiskAlike) {
    add(kStart, kStart + 2 * kHour + 600, 5);
    const auto before = values(0, kStart, kStart + 2 * kHour);
    EXPECT_EQ(before, std::vector<std::int64_t>(24, 5));
    EXPECT_EQ(archive_->waiting(), 2u);
    test_.run(archive_->flush(kStart + 2 * kHour));
    EXPECT_EQ(archive_->waiting(), 0u);
    EXPECT_EQ(values(0, kStart, kStart + 2 * kHour), before);
    EXPECT_EQ(values(0, kStart + 3300, kStart + 3900), (std::vector<std::int64_t>{5, 5}));
}

TEST_F(ArchiveTest, SaysWhenSamplesEnded) {
    add(kStart, kStart + kHour, 5);
    const auto answer = test_.run(archive_->query("vm-1", 0, kStart, kStart + 600, {}));
    EXPECT_EQ(answer.ends_s, (std::vector<std::int64_t>{kStart + 300, kStart + 600}));
}

TEST_F(ArchiveTest, GoesOnAfterItsProcessWasKilled) {
    add(kStart, kStart + 7 * kHour + 1200, 10);
    test_.run(archive_->flush(kStart + 7 * kHour));
    open();
    test_.run(archive_->load(kStart + 7 * kHour + 1200));
    // The samples since the last whole hour come from the hosts once more.
    EXPECT_EQ(archive_->newest_s("vm-1"), kStart + 7 * kHour);
    add(kStart + 7 * kHour, kStart + 13 * kHour, 10);
    EXPECT_EQ(values(1, kStart, kStart + 12 * kHour), std::vector<std::int64_t>(24, 10));
}

TEST_F(ArchiveTest, ForgetsWhatIsTooOld) {
    add(kStart, kStart + 3 * kHour, 1);
    test_.run(archive_->flush(kStart + 3 * kHour));
    for (int round = 0; round < 5; ++round) test_.run(archive_->flush(kStart + 40 * kHour));
    EXPECT_TRUE(store_->read(kIntervals[0].key, "vm-1", 0, kStart + 99 * kHour).empty());
}

TEST_F(ArchiveTest, ForgetsAnEntity) {
    add(kStart, kStart + 3 * kHour, 1);
    test_.run(archive_->flush(kStart + 3 * kHour));
    test_.run(archive_->forget("vm-1"));
    EXPECT_TRUE(values(0, kStart, kStart + 3 * kHour).empty());
    EXPECT_EQ(archive_->newest_s("vm-1"), 0);
}

TEST_F(ArchiveTest, LeavesOutWhatIsDamaged) {
    store_->put({{kIntervals[0].key, "vm-1", kStart, "no block"}});
    EXPECT_TRUE(values(0, kStart, kStart + kHour).empty());
}

}  // namespace
}  // namespace drover::center
