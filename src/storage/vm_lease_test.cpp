#include "storage/vm_lease.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "base/file.hpp"
#include "storage/directory/test_directory.hpp"

namespace drover::storage {
namespace {

namespace fs = std::filesystem;

class VmLeaseTest : public DatastoreTest {
protected:
    VmLeaseTest() { blobs().make_directory(at("vm"), MakeDirectory::exclusive); }

    VmLease lease(const std::string& name = "vm/vm.lease") {
        return {datastore_->compare_and_swap(), clock_, at(name)};
    }
    fs::path file(std::uint64_t generation) const {
        return top_ / fmt::format("vm/vm.lease.{}", generation);
    }
    std::uint64_t files() const {
        return static_cast<std::uint64_t>(std::distance(fs::directory_iterator(top_ / "vm"), {}));
    }

    base::SystemClock clock_;
    const LeaseHolder a_{"host-a.1", "a.example"};
    const LeaseHolder b_{"host-b.1", "b.example"};
};

TEST_F(VmLeaseTest, BelongsToOne) {
    auto lease = this->lease();
    EXPECT_EQ(lease.read(), LeaseState{});
    auto got = lease.acquire(0, a_);
    ASSERT_TRUE(got.won);
    EXPECT_EQ(got.current.generation, 1u);
    got = lease.acquire(0, b_);
    EXPECT_FALSE(got.won);
    EXPECT_EQ(got.current.owner_name, "a.example");
    EXPECT_FALSE(lease.acquire(1, b_).won);  // knows the generation, but it is held
    EXPECT_FALSE(lease.release(1, b_).won);
    EXPECT_FALSE(lease.set_successor(1, b_, b_.id).won);
    EXPECT_EQ(lease.read().generation, 1u);

    EXPECT_TRUE(lease.acquire(1, a_).won);  // again, after a restart
    EXPECT_TRUE(lease.release(2, a_).won);
    EXPECT_FALSE(lease.read().is_held());
    EXPECT_FALSE(lease.release(3, a_).won);
    EXPECT_TRUE(lease.acquire(3, b_).won);
    EXPECT_TRUE(lease.take_over(4, a_).won);
    EXPECT_FALSE(lease.take_over(4, b_).won);
    EXPECT_EQ(lease.read().owner, a_.id);
    EXPECT_FALSE(lease.acquire(5, {}).won);
    lease.remove();
    EXPECT_EQ(files(), 0u);
}

TEST_F(VmLeaseTest, GoesToTheSuccessor) {
    auto lease = this->lease();
    ASSERT_TRUE(lease.acquire(0, a_).won);
    const auto named = lease.set_successor(1, a_, b_.id);
    ASSERT_TRUE(named.won);
    EXPECT_EQ(named.current.owner, a_.id);
    const auto moved = lease.acquire(2, b_);
    ASSERT_TRUE(moved.won);
    EXPECT_EQ(moved.current.owner, b_.id);
    EXPECT_TRUE(moved.current.successor.empty());
    EXPECT_FALSE(lease.set_successor(3, a_, {}).won);  // too late to take it back
}

TEST_F(VmLeaseTest, ThatCantBeReadIsNotFree) {
    auto lease = this->lease();
    ASSERT_TRUE(lease.acquire(0, a_).won);
    const auto whole = base::read_file(file(1), 10000);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        std::ofstream(file(1), std::ios::trunc) << whole.substr(0, length);
        EXPECT_EQ(error_of([&] { lease.read(); }), StorageErrorKind::corrupt) << length;
        EXPECT_EQ(error_of([&] { lease.acquire(1, b_); }), StorageErrorKind::corrupt);
        EXPECT_EQ(error_of([&] { lease.take_over(1, b_); }), StorageErrorKind::corrupt);
        EXPECT_EQ(error_of([&] { lease.release(1, a_); }), StorageErrorKind::corrupt);
    }
    EXPECT_EQ(error_of([&] { lease.replace_unreadable(0, b_); }), StorageErrorKind::corrupt);
    EXPECT_TRUE(lease.replace_unreadable(1, b_).won);
    EXPECT_FALSE(lease.replace_unreadable(2, a_).won);  // that one can be read
    EXPECT_EQ(lease.read().owner, b_.id);
    fs::copy_file(file(2), file(3));  // says another generation than its name
    EXPECT_EQ(error_of([&] { lease.read(); }), StorageErrorKind::corrupt);
    fs::remove(file(3));
    fs::create_symlink("vm.lease.2", file(3));
    EXPECT_EQ(error_of([&] { lease.read(); }), StorageErrorKind::invalid_path);
}

TEST_F(VmLeaseTest, RefusesTextThatWouldNotBeReadBack) {
    auto lease = this->lease();
    EXPECT_EQ(error_of([&] { lease.acquire(0, {std::string(300, 'x'), ""}); }),
              StorageErrorKind::unsupported);
    EXPECT_EQ(error_of([&] { lease.acquire(0, {"\xff", ""}); }), StorageErrorKind::unsupported);
    const LeaseHolder odd{std::string(256, '"'), std::string(256, '\\')};
    ASSERT_TRUE(lease.acquire(0, odd).won);
    ASSERT_TRUE(lease.set_successor(1, odd, std::string(256, '"')).won);
    EXPECT_EQ(lease.read().owner, odd.id);
}

TEST_F(VmLeaseTest, KeepsFewFilesAndStaleTakersLose) {
    auto lease = this->lease();
    for (std::uint64_t g = 0; g < 40; ++g) ASSERT_TRUE(lease.take_over(g, g % 2 ? a_ : b_).won);
    EXPECT_LE(files(), 10u);
    EXPECT_FALSE(lease.take_over(3, b_).won);
    // A taker that slept between its look and its link: the number it links is free again.
    ASSERT_FALSE(fs::exists(file(5)));
    std::ofstream(file(5)) << format_lease({5, b_.id, b_.name, {}, clock_.wall_now()});
    EXPECT_EQ(lease.read().generation, 40u);
    EXPECT_EQ(lease.take_over(5, b_).current.generation, 40u);
    ASSERT_TRUE(lease.take_over(40, b_).won);
    EXPECT_FALSE(fs::exists(file(5)));
}

TEST_F(VmLeaseTest, IsNotMixedUpWithOthers) {
    auto one = lease("vm/vm.lease");
    auto other = lease("vm/vm.lease.x");
    ASSERT_TRUE(one.acquire(0, a_).won);
    EXPECT_EQ(other.read().generation, 0u);
    ASSERT_TRUE(other.acquire(0, b_).won);
    EXPECT_EQ(one.read().owner, a_.id);
    EXPECT_EQ(error_of([&] { lease("no/vm.lease").acquire(0, a_); }), StorageErrorKind::not_found);
}

// Each contender claims the next generation again and again; every generation has one winner.
TEST_F(VmLeaseTest, HasOneWinnerPerGenerationAmongThreads) {
    std::mutex mutex;
    std::map<std::uint64_t, int> wins;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                auto mine = lease();
                const LeaseHolder me{fmt::format("host-{}", i), ""};
                for (int round = 0; round < 50; ++round) {
                    const auto got = mine.take_over(mine.read().generation, me);
                    if (!got.won) continue;
                    EXPECT_EQ(got.current.owner, me.id);
                    const std::lock_guard lock(mutex);
                    ++wins[got.current.generation];
                }
            });
        }
    }
    EXPECT_GT(wins.size(), 20u);
    for (const auto& [generation, count] : wins) EXPECT_EQ(count, 1) << generation;
    EXPECT_GE(lease().read().generation, wins.rbegin()->first);
}

