#include "storage/directory/directory_datastore.hpp"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "storage/directory/access_probe.hpp"
#include "storage/directory/test_directory.hpp"

namespace drover::storage {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class DirectoryDatastoreTest : public DatastoreTest {};

TEST_F(DirectoryDatastoreTest, KeepsItsIdentity) {
    const auto first = datastore_->info();
    ASSERT_TRUE(first.accessible) << first.inaccessible_reason;
    EXPECT_EQ(first.uuid.size(), 36u);
    EXPECT_EQ(first.url, "ds:///vmfs/volumes/" + first.uuid + "/");
    EXPECT_GT(first.capacity_bytes, first.free_bytes);
    EXPECT_GT(first.max_file_size_bytes, std::uint64_t{1} << 40);
    EXPECT_TRUE(first.supports_compare_and_swap);
    const auto second = open_directory_datastore("other name", top_)->info();
    EXPECT_EQ(second.uuid, first.uuid);
    EXPECT_EQ(datastore_->host_path(at("a/b")), top_ / "a/b");
    EXPECT_THROW(open_directory_datastore("a/b", top_), std::invalid_argument);
    EXPECT_THROW(open_directory_datastore("a", "relative"), std::invalid_argument);
}

TEST_F(DirectoryDatastoreTest, GivesOneIdentityToManyWhoOpenItAtOnce) {
    const auto fresh = directory_.path() / "fresh";
    fs::create_directory(fresh);
    std::vector<std::string> uuids(8);
    {
        std::vector<std::jthread> threads;
        for (auto& uuid : uuids) {
            threads.emplace_back([&] { uuid = open_directory_datastore("f", fresh)->info().uuid; });
        }
    }
    EXPECT_EQ(uuids[0].size(), 36u);
    EXPECT_THAT(uuids, testing::Each(uuids[0]));
}

TEST_F(DirectoryDatastoreTest, VanishesAndReturns) {
    blobs().write(at("f"), "x");
    const auto away = directory_.path() / "away";
    fs::rename(top_, away);
    auto info = datastore_->info();
    EXPECT_FALSE(info.accessible);
    EXPECT_THAT(info.inaccessible_reason, HasSubstr("No such file"));
    EXPECT_FALSE(info.uuid.empty());  // still known
    EXPECT_EQ(error_of([&] { blobs().read(at("f"), 9); }), StorageErrorKind::inaccessible);

    fs::create_directory(top_);  // as a mount point without its file system
    info = datastore_->info();
    EXPECT_FALSE(info.accessible);
    EXPECT_THAT(info.inaccessible_reason, HasSubstr("is its file system mounted?"));
    EXPECT_EQ(error_of([&] { blobs().write(at("f"), "y"); }), StorageErrorKind::inaccessible);
    EXPECT_TRUE(fs::is_empty(top_));

    fs::create_directory(top_ / ".drover");  // another datastore in its place
    std::ofstream(top_ / ".drover/datastore.json")
        << R"({"version":1,"uuid":"00000000-0000-4000-8000-000000000000"})";
    EXPECT_THAT(datastore_->info().inaccessible_reason, HasSubstr("another datastore"));
    EXPECT_EQ(error_of([&] { volumes().recover(at("")); }), StorageErrorKind::inaccessible);

    std::ofstream(top_ / ".drover/datastore.json", std::ios::trunc) << R"({"version":1,"uu)";
    EXPECT_THAT(datastore_->info().inaccessible_reason, HasSubstr("damaged"));

    fs::remove_all(top_);
    fs::rename(away, top_);
    EXPECT_TRUE(datastore_->info().accessible);
    EXPECT_EQ(blobs().read(at("f"), 9), "x");
}

TEST_F(DirectoryDatastoreTest, MayBeMissingWhenItIsOpened) {
    const auto path = directory_.path() / "later";
    const auto datastore = open_directory_datastore("later", path);
    EXPECT_FALSE(datastore->info().accessible);
    EXPECT_TRUE(datastore->info().uuid.empty());
    fs::create_directory(path);
    EXPECT_TRUE(datastore->info().accessible);

    const auto expected = datastore->info().uuid;
    fs::remove_all(path);
    fs::create_directory(path);
    const auto strict = open_directory_datastore("later", path, expected);
    EXPECT_FALSE(strict->info().accessible);
    EXPECT_TRUE(fs::is_empty(path));  // an expected datastore is never made
}

