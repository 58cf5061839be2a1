#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/file.hpp"
#include "base/process.hpp"
#include "storage/directory/test_directory.hpp"

namespace drover::storage {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr std::uint64_t kMib = 1 << 20;

class Volumes : public DatastoreTest {
protected:
    Volumes() { blobs().make_directory(at("vm"), MakeDirectory::exclusive); }

    static DiskSpec spec(std::uint64_t capacity_bytes,
                         Provisioning provisioning = Provisioning::thin) {
        return {capacity_bytes, provisioning, "lsilogic", std::nullopt};
    }
    static DiskSpec child_of(const DatastorePath& parent) {
        return {0, Provisioning::thin, "", parent};
    }
    std::string shell(const std::string& command) const {
        const auto result = base::run_process(
            {"sh", "-c", "cd \"$0\" && " + command, top_.string()}, std::chrono::seconds(60));
        EXPECT_EQ(result.exit_code, 0) << command << "\n" << result.standard_error;
        return result.standard_output;
    }
    void poke(const std::string& file, std::uint64_t offset, const std::string& bytes) const {
        std::fstream stream(top_ / file, std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(static_cast<std::streamoff>(offset));
        stream << bytes;
        ASSERT_TRUE(stream.flush().good());
    }
    std::vector<std::string> names(const std::string& directory = "vm") const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(top_ / directory)) {
            found.push_back(entry.path().filename());
        }
        std::ranges::sort(found);
        return found;
    }
};

TEST_F(Volumes, AreMadeAsVmwareWritesThem) {
    const auto disk = volumes().create_disk(at("vm/d.vmdk"), spec(8192 * kMib));
    EXPECT_EQ(disk.capacity_bytes, 8192 * kMib);
    EXPECT_EQ(disk.provisioning, Provisioning::thin);
    EXPECT_LT(disk.allocated_bytes, kMib);
    ASSERT_EQ(disk.chain.size(), 1u);
    EXPECT_EQ(disk.chain[0].host_path, top_ / "vm/d-flat.raw");
    EXPECT_EQ(disk.chain[0].format, vmx::DiskFormat::raw);
    EXPECT_THAT(disk.uuid, testing::MatchesRegex(
                               "60 00 c2 9[0-9a-f]( [0-9a-f]{2}){4}-[0-9a-f]{2}( [0-9a-f]{2}){7}"));
    const auto text = blobs().read(at("vm/d.vmdk"), 10000);
    EXPECT_THAT(text, HasSubstr("RW 16777216 VMFS \"d-flat.raw\"\n"));
    EXPECT_THAT(text, HasSubstr("ddb.geometry.cylinders = \"1044\"\n"));
    EXPECT_THAT(text, HasSubstr("drover.format = \"raw\"\n"));
    EXPECT_THAT(names(), testing::ElementsAre("d-flat.raw", "d.vmdk"));
    EXPECT_EQ(fs::status(top_ / "vm/d-flat.raw").permissions(), fs::perms(0660));
    // QEMU's own reader of VMware's format understands it
    EXPECT_THAT(shell("qemu-img info -f vmdk vm/d.vmdk"), HasSubstr("virtual size: 8 GiB"));

    EXPECT_EQ(error_of([&] { volumes().create_disk(at("vm/d.vmdk"), spec(kMib)); }),
              StorageErrorKind::already_exists);
    EXPECT_EQ(error_of([&] { volumes().create_disk(at("vm/e"), spec(kMib)); }),
              StorageErrorKind::invalid_path);
    EXPECT_EQ(error_of([&] { volumes().create_disk(at("no/e.vmdk"), spec(kMib)); }),
              StorageErrorKind::not_found);
    EXPECT_EQ(error_of([&] { volumes().create_disk(at("vm/e.vmdk"), spec(513)); }),
              StorageErrorKind::unsupported);
    EXPECT_EQ(error_of([&] { volumes().create_disk(at("vm/e.vmdk"), spec(1ull << 60)); }),
              StorageErrorKind::file_too_large);
    EXPECT_THAT(names(), testing::ElementsAre("d-flat.raw", "d.vmdk"));
    volumes().delete_disk(at("vm/d.vmdk"));
    EXPECT_TRUE(names().empty());
    EXPECT_EQ(error_of([&] { volumes().delete_disk(at("vm/d.vmdk")); }),
              StorageErrorKind::not_found);
}