// The same among processes that are killed at random moments. A winner says so in a file of its
// own before it goes on, so that even a dead one's claim counts.
TEST_F(VmLeaseTest, HasOneWinnerPerGenerationAmongProcessesThatAreKilled) {
    base::SeededRandom random(11);
    std::vector<fs::path> logs;
    const auto contend = [&](const fs::path& log, const std::string& id) {
        std::ofstream out(log);
        auto mine = lease();
        while (true) {
            const auto got = mine.take_over(mine.read().generation, {id, ""});
            if (got.won) out << got.current.generation << std::endl;
        }
    };
    for (int round = 0; round < 12; ++round) {
        std::vector<pid_t> children;
        for (int i = 0; i < 4; ++i) {
            const auto id = fmt::format("{}-{}", round, i);
            logs.push_back(directory_.path() / ("log-" + id));
            const pid_t child = ::fork();
            if (child == 0) {
                try {
                    contend(logs.back(), id);
                } catch (...) {
                    ::_exit(1);
                }
            }
            children.push_back(child);
        }
        for (const pid_t child : children) {
            ::usleep(static_cast<useconds_t>(10'000 + random.below(30'000)));
            ::kill(child, SIGKILL);
        }
        for (const pid_t child : children) {
            int status = 0;
            ::waitpid(child, &status, 0);
            EXPECT_TRUE(WIFSIGNALED(status)) << "failed by itself";
        }
        const auto now = lease().read();  // always whole
        EXPECT_TRUE(now.is_held());
        ASSERT_TRUE(lease().take_over(now.generation, a_).won);  // and free to be taken
    }
    std::map<std::uint64_t, int> wins;
    for (const auto& log : logs) {
        std::ifstream in(log);
        std::uint64_t generation = 0;
        while (in >> generation) ++wins[generation];
    }
    EXPECT_GT(wins.size(), 20u);
    for (const auto& [generation, count] : wins) EXPECT_EQ(count, 1) << generation;
}

}  // namespace
}  // namespace drover::storage