TEST(AccessProbe, AnswersAtItsDeadlineAndRecovers) {
    std::mutex mutex;
    std::condition_variable changed;
    bool hangs = true;
    int asked = 0;
    directory::AccessProbe probe(
        [&] {
            std::unique_lock lock(mutex);
            ++asked;
            changed.wait(lock, [&] { return !hangs; });
            DatastoreInfo info;
            info.name = "x";
            return info;
        },
        std::chrono::milliseconds(100));
    EXPECT_FALSE(probe.get());
    EXPECT_FALSE(probe.get());
    {
        const std::lock_guard lock(mutex);
        EXPECT_EQ(asked, 1);  // one thread hangs, not one for each call
        hangs = false;
    }
    changed.notify_all();
    for (int i = 0; i < 100 && !probe.get(); ++i) {
    }
    const auto answer = probe.get();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->name, "x");
}

// Runs `body` in a child with a file system of 2 MiB at a directory "small", which nobody else
// sees and which goes away with the child. The body gives the first thing that is wrong.
std::string on_full_disk(const fs::path& directory,
                         const std::function<std::string(const fs::path&)>& body) {
    const auto small = directory / "small";
    const auto result = directory / "result";
    fs::create_directory(small);
    const pid_t child = ::fork();
    if (child == 0) {
        std::string said;
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=2m") != 0) {
            said = "skip";
        } else {
            try {
                said = body(small);
            } catch (const std::exception& error) {
                said = error.what();
            }
        }
        std::ofstream(result) << said;
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status)) return "the child died";
    std::ifstream file(result);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(FullDisk, SaysSoAndLeavesNothingBehind) {
    const TestDirectory directory;
    const auto said = on_full_disk(directory.path(), [](const fs::path& small) -> std::string {
        const auto datastore = open_directory_datastore("s", small);
        const auto at = [](const char* path) { return DatastorePath::make("s", path).value(); };
        auto& blobs = datastore->blobs();
        blobs.write(at("small"), "before");
        const std::string big(3 << 20, 'x');
        const auto kind = [](auto operation) -> std::string {
            try {
                operation();
                return "no error";
            } catch (const StorageError& error) {
                return std::string(to_string(error.kind()));
            }
        };
        std::string wrong;
        const auto expect = [&](std::string_view what, const std::string& got) {
            if (got != "no space") wrong += std::string(what) + ": " + got + "; ";
        };
        expect("write", kind([&] { blobs.write(at("small"), big); }));
        expect("create", kind([&] { blobs.create_exclusive(at("new"), big); }));
        expect("stream",
               kind([&] { blobs.open_writer(at("up"), IfExists::fail)->write_at(0, big); }));
        const DiskSpec thick{8 << 20, Provisioning::thick_lazy, "lsilogic", std::nullopt};
        expect("thick disk", kind([&] { datastore->volumes().create_disk(at("d.vmdk"), thick); }));
        const DiskSpec thin{8 << 20, Provisioning::thin, "lsilogic", std::nullopt};
        datastore->volumes().create_disk(at("thin.vmdk"), thin);
        expect("copy", kind([&] {
                   datastore->volumes().copy_disk(at("thin.vmdk"), at("c.vmdk"),
                                                  Provisioning::thick_eager, {});
               }));
        const DiskSpec fits{1 << 20, Provisioning::thick_lazy, "lsilogic", std::nullopt};
        datastore->volumes().create_disk(at("f.vmdk"), fits);
        expect("grow", kind([&] { datastore->volumes().grow_disk(at("f.vmdk"), 8 << 20); }));
        if (datastore->volumes().describe_disk(at("f.vmdk")).allocated_bytes > 1 << 20) {
            wrong += "growing kept space; ";
        }
        datastore->volumes().delete_disk(at("f.vmdk"));
        datastore->volumes().delete_disk(at("thin.vmdk"));
        if (blobs.read(at("small"), 100) != "before") wrong += "the old content is gone; ";
        blobs.remove(at("small"));
        for (const auto& entry : fs::recursive_directory_iterator(small)) {
            const auto name = entry.path().filename().string();
            if (name != ".drover" && name != "datastore.json") wrong += "left: " + name + "; ";
        }
        // Full to the last byte it still can be told who it is, and be cleaned up.
        std::ofstream(small / "rest") << big;
        if (!open_directory_datastore("again", small)->info().accessible) wrong += "inaccessible; ";
        blobs.remove(at("rest"));
        return wrong.empty() ? "good" : wrong;
    });
    if (said == "skip") GTEST_SKIP() << "can't mount a file system of its own here";
    EXPECT_EQ(said, "good");
}

}  // namespace
}  // namespace drover::storage
