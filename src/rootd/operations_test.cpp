// The operations on real directories, files and capabilities. All of it needs root.

#include "rootd/operations.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <map>

#include "base/random.hpp"
#include "rootd/privileges.hpp"

namespace drover::rootd {
namespace {

using testing::HasSubstr;

constexpr uid_t kPeer = 23456;
constexpr gid_t kPeerGroup = 23457;

class OperationsTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        std::filesystem::create_directories(root_);
        std::filesystem::create_directories(outside_);
        policy_.peer_uid = kPeer;
        policy_.peer_gid = kPeerGroup;
        const group* nogroup = ::getgrnam("nogroup");
        ASSERT_NE(nogroup, nullptr);
        nogroup_ = nogroup->gr_gid;
        policy_.peer_groups = {kPeerGroup, nogroup_};
        policy_.datastore_roots = {root_};
    }
    ~OperationsTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(base_, ignored);
    }

    static struct stat status(const std::filesystem::path& path) {
        struct stat status{};
        EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
        return status;
    }
    static std::string refusal(const std::function<void()>& operation) {
        try {
            operation();
            return "granted";
        } catch (const Refused& refused) {
            return refused.what();
        } catch (const std::system_error& error) {
            return std::string("system: ") + error.what();
        }
    }
    std::string prepare(const std::filesystem::path& path, const std::string& group = "nogroup") {
        return refusal([&] { prepare_datastore(policy_, {path, group}); });
    }
    std::string take(const std::filesystem::path& path) {
        return refusal([&] { reclaim(policy_, {path}); });
    }
    static void write(const std::filesystem::path& path) {
        std::ofstream(path) << "content";
        std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    }

    std::filesystem::path base_ =
        std::filesystem::temp_directory_path() / ("drover-rootd-" + base::SystemRandom().hex(8));
    std::filesystem::path root_ = base_ / "volumes";
    std::filesystem::path outside_ = base_ / "volumes-outside";
    gid_t nogroup_ = 0;
    Policy policy_;
};

TEST_F(OperationsTest, PreparesADatastoreAgainAndAgain) {
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(prepare(root_ / "deep" / "one"), "granted");
        EXPECT_EQ(status(root_ / "deep" / "one").st_mode, S_IFDIR | 02770u);
        EXPECT_EQ(status(root_ / "deep" / "one").st_gid, nogroup_);
        EXPECT_EQ(status(root_ / "deep").st_mode, S_IFDIR | 0755u);
        EXPECT_EQ(status(root_ / "deep").st_gid, 0u);
    }
}

TEST_F(OperationsTest, PreparesNothingOutsideTheRoots) {
    EXPECT_THAT(prepare("/etc/drover-test"), HasSubstr("under no datastore root"));
    EXPECT_THAT(prepare(outside_ / "x"), HasSubstr("under no datastore root"));
    EXPECT_THAT(prepare(root_), HasSubstr("under no datastore root"));
    std::filesystem::create_directory_symlink(outside_, root_ / "link");
    EXPECT_THAT(prepare(root_ / "link"), HasSubstr("symbolic link"));
    EXPECT_THAT(prepare(root_ / "link" / "x"), HasSubstr("symbolic link"));
    EXPECT_TRUE(std::filesystem::is_empty(outside_));
    EXPECT_EQ(status(outside_).st_gid, 0u);
    write(root_ / "file");
    EXPECT_THAT(prepare(root_ / "file"), HasSubstr("Not a directory"));
}

TEST_F(OperationsTest, PreparesForThePeersGroupsOnly) {
    EXPECT_EQ(prepare(root_ / "x", "daemon"), "group daemon is none of the peer user's");
    EXPECT_EQ(prepare(root_ / "x", "no-such-group"), "group no-such-group does not exist");
    policy_.peer_groups.push_back(0);
    EXPECT_EQ(prepare(root_ / "x", "root"), "group root is none of the peer user's");
    EXPECT_FALSE(std::filesystem::exists(root_ / "x"));
}

TEST_F(OperationsTest, ReclaimsAFile) {
    ASSERT_EQ(prepare(root_ / "ds"), "granted");
    write(root_ / "ds" / "a.vmss");
    write(root_ / "plain");
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(take(root_ / "ds" / "a.vmss"), "granted");
        EXPECT_EQ(take(root_ / "plain"), "granted");
    }
    EXPECT_EQ(status(root_ / "ds" / "a.vmss").st_mode, S_IFREG | 0660u);
    EXPECT_EQ(status(root_ / "ds" / "a.vmss").st_uid, kPeer);
    EXPECT_EQ(status(root_ / "ds" / "a.vmss").st_gid, nogroup_) << "the datastore's group";
    EXPECT_EQ(status(root_ / "plain").st_gid, kPeerGroup) << "the peer's own group";
}

TEST_F(OperationsTest, TakesTheSetUserIdBitAway) {
    write(root_ / "suid");
    ASSERT_EQ(::chmod((root_ / "suid").c_str(), 04755), 0);
    EXPECT_EQ(take(root_ / "suid"), "granted");
    EXPECT_EQ(status(root_ / "suid").st_mode, S_IFREG | 0660u);
}

