#include "store/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/temporary_directory.hpp"

namespace drover::store {
namespace {

using testing::ElementsAre;

class JournalTest : public testing::Test {
protected:
    TemporaryDirectory directory_;
    std::unique_ptr<Store> store_ = open_sqlite_store(directory_.path() / "state.db");
    Journal journal_{*store_};
};

TEST_F(JournalTest, KnowsAfterARestartWhatWasUnderWay) {
    journal_.begin("b", "create_vm", "{name}");
    journal_.begin("a", "destroy_vm", "");
    journal_.begin("c", "create_vm", "");
    for (int i = 1; i <= 12; ++i) journal_.step_done("b", "step" + std::to_string(i), "data");
    journal_.end("c");
    store_.reset();
    store_ = open_sqlite_store(directory_.path() / "state.db");
    const auto unfinished = Journal(*store_).unfinished();
    ASSERT_EQ(unfinished.size(), 2u);
    EXPECT_EQ(unfinished[0], (UnfinishedSaga{"a", "destroy_vm", "", {}}));
    EXPECT_EQ(unfinished[1].parameters, "{name}");
    ASSERT_EQ(unfinished[1].steps.size(), 12u);
    EXPECT_EQ(unfinished[1].steps[0], (SagaStep{"step1", "data"}));
    EXPECT_EQ(unfinished[1].steps[11], (SagaStep{"step12", "data"}));
}

TEST_F(JournalTest, LeavesNothingBehindAtTheEnd) {
    journal_.begin("a/1", "x", "");
    journal_.begin("a", "x", "");
    journal_.step_done("a", "one");
    journal_.step_done("a/1", "one");
    Batch result;
    result.put({.kind = "vm", .id = "vm-1", .value = "done", .name = "", .parent = ""});
    journal_.end("a", std::move(result));
    EXPECT_EQ(store_->get("vm", "vm-1")->value, "done");
    EXPECT_THAT(journal_.unfinished(),
                ElementsAre(UnfinishedSaga{"a/1", "x", "", {SagaStep{"one", ""}}}));
    EXPECT_EQ(store_->load("saga_step").size(), 1u);
}

TEST_F(JournalTest, StoresTheResultAndTheEndTogetherOrNotAtAll) {
    journal_.begin("a", "x", "");
    Batch result;
    result.put({.kind = "vm", .id = "vm-1", .value = "", .name = "", .parent = ""}, 9);
    EXPECT_THROW(journal_.end("a", std::move(result)), VersionConflict);
    EXPECT_EQ(journal_.unfinished().size(), 1u);
}

TEST_F(JournalTest, RefusesCallsOutOfOrder) {
    EXPECT_THROW(journal_.step_done("a", "one"), StoreError);
    EXPECT_THROW(journal_.end("a"), StoreError);
    journal_.begin("a", "x", "");
    EXPECT_THROW(journal_.begin("a", "x", ""), StoreError);
    journal_.end("a");
    EXPECT_THROW(journal_.step_done("a", "one"), StoreError);
}

}  // namespace
}  // namespace drover::store
