#include "store/backup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "store/temporary_directory.hpp"

namespace drover::store {
namespace {

Record record(const std::string& id, const std::string& value) {
    Record made;
    made.kind = "thing";
    made.id = id;
    made.value = value;
    return made;
}

TEST(Backup, IsAWholeStoreWhileItsOwnerWrites) {
    const TemporaryDirectory directory;
    const auto original = directory.path() / "state.db";
    const auto copy = directory.path() / "copy.db";
    const auto store = open_sqlite_store(original);
    // Pairs are written together: a copy with half a pair would be torn.
    std::atomic<bool> stop = false;
    std::thread writer([&] {
        for (int i = 0; !stop; ++i) {
            const auto text = std::to_string(i);
            store->commit_and_wait(
                Batch().put(record("a", text)).put(record("b", text)).put(record(text, text)));
        }
    });
    store->commit_and_wait(Batch().put(record("before", "acknowledged")));
    copy_database(original, copy);
    stop = true;
    writer.join();
    struct stat status{};
    ASSERT_EQ(::stat(copy.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600U);
    check_database(copy, true);
    const auto copied = open_sqlite_store(copy);
    EXPECT_EQ(copied->get("thing", "before")->value, "acknowledged");
    const auto a = copied->get("thing", "a");
    const auto b = copied->get("thing", "b");
    ASSERT_EQ(a.has_value(), b.has_value());
    if (a) EXPECT_EQ(a->value, b->value);
}

TEST(Backup, RefusesWhatIsNoDatabase) {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "text";
    std::ofstream(path) << std::string(10'000, 'x');
    EXPECT_THROW(check_database(path, true), StoreError);
    EXPECT_THROW(check_database(path, false), StoreError);
    EXPECT_THROW(check_database(directory.path() / "none", false), StoreError);
    EXPECT_THROW(copy_database(path, directory.path() / "copy"), StoreError);
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "copy"));
    EXPECT_THROW(copy_database(directory.path() / "none", directory.path() / "copy"), StoreError);
    // What is there already stays.
    {
        const auto store = open_sqlite_store(directory.path() / "state.db");
    }
    EXPECT_THROW(copy_database(directory.path() / "state.db", path), StoreError);
    EXPECT_EQ(std::filesystem::file_size(path), 10'000U);
}

}  // namespace
}  // namespace drover::store
