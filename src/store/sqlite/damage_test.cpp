// What a store does with a file that is not as it should be, and with a disk that is full.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <thread>

#include "base/file.hpp"
#include "store/sqlite/open.hpp"
#include "store/sqlite/schema.hpp"
#include "store/temporary_directory.hpp"

namespace drover::store::sqlite {
namespace {

using testing::HasSubstr;

Batch one(const std::string& id, std::size_t size_bytes) {
    Batch batch;
    batch.put(
        {.kind = "vm", .id = id, .value = std::string(size_bytes, 'x'), .name = "", .parent = ""});
    return batch;
}

std::string opening_error(const std::filesystem::path& path) {
    try {
        open_sqlite_store(path);
        return "";
    } catch (const StoreError& error) {
        return error.what();
    }
}

class DamageTest : public testing::Test {
protected:
    // What carries data: every file by name and content, but for the lock, SQLite's shared memory
    // and a log with nothing in it.
    std::map<std::string, std::string> contents() const {
        std::map<std::string, std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
            const std::string name = entry.path().filename();
            if (name.ends_with(".lock") || name.ends_with("-shm")) continue;
            std::string content = base::read_file(entry.path(), 64u << 20);
            if (name.ends_with("-wal") && content.empty()) continue;
            found[name] = std::move(content);
        }
        return found;
    }
    void fill() {
        const auto store = open_sqlite_store(path_);
        for (int i = 0; i < 50; ++i) store->commit_and_wait(one(std::to_string(i), 5000));
    }

    TemporaryDirectory directory_;
    std::filesystem::path path_ = directory_.path() / "state.db";
};

TEST_F(DamageTest, LeavesAFileThatIsNoDatabaseAlone) {
    std::ofstream(path_) << std::string(10'000, 'g');
    const auto before = contents();
    EXPECT_THAT(opening_error(path_), HasSubstr("damaged or no drover store"));
    EXPECT_TRUE(contents() == before);
}

TEST_F(DamageTest, LeavesADamagedStoreAlone) {
    fill();
    {
        std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096 + 100);
        file << std::string(30'000, '\xa5');
    }
    const auto before = contents();
    EXPECT_THAT(opening_error(path_), HasSubstr("damaged"));
    EXPECT_TRUE(contents() == before);
}

TEST_F(DamageTest, LeavesAStoreThatWasCutShortAlone) {
    fill();
    std::filesystem::resize_file(path_, 40'000);
    const auto before = contents();
    EXPECT_THAT(opening_error(path_), HasSubstr("damaged"));
    EXPECT_TRUE(contents() == before);
}

TEST_F(DamageTest, LeavesAnotherProgramsDatabaseAlone) {
    std::ofstream(path_).flush();
    Connection(path_).execute("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
    const auto before = contents();
    EXPECT_THAT(opening_error(path_), HasSubstr("database of another program"));
    EXPECT_TRUE(contents() == before);
}

TEST_F(DamageTest, RefusesAStoreOfANewerDrover) {
    fill();
    Connection(path_).execute("INSERT INTO schema_version VALUES (99, 'tomorrow')");
    const auto before = contents();
    EXPECT_THAT(opening_error(path_), HasSubstr("has schema version 99; this drover knows"));
    EXPECT_TRUE(contents() == before);
}

TEST_F(DamageTest, NamesAPathThatIsNotThere) {
    EXPECT_THAT(opening_error("/no/such/directory/state.db"), HasSubstr("/no/such/directory"));
}

TEST_F(DamageTest, MigratesForwardStepByStepAndNotHalf) {
    std::ofstream(path_).flush();
    Connection connection(path_);
    const Migration first[] = {"CREATE TABLE a (x)"};
    const Migration broken[] = {"CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE b (y)"};
    const Migration second[] = {"CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y DEFAULT 7"};
    migrate(connection, first);
    connection.execute("INSERT INTO a (x) VALUES (1)");
    EXPECT_THROW(migrate(connection, broken), StoreError);
    EXPECT_EQ(connection.query_integer("SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
    migrate(connection, second);
    migrate(connection, second);
    EXPECT_EQ(connection.query_integer("SELECT y FROM a"), 7);
    EXPECT_EQ(connection.query_integer("SELECT max(version) FROM schema_version"), 2);
    EXPECT_NO_THROW(inspect(connection, path_, second));
    EXPECT_THROW(inspect(connection, path_, first), StoreError);
}

// Runs in a thread with a mount namespace of its own, so the tiny disk is gone with the thread.
TEST_F(DamageTest, SurvivesAFullDisk) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount a small disk";
    std::string skipped;
    std::thread([&] {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=2m") != 0) {
            skipped = "can't mount here";
            return;
        }
        const auto store = open_sqlite_store(path_);
        store->commit_and_wait(one("before", 1000));
        const auto ballast = directory_.path() / "ballast";
        std::ofstream(ballast) << std::string(1u << 20, 'b');
        // A large batch doesn't fit; the small ones of the same group must not suffer for it.
        std::atomic<int> large_failed = 0;
        std::atomic<int> small_failed = 0;
        store->commit(one("large", 3u << 20),
                      [&](auto error) { large_failed += error != nullptr; });
        for (int i = 0; i < 5; ++i) {
            store->commit(one(std::to_string(i), 10),
                          [&](auto error) { small_failed += error != nullptr; });
        }
        store->flush();
        EXPECT_EQ(large_failed, 1);
        EXPECT_EQ(small_failed, 0);
        // Then fill it to the brim: everything fails, with a word on the cause.
        std::ofstream(directory_.path() / "more") << std::string(2u << 20, 'm');
        try {
            for (int i = 0; i < 1000; ++i)
                store->commit_and_wait(one("x" + std::to_string(i), 9000));
            ADD_FAILURE() << "the disk is not full";
        } catch (const StoreError& error) {
            EXPECT_THAT(error.what(), HasSubstr("full"));
        }
        EXPECT_EQ(store->get("vm", "before")->value.size(), 1000u);
        // Room again: it works again, without being opened anew.
        std::filesystem::remove(ballast);
        std::filesystem::remove(directory_.path() / "more");
        EXPECT_NO_THROW(store->commit_and_wait(one("after", 1000)));
        EXPECT_TRUE(store->get("vm", "after"));
        EXPECT_FALSE(store->get("vm", "large"));
    }).join();
    if (!skipped.empty()) GTEST_SKIP() << skipped;
}

}  // namespace
}  // namespace drover::store::sqlite
