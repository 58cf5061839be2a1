#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "storage/directory/beneath.hpp"
#include "storage/directory/test_directory.hpp"

namespace drover::storage {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class Blobs : public DatastoreTest {};

TEST_F(Blobs, AreWrittenReadListedAndRemoved) {
    blobs().make_directory(at("vm"), MakeDirectory::exclusive);
    blobs().write(at("vm/a"), "one");
    blobs().write(at("vm/a"), "three");
    EXPECT_EQ(blobs().read(at("vm/a"), 5), "three");
    EXPECT_EQ(error_of([&] { blobs().read(at("vm/a"), 4); }), StorageErrorKind::file_too_large);
    const auto listed = blobs().list(at("vm"));
    ASSERT_EQ(listed.size(), 1u);
    EXPECT_EQ(listed[0].name, "a");
    EXPECT_EQ(listed[0].size_bytes, 5u);
    EXPECT_LT(base::SystemClock().wall_now() - listed[0].modified, std::chrono::minutes(1));
    struct stat status{};
    ASSERT_EQ(::stat((top_ / "vm/a").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0660u);
    EXPECT_EQ(error_of([&] { blobs().remove_directory(at("vm")); }),
              StorageErrorKind::directory_not_empty);
    blobs().remove(at("vm/a"));
    blobs().remove_directory(at("vm"));
    EXPECT_TRUE(blobs().list(at("")).empty());  // its own directory is not shown
}

TEST_F(Blobs, FailWithTheKindAndThePath) {
    blobs().make_directory(at("d"), MakeDirectory::exclusive);
    blobs().write(at("f"), "x");
    EXPECT_EQ(error_of([&] { blobs().read(at("no"), 1); }), StorageErrorKind::not_found);
    EXPECT_EQ(error_of([&] { blobs().read(at("d"), 1); }), StorageErrorKind::is_a_directory);
    EXPECT_EQ(error_of([&] { blobs().write(at("d"), ""); }), StorageErrorKind::is_a_directory);
    EXPECT_EQ(error_of([&] { blobs().write(at("f/x"), ""); }), StorageErrorKind::not_a_directory);
    EXPECT_EQ(error_of([&] { blobs().list(at("f")); }), StorageErrorKind::not_a_directory);
    EXPECT_EQ(error_of([&] { blobs().create_exclusive(at("f"), ""); }),
              StorageErrorKind::already_exists);
    EXPECT_EQ(error_of([&] { blobs().make_directory(at("d"), MakeDirectory::exclusive); }),
              StorageErrorKind::already_exists);
    EXPECT_EQ(error_of([&] { blobs().make_directory(at("f"), MakeDirectory::if_missing); }),
              StorageErrorKind::not_a_directory);
    EXPECT_EQ(error_of([&] { blobs().remove(at(".drover/datastore.json")); }),
              StorageErrorKind::invalid_path);
    EXPECT_EQ(error_of([&] { blobs().remove_tree(at("")); }), StorageErrorKind::invalid_path);
    const auto other = DatastorePath::parse("[other] f").value();
    EXPECT_EQ(error_of([&] { blobs().read(other, 1); }), StorageErrorKind::invalid_path);
    ASSERT_EQ(::mkfifo((top_ / "pipe").c_str(), 0600), 0);  // must not block
    EXPECT_EQ(error_of([&] { blobs().read(at("pipe"), 1); }), StorageErrorKind::unsupported);
    try {
        blobs().read(at("d/no"), 1);
    } catch (const StorageError& error) {
        EXPECT_STREQ(error.what(), "[ds] d/no: open: No such file or directory");
    }
}

TEST_F(Blobs, NeverFollowLinksOutOfTheDatastore) {
    std::ofstream(directory_.path() / "secret") << "secret";
    fs::create_directory(directory_.path() / "outside");
    std::ofstream(directory_.path() / "outside/keep") << "x";
    fs::create_symlink("../secret", top_ / "file");
    fs::create_directory_symlink("../outside", top_ / "dir");
    blobs().make_directory(at("tree"), MakeDirectory::exclusive);
    fs::create_directory_symlink("../../outside", top_ / "tree/dir");

    EXPECT_EQ(error_of([&] { blobs().read(at("file"), 100); }), StorageErrorKind::invalid_path);
    EXPECT_EQ(error_of([&] { blobs().read(at("dir/keep"), 9); }), StorageErrorKind::invalid_path);
    EXPECT_EQ(error_of([&] { blobs().write(at("dir/new"), ""); }), StorageErrorKind::invalid_path);
    EXPECT_EQ(error_of([&] { blobs().list(at("dir")); }), StorageErrorKind::invalid_path);
    EXPECT_EQ(error_of([&] { blobs().stat(at("file")); }), StorageErrorKind::invalid_path);
    EXPECT_EQ(error_of([&] { blobs().open_reader(at("file")); }), StorageErrorKind::invalid_path);
    EXPECT_EQ(error_of([&] { blobs().copy(at("file"), at("c"), IfExists::fail, {}); }),
              StorageErrorKind::invalid_path);
    EXPECT_EQ(blobs().list(at(""))[0].kind, FileKind::other);
    blobs().write(at("file"), "mine");  // takes the link's place
    EXPECT_EQ(fs::file_size(directory_.path() / "secret"), 6u);
    blobs().remove_tree(at("tree"));
    EXPECT_TRUE(fs::exists(directory_.path() / "outside/keep"));
    EXPECT_FALSE(fs::exists(top_ / "tree"));
}

TEST_F(Blobs, BothWaysToOpenRefuseTheSame) {
    fs::create_directory(top_ / "d");
    std::ofstream(top_ / "d/f") << "x";
    fs::create_directory_symlink("d", top_ / "link");
    fs::create_symlink("f", top_ / "d/link");
    const base::FileDescriptor top(::open(top_.c_str(), O_RDONLY | O_DIRECTORY));
    struct Case {
        const char* path;
        int flags;
        int error;
    };
    for (const Case& c :
         {Case{"d/f", O_RDONLY, 0}, Case{"", O_RDONLY | O_DIRECTORY, 0},
          Case{"d", O_RDONLY | O_DIRECTORY, 0}, Case{"d", O_PATH, 0},
          Case{"link/f", O_RDONLY, ELOOP}, Case{"link", O_PATH, ELOOP},
          Case{"link", O_RDONLY | O_DIRECTORY, ELOOP}, Case{"d/link", O_RDONLY, ELOOP},
          Case{"../ds/d/f", O_RDONLY, EXDEV}, Case{"/etc/passwd", O_RDONLY, EXDEV},
          Case{"no", O_RDONLY, ENOENT}, Case{"d/f/x", O_RDONLY, ENOTDIR}}) {
        for (auto* open : {directory::open_beneath, directory::open_by_components}) {
            errno = 0;
            const auto opened = open(top.get(), c.path, c.flags, 0);
            EXPECT_EQ(opened ? 0 : errno, c.error) << c.path;
        }
    }
}

TEST_F(Blobs, AreRenamedAndCopied) {
    blobs().make_directory(at("a/b"), MakeDirectory::with_parents);
    blobs().write(at("a/x"), "x");
    blobs().write(at("a/y"), "y");
    EXPECT_EQ(error_of([&] { blobs().rename(at("a/x"), at("a/y"), IfExists::fail); }),
              StorageErrorKind::already_exists);
    blobs().rename(at("a/x"), at("a/b/z"), IfExists::fail);
    blobs().rename(at("a/b/z"), at("a/y"), IfExists::replace);
    EXPECT_EQ(blobs().read(at("a/y"), 9), "x");
    blobs().rename(at("a"), at("c"), IfExists::fail);

    // a hole stays a hole
    fs::resize_file(top_ / "c/y", 64 << 20);
    std::uint64_t last = 0;
    blobs().copy(at("c/y"), at("copy"), IfExists::fail,
                 {[&](std::uint64_t done, std::uint64_t) { last = done; }, {}});
    EXPECT_EQ(last, 64u << 20);
    const auto info = blobs().stat(at("copy"));
    EXPECT_EQ(info.size_bytes, 64u << 20);
    EXPECT_LT(info.allocated_bytes, 1u << 20);
    EXPECT_EQ(error_of([&] { blobs().copy(at("c/y"), at("copy"), IfExists::fail, {}); }),
              StorageErrorKind::already_exists);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(error_of([&] {
                  blobs().copy(at("c/y"), at("other"), IfExists::fail, {{}, stop.get_token()});
              }),
              StorageErrorKind::cancelled);
    EXPECT_FALSE(fs::exists(top_ / "other"));
}

TEST_F(Blobs, StreamAndAppearAsAWhole) {
    {
        auto writer = blobs().open_writer(at("iso"), IfExists::fail);
        writer->write_at(5, std::string_view("world"));
        writer->write_at(0, std::string_view("hello"));
        EXPECT_TRUE(blobs().list(at("")).empty());
        writer->commit();
    }
    {
        auto dropped = blobs().open_writer(at("iso"), IfExists::replace);
        dropped->write_at(0, std::string_view("xxxxx"));
    }
    const auto reader = blobs().open_reader(at("iso"));
    std::string buffer(20, '\0');
    EXPECT_EQ(reader->size_bytes(), 10u);
    EXPECT_EQ(reader->read_at(3, buffer), 7u);
    EXPECT_EQ(buffer.substr(0, 7), "loworld");
    EXPECT_EQ(reader->read_at(10, buffer), 0u);
    EXPECT_EQ(std::distance(fs::directory_iterator(top_), {}), 2);  // the file and .drover
}

TEST_F(Blobs, OneOfManyCreatesExclusively) {
    for (int round = 0; round < 20; ++round) {
        const auto path = at("cell" + std::to_string(round));
        std::atomic<int> winners = 0;
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                try {
                    blobs().create_exclusive(path, std::to_string(i));
                    ++winners;
                } catch (const StorageError& error) {
                    EXPECT_EQ(error.kind(), StorageErrorKind::already_exists) << error.what();
                }
            });
        }
        threads.clear();
        EXPECT_EQ(winners, 1);
        EXPECT_EQ(blobs().read(path, 10).size(), 1u);
    }
}

TEST_F(Blobs, DirectoriesHandTheGroupDown) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to give a directory another group";
    ASSERT_EQ(::chown(top_.c_str(), 0, 12345), 0);
    ASSERT_EQ(::chmod(top_.c_str(), 02770), 0);
    blobs().make_directory(at("vm"), MakeDirectory::exclusive);
    blobs().write(at("vm/f"), "");
    struct stat directory{};
    struct stat file{};
    ASSERT_EQ(::stat((top_ / "vm").c_str(), &directory), 0);
    ASSERT_EQ(::stat((top_ / "vm/f").c_str(), &file), 0);
    EXPECT_EQ(directory.st_mode & 07777, 02770u);
    EXPECT_EQ(file.st_gid, 12345u);
}

}  // namespace
}  // namespace drover::storage
