// A member's life, with the real etcd: who starts and ends it, and when it must not begin.

#include "had/member/etcd_member.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/file.hpp"
#include "had/fence/process.hpp"
#include "had/member/etcd_command.hpp"
#include "http/tls_identity.hpp"

namespace drover::had {
namespace {

using std::chrono::milliseconds;

const std::string kHost = "11111111-1111-4111-8111-111111111111";
const std::string kOther = "22222222-2222-4222-8222-222222222222";
constexpr const char* kProgram = "/usr/bin/etcd";

// Does what drover-had --member does, as this test is another program.
constexpr const char* kLauncher = R"sh(#!/bin/sh
echo "$$ $(cut -d' ' -f22 /proc/$$/stat)" > "$2.new"
mv "$2.new" "$2"
shift 2
exec env -i "$@"
)sh";

struct MemberTest : testing::Test {
    void SetUp() override {
        if (!std::filesystem::exists(kProgram)) GTEST_SKIP() << "needs " << kProgram;
        std::string made = std::filesystem::temp_directory_path() / "had-member-XXXXXX";
        root = ::mkdtemp(made.data());
        for (const char* each : {"tls", "run", "datastore"}) {
            std::filesystem::create_directories(root / each);
        }
        const auto identity = http::TlsIdentity::generate("member", {"127.0.0.1"});
        base::write_file_atomically(root / "tls/certificate.pem", identity.certificate_pem, 0644);
        base::write_file_atomically(root / "tls/key.pem", identity.key_pem, 0600);
        base::write_file_atomically(root / "launcher", kLauncher, 0755);
        config = {.token = "first",
                  // Of the range that nobody is given by chance, and apart from other tests'.
                  .client_port = static_cast<std::uint16_t>(20000 + ::getpid() % 5000),
                  .peer_port = static_cast<std::uint16_t>(25000 + ::getpid() % 5000),
                  .members = {{kHost, "127.0.0.1"}},
                  .authorities = identity.certificate_pem,
                  .identity = root / "tls",
                  .directory = root / "etcd"};
    }
    void TearDown() override {
        if (root.empty()) return;
        EtcdMember last(place());
        retire(last);
        std::filesystem::remove_all(root);
    }
    MemberPlace place() const {
        return {kProgram, root / "run", root / "datastore/.ha", kHost, root / "launcher"};
    }
    static void retire(EtcdMember& member) {
        member.want(std::nullopt);
        for (int look = 0; look < 200 && !member.is_settled(); ++look) {
            std::this_thread::sleep_for(milliseconds{50});
        }
        EXPECT_TRUE(member.is_settled());
    }
    static std::int32_t pid_of(const EtcdMember& member, std::int32_t but = 0) {
        for (int look = 0; look < 200; ++look) {
            if (const auto pid = member.pid(); pid != 0 && pid != but) return pid;
            std::this_thread::sleep_for(milliseconds{50});
        }
        return 0;
    }
    bool has_data() const {
        for (int look = 0; look < 200; ++look) {
            if (std::filesystem::exists(member_data(config) / "member/snap/db")) return true;
            std::this_thread::sleep_for(milliseconds{50});
        }
        return false;
    }

    std::filesystem::path root;
    EtcdConfig config;
};

TEST_F(MemberTest, outlives_its_agent_and_is_found_again) {
    std::int32_t pid = 0;
    {
        EtcdMember member(place());
        member.want(config);
        pid = pid_of(member);
        ASSERT_GT(pid, 1);
        ASSERT_TRUE(has_data());
    }
    EXPECT_TRUE(Process(pid).is_alive());
    EtcdMember next(place());
    next.want(config);
    EXPECT_EQ(pid_of(next), pid);
    // It is started again when it dies, and when it is to trust others.
    Process(pid).kill();
    const auto second = pid_of(next, pid);
    ASSERT_GT(second, 1);
    config.authorities += config.authorities;
    next.want(config);
    EXPECT_GT(pid_of(next, second), 1);
    EXPECT_FALSE(Process(second).is_alive());
    retire(next);
    EXPECT_EQ(next.pid(), 0);
    EXPECT_FALSE(std::filesystem::exists(config.directory));
}

TEST_F(MemberTest, who_is_no_member_runs_none) {
    EtcdMember member(place());
    member.want(config);
    const auto pid = pid_of(member);
    ASSERT_GT(pid, 1);
    const Process process(pid);
    config.members = {{kOther, "127.0.0.1"}};
    member.want(config);
    for (int look = 0; look < 200 && process.is_alive(); ++look) {
        std::this_thread::sleep_for(milliseconds{50});
    }
    EXPECT_FALSE(process.is_alive());
}

TEST_F(MemberTest, another_etcd_begins_with_nothing) {
    EtcdMember member(place());
    member.want(config);
    const auto pid = pid_of(member);
    ASSERT_TRUE(has_data());
    const auto before = member_data(config);
    config.token = "second";
    member.want(config);
    EXPECT_GT(pid_of(member, pid), 1);
    EXPECT_TRUE(has_data());
    EXPECT_FALSE(std::filesystem::exists(before));
}

TEST_F(MemberTest, without_its_data_it_does_not_begin_again) {
    {
        EtcdMember member(place());
        member.want(config);
        ASSERT_GT(pid_of(member), 1);
        ASSERT_TRUE(has_data());
        retire(member);
    }
    EtcdMember member(place());
    member.want(config);
    std::this_thread::sleep_for(milliseconds{2500});
    EXPECT_EQ(member.pid(), 0);
    EXPECT_FALSE(std::filesystem::exists(member_data(config) / "member"));
    config.token = "second";
    member.want(config);
    EXPECT_GT(pid_of(member), 1);
}

}  // namespace
}  // namespace drover::had
