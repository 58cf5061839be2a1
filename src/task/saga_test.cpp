// What DESIGN demands of every saga, proved for the runner itself: each step failed, each undo
// repeated, the process killed at every instant that differs, the journal broken at every write.

#include "task/saga.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "store/temporary_directory.hpp"
#include "task/failing_store.hpp"
#include "task/test_runtime.hpp"

namespace drover::task {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Strings = std::vector<std::string>;

constexpr int kSteps = 4;

enum class Trouble { none, fails, times_out, kill_before, kill_after };

/// What happens to the run, and where. Steps count from 0.
struct Script {
    int at = -1;
    Trouble trouble = Trouble::none;
    int undo_fails_at = -1;
    int kill_in_undo_at = -1;
    int point_of_no_return = -1;
};

class SagaTest : public testing::Test {
protected:
    SagaTest() { start_process(); }

    void start_process() {
        runner_.reset();
        process_.reset();  // ends every coroutine where it stands
        killed_ = false;
        log_.clear();
        process_.emplace();
        runner_.emplace(process_->runtime, journal_,
                        [this] { return fmt::format("saga-{}", ++ids_); });
        runner_->add_kind("test", [this](const std::string& parameters) {
            EXPECT_EQ(parameters, "{p}");
            return make_saga();
        });
    }

    Saga make_saga() {
        Saga saga{"test", "{p}", {}, [] {
                      store::Record record;
                      record.kind = "result";
                      record.id = "made";
                      return store::Batch().put(record);
                  }};
        for (int i = 0; i < kSteps; ++i) {
            saga.steps.push_back({fmt::format("step{}", i), [this, i] { return perform(i); },
                                  [this, i] { return undo(i); }, i == script_.point_of_no_return});
        }
        return saga;
    }

    Awaitable<void> perform(int i) {
        if (i == script_.at) {
            if (script_.trouble == Trouble::fails) throw std::runtime_error("step failed");
            if (script_.trouble == Trouble::kill_before) co_await hang();
        }
        log_.push_back(fmt::format("+{}", i));
        effects_.insert(i);
        if (i != script_.at) co_return;
        if (script_.trouble == Trouble::times_out) throw BlockingTimeout("q");
        if (script_.trouble == Trouble::kill_after) co_await hang();
    }

    Awaitable<void> undo(int i) {
        log_.push_back(fmt::format("-{}", i));
        if (i == script_.undo_fails_at) throw std::runtime_error("undo failed");
        effects_.erase(i);
        if (i == script_.kill_in_undo_at) co_await hang();
    }

    // The process is killed here: the test throws it away while the coroutine stands still.
    Awaitable<void> hang() {
        killed_ = true;
        co_await process_->runtime.sleep(std::chrono::hours{24});
    }

    /// Runs the saga until it ends or the process is killed. The error's text; "" if it ended well.
    std::string run() { return drive(runner_->run(make_saga())); }
    std::string recover() { return drive(runner_->recover()); }

    std::string drive(Awaitable<void> work) {
        std::optional<std::string> end;
        boost::asio::co_spawn(process_->runtime.strand(), std::move(work),
                              [&end](std::exception_ptr error) {
                                  end = "";
                                  try {
                                      if (error) std::rethrow_exception(error);
                                  } catch (const std::exception& failure) {
                                      end = failure.what();
                                  }
                              });
        process_->run_until([&] { return end || killed_; });
        return end.value_or("killed");
    }

    void expect_nothing_left() {
        EXPECT_THAT(effects_, IsEmpty());
        EXPECT_THAT(journal_.unfinished(), IsEmpty());
        EXPECT_FALSE(store_->get("result", "made"));
    }
    void expect_all_done() {
        EXPECT_THAT(effects_, SizeIs(kSteps));
        EXPECT_THAT(journal_.unfinished(), IsEmpty());
        EXPECT_TRUE(store_->get("result", "made"));
    }