TEST_F(OperationsTest, ReclaimsNothingButPlainFilesOfTheDatastore) {
    write(outside_ / "secret");
    std::filesystem::create_symlink(outside_ / "secret", root_ / "link");
    std::filesystem::create_directory_symlink(outside_, root_ / "dir-link");
    std::filesystem::create_hard_link(outside_ / "secret", root_ / "hard");
    std::filesystem::create_directory(root_ / "directory");
    ASSERT_EQ(::mkfifo((root_ / "fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mknod((root_ / "device").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
    EXPECT_THAT(take(root_ / "link"), HasSubstr("symbolic link"));
    EXPECT_THAT(take(root_ / "dir-link" / "secret"), HasSubstr("symbolic link"));
    EXPECT_THAT(take(root_ / "hard"), HasSubstr("has 2 names"));
    for (const char* name : {"directory", "fifo", "device"}) {
        EXPECT_THAT(take(root_ / name), HasSubstr("no regular file"));
        EXPECT_EQ(status(root_ / name).st_uid, 0u) << name;
    }
    EXPECT_THAT(take(outside_ / "secret"), HasSubstr("under no datastore root"));
    EXPECT_THAT(take(root_), HasSubstr("under no datastore root"));
    EXPECT_THAT(take(root_ / "absent"), HasSubstr("No such file"));
    EXPECT_EQ(status(outside_ / "secret").st_uid, 0u);
    EXPECT_EQ(status(outside_ / "secret").st_mode, S_IFREG | 0400u);
    EXPECT_EQ(status(root_ / "link").st_uid, 0u);
}

TEST_F(OperationsTest, GivesTheFirmwaresIdentity) {
    policy_.dmi_directory = base_;
    std::ofstream(base_ / "product_uuid") << "4C4C4544-0042-3510-8052-B4C04F4D3132\n";
    std::ofstream(base_ / "sys_vendor") << "  Vendor \x1b[2J\xff Inc. \n";
    std::ofstream(base_ / "bios_version") << "\n";
    const Message identity = system_identity(policy_);
    EXPECT_EQ(identity, (Message{{"uuid", "4c4c4544-0042-3510-8052-b4c04f4d3132"},
                                 {"vendor", "Vendor [2J Inc."}}));
}

TEST_F(OperationsTest, RefusesBridgesWithoutThePrefix) {
    const auto ensure = [&](const std::string& name) {
        return refusal([&] { ensure_bridge(policy_, {name, {}}); });
    };
    EXPECT_THAT(ensure("eth0"), HasSubstr("does not begin with 'drv'"));
    EXPECT_THAT(ensure("drv"), HasSubstr("does not begin with 'drv'"));
    EXPECT_THAT(refusal([&] { remove_bridge(policy_, {"virbr0"}); }),
                HasSubstr("does not begin with 'drv'"));
}

TEST(Peer, IsAUserThatExists) {
    Policy policy;
    EXPECT_THROW(set_peer(policy, "no-such-user"), std::runtime_error);
    set_peer(policy, "nobody");
    EXPECT_NE(policy.peer_uid, 0u);
    EXPECT_TRUE(is_peer_group(policy, policy.peer_gid));
    EXPECT_FALSE(is_peer_group(policy, 0));
}

// Each exit code names the check that failed.
int check_dropped(const std::filesystem::path& file) {
    drop_privileges();
    std::ifstream lines("/proc/self/status");
    std::map<std::string, std::string> fields;
    for (std::string key, value; lines >> key && std::getline(lines >> std::ws, value);) {
        fields[key] = value;
    }
    // Bits 0 1 2 3 4 12: CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, NET_ADMIN.
    for (const char* set : {"CapPrm:", "CapEff:", "CapBnd:"}) {
        if (fields[set] != "000000000000101f") return 10;
    }
    if (std::stoull(fields["CapInh:"], nullptr, 16) != 0) return 11;
    if (fields["NoNewPrivs:"] != "1") return 12;
    // The bare call: glibc's makes every thread do it, and a sanitizer's own thread kept its
    // rights.
    if (::syscall(SYS_setuid, kPeer) == 0) return 13;
    if (::chroot("/") == 0) return 14;
    if (::chown(file.c_str(), kPeer, kPeerGroup) != 0) return 15;
    if (::chmod(file.c_str(), 02660) != 0) return 16;
    return 0;
}

TEST_F(OperationsTest, KeepsNoPrivilegeThatItDoesNotNeed) {
    write(root_ / "file");
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        try {
            ::_exit(check_dropped(root_ / "file"));
        } catch (...) {
            ::_exit(99);
        }
    }
    int result = 0;
    ASSERT_EQ(::waitpid(child, &result, 0), child);
    ASSERT_TRUE(WIFEXITED(result));
    EXPECT_EQ(WEXITSTATUS(result), 0);
    EXPECT_EQ(status(root_ / "file").st_mode, S_IFREG | 02660u);
}

}  // namespace
}  // namespace drover::rootd