TEST_F(Volumes, TakeTheirSpaceIfTheyAreThick) {
    const auto lazy =
        volumes().create_disk(at("vm/l.vmdk"), spec(16 * kMib, Provisioning::thick_lazy));
    EXPECT_EQ(lazy.provisioning, Provisioning::thick_lazy);
    EXPECT_GE(lazy.allocated_bytes, 16 * kMib);
    std::uint64_t done = 0;
    const auto eager =
        volumes().create_disk(at("vm/e.vmdk"), spec(16 * kMib, Provisioning::thick_eager),
                              {[&](std::uint64_t now, std::uint64_t) { done = now; }, {}});
    EXPECT_EQ(eager.provisioning, Provisioning::thick_eager);
    EXPECT_GE(eager.allocated_bytes, 16 * kMib);
    EXPECT_EQ(done, 16 * kMib);
}

TEST_F(Volumes, GrowButNeverShrink) {
    volumes().create_disk(at("vm/d.vmdk"), spec(4 * kMib, Provisioning::thick_lazy));
    poke("vm/d-flat.raw", 4 * kMib - 4, "last");
    const auto grown = volumes().grow_disk(at("vm/d.vmdk"), 8 * kMib);
    EXPECT_EQ(grown.capacity_bytes, 8 * kMib);
    EXPECT_GE(grown.allocated_bytes, 8 * kMib);
    EXPECT_EQ(blobs().read(at("vm/d-flat.raw"), 8 * kMib).substr(4 * kMib - 4, 5),
              std::string("last\0", 5));
    EXPECT_EQ(error_of([&] { volumes().grow_disk(at("vm/d.vmdk"), 4 * kMib); }),
              StorageErrorKind::unsupported);
    EXPECT_THAT(names(), testing::ElementsAre("d-flat.raw", "d.vmdk"));
    volumes().create_disk(at("vm/c.vmdk"), child_of(at("vm/d.vmdk")));
    EXPECT_EQ(error_of([&] { volumes().grow_disk(at("vm/c.vmdk"), 16 * kMib); }),
              StorageErrorKind::unsupported);
}

TEST_F(Volumes, HaveChildrenThatStateTheirBacking) {
    blobs().make_directory(at("base"), MakeDirectory::exclusive);
    volumes().create_disk(at("base/b:1.vmdk"), spec(4 * kMib));  // a colon is no protocol
    poke("base/b:1-flat.raw", 1000, "from the base");
    volumes().create_disk(at("vm/c1.vmdk"), child_of(at("base/b:1.vmdk")));
    shell("qemu-io -f qcow2 -c 'write -P 7 65536 4096' vm/c1-flat.qcow2");
    const auto disk = volumes().create_disk(at("vm/c2.vmdk"), child_of(at("vm/c1.vmdk")));
    ASSERT_EQ(disk.chain.size(), 3u);
    EXPECT_EQ(disk.capacity_bytes, 4 * kMib);
    EXPECT_EQ(disk.chain[0].data, at("vm/c2-flat.qcow2"));
    EXPECT_EQ(disk.chain[1].format, vmx::DiskFormat::qcow2);
    EXPECT_EQ(disk.chain[2].host_path, top_ / "base/b:1-flat.raw");
    EXPECT_THAT(shell("qemu-img info --backing-chain vm/c2-flat.qcow2"),
                HasSubstr("backing file: ./../base/b:1-flat.raw"));

    // a copy is one raw disk with the content of the whole chain
    std::uint64_t done = 0;
    const auto copy =
        volumes().copy_disk(at("vm/c2.vmdk"), at("vm/copy.vmdk"), Provisioning::thin,
                            {[&](std::uint64_t now, std::uint64_t) { done = now; }, {}});
    EXPECT_EQ(copy.chain.size(), 1u);
    EXPECT_EQ(done, 4 * kMib);
    EXPECT_LT(copy.allocated_bytes, kMib);
    const auto content = blobs().read(at("vm/copy-flat.raw"), 4 * kMib);
    EXPECT_EQ(content.substr(1000, 13), "from the base");
    EXPECT_EQ(content.substr(65536, 4096), std::string(4096, '\7'));
    EXPECT_NE(copy.uuid, disk.uuid);

    // moved inside their directory the links hold; out of it they would not
    volumes().rename_disk(at("vm/c2.vmdk"), at("vm/top.vmdk"));
    EXPECT_EQ(volumes().describe_disk(at("vm/top.vmdk")).chain.size(), 3u);
    EXPECT_EQ(error_of([&] { volumes().rename_disk(at("vm/top.vmdk"), at("base/t.vmdk")); }),
              StorageErrorKind::unsupported);
    volumes().rename_disk(at("vm/copy.vmdk"), at("base/copy.vmdk"));
    EXPECT_THAT(names(),
                testing::ElementsAre("c1-flat.qcow2", "c1.vmdk", "top-flat.qcow2", "top.vmdk"));
}