    store::TemporaryDirectory directory_;
    std::unique_ptr<store::Store> store_ = store::open_sqlite_store(directory_.path() / "s.db");
    FailingStore failing_{*store_};
    store::Journal journal_{failing_};
    Script script_;
    std::set<int> effects_;  // the world outside of the process
    Strings log_;
    bool killed_ = false;
    int ids_ = 0;
    std::optional<TestRuntime> process_;
    std::optional<SagaRunner> runner_;
};

TEST_F(SagaTest, RunsItsStepsInOrderAndStoresItsResult) {
    EXPECT_EQ(run(), "");
    EXPECT_THAT(log_, ElementsAre("+0", "+1", "+2", "+3"));
    expect_all_done();
}

TEST_F(SagaTest, AFailedStepUndoesExactlyTheStepsBeforeItLastFirst) {
    for (int at = 0; at < kSteps; ++at) {
        SCOPED_TRACE(at);
        start_process();
        script_ = {at, Trouble::fails};
        EXPECT_EQ(run(), "step failed");
        Strings expected;
        for (int i = 0; i < at; ++i) expected.push_back(fmt::format("+{}", i));
        for (int i = at; i-- > 0;) expected.push_back(fmt::format("-{}", i));
        EXPECT_EQ(log_, expected);
        expect_nothing_left();
    }
}

TEST_F(SagaTest, AStepThatWasGivenUpIsUndoneAsWell) {
    for (int at = 0; at < kSteps; ++at) {
        SCOPED_TRACE(at);
        start_process();
        script_ = {at, Trouble::times_out};
        EXPECT_EQ(run(), "no answer in time from q");
        expect_nothing_left();
    }
}

TEST_F(SagaTest, AKillAtAnyStepIsUndoneAtTheNextStart) {
    for (const auto trouble : {Trouble::kill_before, Trouble::kill_after}) {
        for (int at = 0; at < kSteps; ++at) {
            SCOPED_TRACE(fmt::format("{} {}", static_cast<int>(trouble), at));
            script_ = {at, trouble};
            start_process();
            EXPECT_EQ(run(), "killed");
            start_process();
            script_ = {};
            EXPECT_EQ(recover(), "");
            // The last step may or may not have happened: it is undone first.
            Strings expected;
            for (int i = at; i >= 0; --i) expected.push_back(fmt::format("-{}", i));
            EXPECT_EQ(log_, expected);
            expect_nothing_left();
        }
    }
}

TEST_F(SagaTest, AKillInTheMiddleOfUndoingRepeatsEveryUndo) {
    for (int at = 0; at < kSteps; ++at) {
        SCOPED_TRACE(at);
        script_ = {kSteps - 1, Trouble::kill_after};
        start_process();
        EXPECT_EQ(run(), "killed");
        for (int again = 0; again < 2; ++again) {
            start_process();
            script_ = {};
            script_.kill_in_undo_at = at;
            EXPECT_EQ(recover(), "killed");
        }
        start_process();
        script_ = {};
        EXPECT_EQ(recover(), "");
        EXPECT_THAT(log_, ElementsAre("-3", "-2", "-1", "-0"));
        expect_nothing_left();
    }
}

TEST_F(SagaTest, AnUndoThatFailsIsRepeatedAtTheNextStart) {
    for (int at = 0; at < kSteps - 1; ++at) {
        SCOPED_TRACE(at);
        start_process();
        script_ = {kSteps - 1, Trouble::fails};
        script_.undo_fails_at = at;
        EXPECT_EQ(run(), "step failed");
        EXPECT_THAT(journal_.unfinished(), SizeIs(1));
        start_process();
        EXPECT_EQ(recover(), "") << "it fails again, and stays";
        EXPECT_THAT(journal_.unfinished(), SizeIs(1));
        start_process();
        script_ = {};
        EXPECT_EQ(recover(), "");
        expect_nothing_left();
    }
}

TEST_F(SagaTest, PastThePointOfNoReturnItIsOnlyEverFinished) {
    constexpr int kPoint = 1;
    for (const auto trouble :
         {Trouble::fails, Trouble::times_out, Trouble::kill_before, Trouble::kill_after}) {
        for (int at = kPoint + 1; at < kSteps; ++at) {
            SCOPED_TRACE(fmt::format("{} {}", static_cast<int>(trouble), at));
            effects_.clear();
            store_->commit_and_wait(store::Batch().remove("result", "made"));
            script_ = {at, trouble};
            script_.point_of_no_return = kPoint;
            start_process();
            EXPECT_NE(run(), "");
            EXPECT_THAT(log_, testing::Not(testing::Contains(testing::StartsWith("-"))));
            EXPECT_THAT(journal_.unfinished(), SizeIs(1));
            script_.at = -1;
            start_process();
            EXPECT_EQ(recover(), "");
            EXPECT_EQ(log_.front(), fmt::format("+{}", at)) << "goes on where it stood";
            expect_all_done();
        }
    }
}

TEST_F(SagaTest, BeforeThePointOfNoReturnItIsUndone) {
    for (const auto trouble : {Trouble::fails, Trouble::kill_before}) {
        script_ = {1, trouble};
        script_.point_of_no_return = 1;
        start_process();
        EXPECT_NE(run(), "");
        start_process();
        EXPECT_EQ(recover(), "");
        expect_nothing_left();
    }
}

TEST_F(SagaTest, AJournalThatCannotBeWrittenLosesNothing) {
    // Writes: the beginning, one for each step, the end.
    for (int write = 1; write <= kSteps + 2; ++write) {
        SCOPED_TRACE(write);
        script_ = {};
        start_process();
        failing_.fail({write});
        EXPECT_EQ(run(), "disk full");
        failing_.fail({});
        start_process();
        EXPECT_EQ(recover(), "");
        expect_nothing_left();
    }
}

TEST_F(SagaTest, AJournalThatFailsWhileUndoingKeepsTheFirstCause) {
    script_ = {2, Trouble::fails};
    failing_.fail({4});  // the end, after the beginning and two steps
    EXPECT_EQ(run(), "step failed");
    start_process();
    script_ = {};
    EXPECT_EQ(recover(), "");
    expect_nothing_left();
}

TEST_F(SagaTest, WhatCannotBeEndedDoesNotHoldTheOthersUp) {
    journal_.begin("a", "unheard_of", "");
    runner_->add_kind(
        "broken", [](const std::string&) -> Saga { throw std::runtime_error("bad parameters"); });
    journal_.begin("b", "broken", "");
    effects_ = {0};
    journal_.begin("c", "test", "{p}");
    journal_.step_done("c", "step0");
    EXPECT_EQ(recover(), "");
    EXPECT_THAT(effects_, IsEmpty());
    const auto left = journal_.unfinished();
    ASSERT_THAT(left, SizeIs(2));
    EXPECT_EQ(left[0].id, "a");
    EXPECT_EQ(left[1].id, "b");
}

}  // namespace
}  // namespace drover::task
