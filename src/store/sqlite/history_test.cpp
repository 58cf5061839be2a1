#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "store/history.hpp"
#include "store/temporary_directory.hpp"

namespace drover::store {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const base::WallTime kStart{std::chrono::seconds{1'700'000'000}};

HistoryEntry entry(std::int64_t number, std::string type = "VmPoweredOnEvent") {
    HistoryEntry made;
    made.number = number;
    made.chain = number / 10;
    made.type = std::move(type);
    made.user = "root";
    made.time = kStart + std::chrono::seconds(number);
    made.value = "value " + std::to_string(number);
    made.objects = {{"vm-" + std::to_string(number % 2), kSelf}, {"ha-folder-vm", kAbove}};
    return made;
}

class HistoryTest : public testing::Test {
protected:
    std::filesystem::path path() const { return directory_.path() / "history.db"; }

    void fill(History& history, std::int64_t from, std::int64_t to) {
        for (std::int64_t number = from; number <= to; ++number) history.append(entry(number));
        history.flush();
    }

    static std::vector<std::int64_t> numbers(const History& history, const HistoryQuery& query) {
        std::vector<std::int64_t> found;
        for (const auto& each : history.query(query)) found.push_back(each.number);
        return found;
    }

    std::size_t files_set_aside() const {
        std::size_t count = 0;
        for (const auto& file : std::filesystem::directory_iterator(directory_.path())) {
            if (file.path().string().find("history.db.damaged-") != std::string::npos) ++count;
        }
        return count;
    }

    TemporaryDirectory directory_;
};

TEST_F(HistoryTest, ReadsInBothDirectionsAndFromAPlace) {
    const auto history = open_sqlite_history(path());
    fill(*history, 1, 20);
    HistoryQuery query;
    query.limit = 3;
    EXPECT_THAT(numbers(*history, query), ElementsAre(1, 2, 3));
    query.after = 3;
    EXPECT_THAT(numbers(*history, query), ElementsAre(4, 5, 6));
    query.after.reset();
    query.newest_first = true;
    EXPECT_THAT(numbers(*history, query), ElementsAre(20, 19, 18));
    query.before = 18;
    EXPECT_THAT(numbers(*history, query), ElementsAre(17, 16, 15));
}

TEST_F(HistoryTest, EveryConditionNarrows) {
    const auto history = open_sqlite_history(path());
    fill(*history, 1, 20);
    history->append(entry(21, "TaskEvent"));
    history->flush();
    HistoryQuery query;
    query.types = {"TaskEvent", "None"};
    EXPECT_THAT(numbers(*history, query), ElementsAre(21));
    query = {};
    query.chains = {1};
    query.object = "vm-1";
    EXPECT_THAT(numbers(*history, query), ElementsAre(11, 13, 15, 17, 19));
    query = {};
    query.object = "ha-folder-vm";
    query.relations = kSelf;
    EXPECT_THAT(numbers(*history, query), IsEmpty());
    query.relations = kAbove;
    EXPECT_THAT(numbers(*history, query), SizeIs(21));
    query = {};
    query.begin = kStart + 5s;
    query.end = kStart + 7s;
    EXPECT_THAT(numbers(*history, query), ElementsAre(5, 6, 7));
}

TEST_F(HistoryTest, TasksAreNumberedForThemselvesAndKeepTheirTimes) {
    const auto history = open_sqlite_history(path());
    fill(*history, 1, 2);
    auto task = entry(1, "success");
    task.log = Log::tasks;
    task.completed = kStart + 1h;
    history->append(task);
    history->flush();
    HistoryQuery query;
    query.log = Log::tasks;
    query.time = HistoryQuery::Time::completed;
    query.begin = kStart + 30min;
    const auto found = history->query(query);
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].completed, kStart + 1h);
    EXPECT_EQ(found[0].started, std::nullopt);
    // Not started: no time to compare with.
    query.time = HistoryQuery::Time::started;
    query.begin.reset();
    query.end = kStart + 24h;
    EXPECT_THAT(history->query(query), IsEmpty());
}

TEST_F(HistoryTest, SurvivesARestartAndGoesOnNumbering) {
    {
        const auto history = open_sqlite_history(path());
        EXPECT_EQ(history->first_free_number(Log::events), 1);
        for (std::int64_t number = 1; number <= 5; ++number) history->append(entry(number));
    }
    const auto history = open_sqlite_history(path());
    EXPECT_THAT(history->query({}), SizeIs(5));
    EXPECT_EQ(history->first_free_number(Log::events), 6);
}

TEST_F(HistoryTest, AfterAKillNoNumberComesTwice) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto history = open_sqlite_history(path());
        for (std::int64_t number = 1; number <= 50; ++number) history->append(entry(number));
        history->flush();
        history->append(entry(51));  // perhaps written, perhaps not
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto history = open_sqlite_history(path());
    EXPECT_GE(history->query({}).size(), 50u);
    EXPECT_GT(history->first_free_number(Log::events), 51);
    EXPECT_EQ(files_set_aside(), 0u);
}

TEST_F(HistoryTest, KeepsNoMoreThanItMay) {
    const auto history = open_sqlite_history(path(), {.most_events = 100, .most_tasks = 10});
    fill(*history, 1, 500);
    fill(*history, 501, 501);
    HistoryQuery query;
    query.limit = 1000;
    const auto kept = numbers(*history, query);
    EXPECT_GE(kept.size(), 100u);
    EXPECT_LE(kept.size(), 110u);
    EXPECT_EQ(kept.back(), 501);
    query.object = "ha-folder-vm";
    EXPECT_EQ(numbers(*history, query), kept);
}

TEST_F(HistoryTest, ForgetsWhatIsTooOld) {
    const auto history = open_sqlite_history(path());
    fill(*history, 1, 5000);
    history->forget_before(kStart + 4990s);
    // By and by: each group that is written removes a bounded lot.
    HistoryQuery query;
    query.limit = 10'000;
    for (int i = 0; i < 200 && numbers(*history, query).front() < 4990; ++i) ::usleep(20'000);
    EXPECT_THAT(numbers(*history, query), SizeIs(11));
}

TEST_F(HistoryTest, ADamagedFileIsSetAside) {
    {
        const auto history = open_sqlite_history(path());
        fill(*history, 1, 200);
    }
    {
        std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096);
        file << std::string(40'000, '\x5a');
    }
    const auto history = open_sqlite_history(path());
    EXPECT_EQ(files_set_aside(), 1u);
    fill(*history, 1, 1);
    EXPECT_THAT(history->query({}), SizeIs(1));
}

TEST_F(HistoryTest, SoIsWhatIsNoHistoryAtAll) {
    std::ofstream(path()) << "these are not the tables you are looking for";
    EXPECT_THAT(open_sqlite_history(path())->query({}), IsEmpty());
    EXPECT_EQ(files_set_aside(), 1u);
}

TEST_F(HistoryTest, AStoreInItsPlaceIsNoHistory) {
    open_sqlite_store(path()).reset();
    const auto history = open_sqlite_history(path());
    EXPECT_EQ(files_set_aside(), 1u);
    fill(*history, 1, 1);
    EXPECT_THAT(history->query({}), SizeIs(1));
}

TEST_F(HistoryTest, TwoProcessesDoNotShareIt) {
    const auto history = open_sqlite_history(path());
    EXPECT_THROW(open_sqlite_history(path()), StoreError);
    EXPECT_EQ(files_set_aside(), 0u);
}

}  // namespace
}  // namespace drover::store