TEST_F(Volumes, RefuseImagesThatNameOtherFiles) {
    std::ofstream(directory_.path() / "secret") << std::string(4 * kMib, 's');
    volumes().create_disk(at("vm/b.vmdk"), spec(4 * kMib));
    volumes().create_disk(at("vm/c.vmdk"), child_of(at("vm/b.vmdk")));
    const auto refused = [&](const std::string& make) {
        shell(make);
        return error_of([&] { volumes().describe_disk(at("vm/c.vmdk")); });
    };
    const std::string create = "qemu-img create -q -f qcow2 ";
    EXPECT_EQ(refused(create + "-b ../../secret -F raw vm/c-flat.qcow2"),
              StorageErrorKind::unsupported);
    EXPECT_EQ(refused(create + "-u -b ./b-flat.raw -F qcow2 vm/c-flat.qcow2 4M"),
              StorageErrorKind::unsupported);
    EXPECT_EQ(refused(create + "-o data_file=data.raw vm/c-flat.qcow2 4M"),
              StorageErrorKind::unsupported);
    EXPECT_EQ(refused(create + "vm/c-flat.qcow2 4M"), StorageErrorKind::unsupported);
    EXPECT_EQ(refused(create + "-u -b ./b-flat.raw -F raw vm/c-flat.qcow2 8M"),
              StorageErrorKind::corrupt);
    EXPECT_EQ(refused("truncate -s 50 vm/c-flat.qcow2"), StorageErrorKind::corrupt);
    EXPECT_EQ(refused("rm vm/c-flat.qcow2 && ln -s ../../secret vm/c-flat.qcow2"),
              StorageErrorKind::invalid_path);

    const auto with_extent = [&](const std::string& extent) {
        blobs().write(at("vm/x.vmdk"),
                      "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n"
                      "createType=\"vmfs\"\nRW 8 " +
                          extent + "\n");
        return error_of([&] { volumes().describe_disk(at("vm/x.vmdk")); });
    };
    EXPECT_EQ(with_extent("FLAT \"/etc/passwd\" 0"), StorageErrorKind::unsupported);
    EXPECT_EQ(with_extent("FLAT \"../b/x\" 0"), StorageErrorKind::unsupported);
    EXPECT_EQ(with_extent("FLAT \"x.vmdk\" 0"), StorageErrorKind::unsupported);
    EXPECT_EQ(with_extent("SPARSE \"b-flat.raw\""), StorageErrorKind::unsupported);
    EXPECT_EQ(with_extent("FLAT \"no.vmdk\" 0"), StorageErrorKind::not_found);
    blobs().write(at("vm/x.vmdk"),
                  "version=1\nCID=5\nparentCID=5\ncreateType=\"x\"\n"
                  "parentFileNameHint=\"x.vmdk\"\nRW 8 VMFSSPARSE \"q\"\n"
                  "drover.format=\"qcow2\"\n");
    shell(create + "-u -b ./q -F qcow2 vm/q 4096");  // its own parent
    EXPECT_EQ(error_of([&] { volumes().describe_disk(at("vm/x.vmdk")); }),
              StorageErrorKind::unsupported);
}

TEST_F(Volumes, NoticeThatTheParentChanged) {
    volumes().create_disk(at("vm/b.vmdk"), spec(4 * kMib));
    volumes().create_disk(at("vm/c.vmdk"), child_of(at("vm/b.vmdk")));
    volumes().delete_disk(at("vm/b.vmdk"));
    volumes().create_disk(at("vm/b.vmdk"), spec(4 * kMib));
    EXPECT_EQ(error_of([&] { volumes().describe_disk(at("vm/c.vmdk")); }),
              StorageErrorKind::corrupt);
    fs::resize_file(top_ / "vm/b-flat.raw", 2 * kMib);
    EXPECT_EQ(error_of([&] { volumes().describe_disk(at("vm/b.vmdk")); }),
              StorageErrorKind::corrupt);
}

