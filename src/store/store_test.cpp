#include "store/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>

#include "store/temporary_directory.hpp"

namespace drover::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StoreTest : public testing::Test {
protected:
    void reopen() {
        store_.reset();
        store_ = open_sqlite_store(path_);
    }
    void put(const std::string& id, const std::string& value,
             std::optional<std::int64_t> expected = {}) {
        Batch batch;
        batch.put({.kind = "vm", .id = id, .value = value, .name = "", .parent = ""}, expected);
        store_->commit_and_wait(std::move(batch));
    }

    TemporaryDirectory directory_;
    std::filesystem::path path_ = directory_.path() / "state.db";
    std::unique_ptr<Store> store_ = open_sqlite_store(path_);
};

TEST_F(StoreTest, KeepsRecordsOverARestart) {
    const std::string bytes("\0binary\xff\x01", 9);
    Batch batch;
    batch.put({.kind = "vm", .id = "2", .value = bytes, .name = "web", .parent = "group-v"});
    batch.put({.kind = "vm", .id = "1", .value = "", .name = "db", .parent = "group-v"});
    batch.put({.kind = "host", .id = "1", .value = "x", .name = "", .parent = ""});
    store_->commit_and_wait(std::move(batch));
    reopen();
    const Record one{
        .kind = "vm", .id = "1", .version = 1, .value = "", .name = "db", .parent = "group-v"};
    const Record two{
        .kind = "vm", .id = "2", .version = 1, .value = bytes, .name = "web", .parent = "group-v"};
    EXPECT_THAT(store_->load("vm"), ElementsAre(one, two));
    EXPECT_THAT(store_->find_by_name("vm", "web"), ElementsAre(two));
    EXPECT_THAT(store_->find_by_parent("vm", "group-v"), ElementsAre(one, two));
    EXPECT_EQ(store_->get("vm", "2"), two);
    EXPECT_EQ(store_->get("vm", "3"), std::nullopt);
    EXPECT_TRUE(store_->load("nothing").empty());
    EXPECT_TRUE(store_->find_by_name("host", "").empty());
}

TEST_F(StoreTest, CountsVersions) {
    put("1", "a");
    put("1", "b");
    EXPECT_EQ(store_->get("vm", "1")->version, 2);
    store_->commit_and_wait(std::move(Batch().remove("vm", "1")));
    EXPECT_FALSE(store_->get("vm", "1"));
    put("1", "c");
    EXPECT_EQ(store_->get("vm", "1")->version, 1);
}

TEST_F(StoreTest, RefusesAWholeBatchOnAConflict) {
    put("1", "a", 0);
    Batch batch;
    batch.put({.kind = "vm", .id = "new", .value = "x", .name = "", .parent = ""}, 0);
    batch.put({.kind = "vm", .id = "1", .value = "lost", .name = "", .parent = ""}, 7);
    try {
        store_->commit_and_wait(std::move(batch));
        FAIL() << "no conflict";
    } catch (const VersionConflict& conflict) {
        EXPECT_EQ(conflict.id(), "1");
        EXPECT_EQ(conflict.expected(), 7);
        EXPECT_EQ(conflict.found(), 1);
        EXPECT_STREQ(conflict.what(), "vm '1' has version 1, not 7 as was expected");
    }
    EXPECT_FALSE(store_->get("vm", "new"));
    EXPECT_EQ(store_->get("vm", "1")->value, "a");
    EXPECT_THROW(put("1", "b", 0), VersionConflict);
    EXPECT_THROW(store_->commit_and_wait(std::move(Batch().remove("vm", "1", 2))), VersionConflict);
    EXPECT_NO_THROW(put("1", "b", 1));
}

TEST_F(StoreTest, RefusesWhatBreaksALimit) {
    EXPECT_THROW(put("", "x"), StoreError);
    EXPECT_THROW(put(std::string(2000, 'x'), "x"), StoreError);
    EXPECT_THROW(put("1", std::string(kMaxValueBytes + 1, 'x')), StoreError);
    EXPECT_NO_THROW(put("1", std::string(kMaxValueBytes, 'x')));
    EXPECT_EQ(store_->get("vm", "1")->value.size(), kMaxValueBytes);
}

// While the first commit's callback holds the writer, 100 more pile up: they share a transaction.
TEST_F(StoreTest, GroupsWhatWaitsIntoOneTransaction) {
    std::latch entered(1);
    std::latch go_on(1);
    Batch first;
    first.put({.kind = "vm", .id = "first", .value = "", .name = "", .parent = ""});
    store_->commit(std::move(first), [&](const std::exception_ptr&) {
        entered.count_down();
        go_on.wait();
    });
    entered.wait();
    std::atomic<int> stored = 0;
    std::atomic<int> refused = 0;
    for (int i = 0; i < 100; ++i) {
        Batch batch;
        // Every tenth conflicts, and must not take the others of its group with it.
        batch.put({.kind = "vm", .id = std::to_string(i), .value = "", .name = "", .parent = ""},
                  i % 10 == 0 ? 5 : 0);
        store_->commit(std::move(batch),
                       [&](const std::exception_ptr& error) { error ? ++refused : ++stored; });
    }
    go_on.count_down();
    store_->flush();
    EXPECT_EQ(stored, 90);
    EXPECT_EQ(refused, 10);
    EXPECT_EQ(store_->load("vm").size(), 91u);
    EXPECT_EQ(store_->statistics().batches, 91u);
    EXPECT_EQ(store_->statistics().transactions, 2u);
}

TEST_F(StoreTest, IsUsedByManyThreadsAtOnce) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([this, t] {
            for (int i = 0; i < 25; ++i) {
                const std::string id = std::to_string(t) + "-" + std::to_string(i);
                put(id, "x", 0);
                // What was acknowledged is seen at once.
                if (!store_->get("vm", id)) ADD_FAILURE() << id;
            }
        });
    }
    threads.clear();
    EXPECT_EQ(store_->load("vm").size(), 200u);
}

TEST_F(StoreTest, StoresWhatIsQueuedWhenItCloses) {
    for (int i = 0; i < 500; ++i) {
        Batch batch;
        batch.put({.kind = "vm", .id = std::to_string(i), .value = "", .name = "", .parent = ""});
        store_->commit(std::move(batch), [](const std::exception_ptr&) {});
    }
    reopen();
    EXPECT_EQ(store_->load("vm").size(), 500u);
}

TEST_F(StoreTest, IsNotSharedWithASecondProcess) {
    try {
        open_sqlite_store(path_);
        FAIL() << "opened twice";
    } catch (const StoreError& error) {
        EXPECT_THAT(error.what(), HasSubstr("in use by another process"));
    }
}

TEST_F(StoreTest, KeepsItsFilesToItself) {
    put("1", "secret");
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
        EXPECT_EQ(entry.status().permissions() & std::filesystem::perms(077),
                  std::filesystem::perms::none)
            << entry.path();
    }
}

}  // namespace
}  // namespace drover::store
