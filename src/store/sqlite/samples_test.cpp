#include "store/samples.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "store/temporary_directory.hpp"

namespace drover::store {
namespace {

class Samples : public testing::Test {
protected:
    TemporaryDirectory directory_;
    std::filesystem::path path_ = directory_.path() / "samples.db";
};

TEST_F(Samples, ComeBackInOrderOfTime) {
    const auto store = open_sqlite_samples(path_);
    store->put({{1, "vm-2", 7200, "later"},
                {1, "vm-2", 3600, "early"},
                {1, "vm-3", 3600, "other"},
                {2, "vm-2", 3600, "coarse"}});
    EXPECT_EQ(store->read(1, "vm-2", 0, 10000),
              (std::vector<SampleBlock>{{1, "vm-2", 3600, "early"}, {1, "vm-2", 7200, "later"}}));
    EXPECT_EQ(store->read(1, "vm-2", 3601, 7200).size(), 1u);
    EXPECT_TRUE(store->read(1, "vm-9", 0, 10000).empty());
    EXPECT_EQ(store->read_all(1, 3600, 3600).size(), 2u);
}

TEST_F(Samples, AreReplacedAndSurviveAReopening) {
    {
        const auto store = open_sqlite_samples(path_);
        store->put({{1, "vm-2", 3600, "old"}});
        store->put({{1, "vm-2", 3600, std::string("n\0w", 3)}});
    }
    const auto store = open_sqlite_samples(path_);
    ASSERT_EQ(store->read(1, "vm-2", 0, 9999).size(), 1u);
    EXPECT_EQ(store->read(1, "vm-2", 0, 9999)[0].data, std::string("n\0w", 3));
    EXPECT_GT(store->size_bytes(), 0u);
}

TEST_F(Samples, AreForgottenOldestFirst) {
    const auto store = open_sqlite_samples(path_);
    store->put(
        {{1, "a", 3600, "x"}, {1, "a", 7200, "x"}, {1, "a", 10800, "x"}, {2, "a", 3600, "x"}});
    EXPECT_TRUE(store->forget_before(1, 10800));
    EXPECT_EQ(store->read(1, "a", 0, 99999).front().begin, 7200);
    EXPECT_TRUE(store->forget_before(1, 10800));
    EXPECT_FALSE(store->forget_before(1, 10800));
    EXPECT_EQ(store->read(1, "a", 0, 99999).size(), 1u);
    EXPECT_EQ(store->read(2, "a", 0, 99999).size(), 1u) << "another level stays";
    store->forget("a");
    EXPECT_TRUE(store->read(2, "a", 0, 99999).empty());
}

TEST_F(Samples, ADamagedFileIsSetAside) {
    std::ofstream(path_) << "this is no database, and long enough to be taken for one at first";
    const auto store = open_sqlite_samples(path_);
    store->put({{1, "a", 0, "x"}});
    EXPECT_EQ(store->read(1, "a", 0, 0).size(), 1u);
    int set_aside = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
        if (entry.path().string().contains(".damaged-")) ++set_aside;
    }
    EXPECT_GE(set_aside, 1);
}

TEST_F(Samples, BelongToOneProcess) {
    const auto store = open_sqlite_samples(path_);
    EXPECT_THROW(open_sqlite_samples(path_), StoreError);
}

}  // namespace
}  // namespace drover::store