TEST_F(Volumes, OfVmwareRunInPlaceOrAreImported) {
    shell(
        "truncate -s 4M vm/pattern && printf hello | dd of=vm/pattern bs=1 seek=777 conv=notrunc");
    shell(
        "qemu-img convert -f raw -O vmdk -o subformat=monolithicFlat,adapter_type=lsilogic "
        "vm/pattern vm/flat.vmdk");
    const auto flat = volumes().describe_disk(at("vm/flat.vmdk"));
    EXPECT_EQ(flat.chain[0].data, at("vm/flat-flat.vmdk"));
    EXPECT_EQ(flat.chain[0].format, vmx::DiskFormat::raw);
    EXPECT_EQ(flat.adapter_type, "lsilogic");

    for (const std::string kind : {"monolithicSparse", "streamOptimized"}) {
        const auto from = at("vm/" + kind + ".vmdk");
        const auto to = at("vm/imported-" + kind + ".vmdk");
        shell("qemu-img convert -f raw -O vmdk -o subformat=" + kind + " vm/pattern vm/" + kind +
              ".vmdk");
        EXPECT_EQ(error_of([&] { volumes().describe_disk(from); }), StorageErrorKind::unsupported);
        const auto disk = volumes().import_disk(from, to, spec(0), {});
        EXPECT_EQ(disk.capacity_bytes, 4 * kMib);
        const auto content = blobs().read(disk.chain[0].data, 4 * kMib);
        EXPECT_EQ(content, blobs().read(at("vm/pattern"), 4 * kMib));
    }
    EXPECT_EQ(
        error_of([&] { volumes().import_disk(at("vm/pattern"), at("vm/n.vmdk"), spec(0), {}); }),
        StorageErrorKind::unsupported);
    fs::resize_file(top_ / "vm/monolithicSparse.vmdk", 2000);
    EXPECT_EQ(error_of([&] {
                  volumes().import_disk(at("vm/monolithicSparse.vmdk"), at("vm/n.vmdk"), spec(0),
                                        {});
              }),
              StorageErrorKind::io_error);
    EXPECT_FALSE(fs::exists(top_ / "vm/n.vmdk"));
    EXPECT_FALSE(fs::exists(top_ / "vm/n-flat.raw"));
}

TEST_F(Volumes, StopWhenTold) {
    volumes().create_disk(at("vm/d.vmdk"), spec(64 * kMib));
    poke("vm/d-flat.raw", 0, std::string(48 * kMib, 'x'));
    volumes().create_disk(at("vm/c.vmdk"), child_of(at("vm/d.vmdk")));
    for (const char* from : {"vm/d.vmdk", "vm/c.vmdk"}) {
        std::stop_source stop;
        const CopyControl control{[&](std::uint64_t, std::uint64_t) { stop.request_stop(); },
                                  stop.get_token()};
        // May be done before the stop is seen; then it is whole.
        try {
            volumes().copy_disk(at(from), at("vm/n.vmdk"), Provisioning::thin, control);
            volumes().delete_disk(at("vm/n.vmdk"));
        } catch (const StorageError& error) {
            EXPECT_EQ(error.kind(), StorageErrorKind::cancelled) << error.what();
        }
        EXPECT_EQ(names().size(), 4u);
    }
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(error_of([&] {
                  volumes().create_disk(at("vm/n.vmdk"), spec(kMib, Provisioning::thick_eager),
                                        {{}, stop.get_token()});
              }),
              StorageErrorKind::cancelled);
    EXPECT_EQ(names().size(), 4u);
}

TEST_F(Volumes, LeaveAUsersFilesAlone) {
    blobs().write(at("vm/d-flat.raw"), "mine");
    EXPECT_EQ(error_of([&] { volumes().create_disk(at("vm/d.vmdk"), spec(kMib)); }),
              StorageErrorKind::already_exists);
    EXPECT_EQ(blobs().read(at("vm/d-flat.raw"), 9), "mine");
    EXPECT_THAT(names(), testing::ElementsAre("d-flat.raw"));
}

TEST_F(Volumes, AreMadeOnceByManyWhoTry) {
    std::atomic<int> winners = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                try {
                    volumes().create_disk(at("vm/d.vmdk"), spec(kMib, Provisioning::thick_eager));
                    ++winners;
                } catch (const StorageError& error) {
                    EXPECT_THAT(error.kind(), testing::AnyOf(StorageErrorKind::already_exists,
                                                             StorageErrorKind::locked))
                        << error.what();
                }
            });
        }
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(volumes().describe_disk(at("vm/d.vmdk")).capacity_bytes, kMib);
    EXPECT_THAT(names(), testing::ElementsAre("d-flat.raw", "d.vmdk"));
}

// Kills a process at random points of making and deleting disks. Afterwards there is a whole disk
// or nothing at all.
TEST_F(Volumes, SurviveAKillAtAnyMoment) {
    base::SeededRandom random(20);
    int whole = 0;
    int unfinished = 0;
    for (int round = 0; round < 60; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            while (true) {
                volumes().create_disk(at("vm/d.vmdk"), spec(2 * kMib, Provisioning::thick_eager));
                volumes().delete_disk(at("vm/d.vmdk"));
            }
        }
        ::usleep(static_cast<useconds_t>(random.below(20'000)));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "round " << round;
        unfinished += volumes().recover(at("vm")).empty() ? 0 : 1;
        if (fs::exists(top_ / "vm/d.vmdk")) {
            ++whole;
            EXPECT_EQ(volumes().describe_disk(at("vm/d.vmdk")).capacity_bytes, 2 * kMib);
            volumes().delete_disk(at("vm/d.vmdk"));
        }
        for (const auto& name : names()) {
            EXPECT_TRUE(name.starts_with(".drover-tmp-")) << "left behind: " << name;
        }
    }
    EXPECT_GT(unfinished, 0);  // else the test has missed what it is for
    RecordProperty("whole", whole);
    // What has a passing name goes when it is old, and with its directory.
    base::write_file_atomically(top_ / "vm/.drover-tmp-old", "");
    base::write_file_atomically(top_ / "vm/.drover-tmp-new", "");
    fs::last_write_time(top_ / "vm/.drover-tmp-old",
                        fs::file_time_type::clock::now() - std::chrono::hours(2));
    EXPECT_TRUE(volumes().recover(at("vm")).empty());
    EXPECT_FALSE(fs::exists(top_ / "vm/.drover-tmp-old"));
    EXPECT_TRUE(fs::exists(top_ / "vm/.drover-tmp-new"));
    blobs().remove_directory(at("vm"));  // takes passing names along
    EXPECT_FALSE(fs::exists(top_ / "vm"));
}

TEST_F(Volumes, ChangeHowTheyTakeTheirSpace) {
    const CopyControl quiet;
    volumes().create_disk(at("vm/d.vmdk"), spec(4 * kMib));
    poke("vm/d-flat.raw", kMib, "content");
    poke("vm/d-flat.raw", 2 * kMib, std::string(kMib, '\0'));
    const auto before = volumes().describe_disk(at("vm/d.vmdk")).allocated_bytes;
    EXPECT_GE(before, kMib);
    const auto shrunk = volumes().refit_disk(at("vm/d.vmdk"), Refit::shrink, quiet);
    EXPECT_LT(shrunk.allocated_bytes, kMib);
    EXPECT_EQ(shrunk.provisioning, Provisioning::thin);
    EXPECT_EQ(blobs().read(at("vm/d-flat.raw"), 8 * kMib).substr(kMib, 7), "content");

    const auto inflated = volumes().refit_disk(at("vm/d.vmdk"), Refit::inflate, quiet);
    EXPECT_GE(inflated.allocated_bytes, 4 * kMib);
    EXPECT_EQ(inflated.provisioning, Provisioning::thick_eager);
    EXPECT_EQ(blobs().read(at("vm/d-flat.raw"), 8 * kMib).substr(kMib, 7), "content");
    EXPECT_THROW(volumes().refit_disk(at("vm/d.vmdk"), Refit::shrink, quiet), StorageError);

    volumes().refit_disk(at("vm/d.vmdk"), Refit::zero, quiet);
    EXPECT_EQ(blobs().read(at("vm/d-flat.raw"), 8 * kMib), std::string(4 * kMib, '\0'));

    volumes().create_disk(at("vm/c.vmdk"), child_of(at("vm/d.vmdk")));
    EXPECT_THROW(volumes().refit_disk(at("vm/c.vmdk"), Refit::inflate, quiet), StorageError);
}

}  // namespace
}  // namespace drover::storage
