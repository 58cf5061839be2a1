// The channel against the real etcd, started as a host starts it, on addresses of the loopback.

#include "had/etcd/etcd_channel.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/file.hpp"
#include "had/etcd/beat_format.hpp"
#include "had/member/etcd_command.hpp"
#include "http/tls_identity.hpp"

namespace drover::had {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kHost = "11111111-1111-4111-8111-111111111111";
const std::string kOther = "22222222-2222-4222-8222-222222222222";
const std::string kMachine = "33333333-3333-4333-8333-333333333333";
constexpr const char* kProgram = "/usr/bin/etcd";

// Free on all addresses that the test uses, when this is asked.
std::uint16_t free_port() {
    const base::FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
    socklen_t length = sizeof(address);
    ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
}

std::string uuid_of_member(std::size_t at) {
    return "00000000-0000-4000-8000-00000000000" + std::to_string(at + 1);
}

std::string address_of_member(std::size_t at) {
    return "127.0.0." + std::to_string(at + 1);
}

// Members of one etcd, in a directory of their own.
class Etcd {
public:
    explicit Etcd(std::size_t members) {
        std::string made = std::filesystem::temp_directory_path() / "had-etcd-XXXXXX";
        root_ = ::mkdtemp(made.data());
        const auto client_port = free_port();
        auto peer_port = free_port();
        while (peer_port == client_port) peer_port = free_port();
        for (std::size_t at = 0; at < members; ++at) {
            std::filesystem::create_directories(root_ / uuid_of_member(at) / "tls");
            const auto identity =
                http::TlsIdentity::generate("member", {address_of_member(at), "127.0.0.1"});
            store(root_ / uuid_of_member(at) / "tls", identity);
            authorities_ += identity.certificate_pem;
        }
        for (std::size_t at = 0; at < members; ++at) {
            EtcdConfig config{.token = "test",
                              .client_port = client_port,
                              .peer_port = peer_port,
                              .members = {},
                              .authorities = authorities_,
                              .identity = root_ / uuid_of_member(at) / "tls",
                              .directory = root_ / uuid_of_member(at)};
            for (std::size_t each = 0; each < members; ++each) {
                config.members.push_back({uuid_of_member(each), address_of_member(each)});
            }
            configs_.push_back(config);
            start(at);
        }
    }
    ~Etcd() {
        for (const pid_t pid : pids_) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
        std::filesystem::remove_all(root_);
    }

    static void store(const std::filesystem::path& directory, const http::TlsIdentity& identity) {
        base::write_file_atomically(directory / "certificate.pem", identity.certificate_pem, 0644);
        base::write_file_atomically(directory / "key.pem", identity.key_pem, 0600);
    }
    EtcdSettings settings() const {
        EtcdSettings made{.etcd = 1,
                          .members = {},
                          .identity = configs_[0].identity,
                          .authorities = authorities_};
        for (std::size_t at = 0; at < configs_.size(); ++at) {
            made.members.push_back({address_of_member(at), configs_[0].client_port});
        }
        return made;
    }
    void tell(std::size_t member, int signal) const { ::kill(pids_[member], signal); }
    const std::filesystem::path& root() const { return root_; }

private:
    void start(std::size_t at) {
        const auto& config = configs_[at];
        std::filesystem::create_directories(member_data(config));
        std::filesystem::permissions(member_data(config), std::filesystem::perms::owner_all);
        base::write_file_atomically(member_authorities(config), authorities_, 0640);
        auto command = etcd_command(kProgram, config, uuid_of_member(at));
        std::vector<char*> arguments;
        for (auto& each : command) arguments.push_back(each.data());
        arguments.push_back(nullptr);
        const pid_t child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            char* environment[] = {nullptr};
            ::execve(kProgram, arguments.data(), environment);
            ::_exit(127);
        }
        pids_.push_back(child);
    }

    std::filesystem::path root_;
    std::string authorities_;
    std::vector<EtcdConfig> configs_;
    std::vector<pid_t> pids_;
};

// One host: its channel, and what that answers.
class Host {
public:
    Host(const std::string& uuid, const EtcdSettings& settings)
        : self(*names->host(uuid)), channel(names, [this](ha::Event event) { take(event); }) {
        channel.use(settings);
    }

    ha::BeatEtcd beat(ha::Epoch epoch, std::uint64_t sequence) {
        auto report = std::make_shared<ha::Report>();
        report->machines.push_back({*names->machine(kMachine), ha::Phase::ready, 3});
        return {++op, {.who = {self, epoch}, .sequence = sequence, .report = report}, etcd};
    }
    std::optional<ha::BeatAnswered> send(ha::Epoch epoch, std::uint64_t sequence,
                                         milliseconds limit = seconds{3}) {
        const auto sent = beat(epoch, sequence);
        channel.perform(sent);
        std::unique_lock lock(mutex);
        changed.wait_for(lock, limit, [&] { return answered && answered->op == sent.op; });
        return answered && answered->op == sent.op ? answered : std::nullopt;
    }
    // A new etcd takes a moment to elect.
    bool is_answered_in_time(ha::Epoch epoch) {
        for (int attempt = 0; attempt < 100; ++attempt) {
            if (send(epoch, 1000 + op, milliseconds{500})) return true;
        }
        return false;
    }
    const ha::Beat* find(const ha::BeatAnswered& event, const std::string& uuid) const {
        for (const auto& each : event.beats) {
            if (each.who.host == *names->host(uuid)) return &each;
        }
        return nullptr;
    }

    std::shared_ptr<Names> names = std::make_shared<Names>();
    ha::HostId self;
    ha::OpId op = 0;
    ha::EtcdId etcd = 1;

private:
    void take(const ha::Event& event) {
        const std::lock_guard lock(mutex);
        answered = std::get<ha::BeatAnswered>(event);
        changed.notify_all();
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<ha::BeatAnswered> answered;

public:
    EtcdChannel channel;
};

struct EtcdTest : testing::Test {
    void SetUp() override {
        if (!std::filesystem::exists(kProgram)) GTEST_SKIP() << "needs " << kProgram;
    }
};

TEST_F(EtcdTest, hosts_see_each_other_and_an_older_epoch_is_told) {
    const Etcd etcd(1);
    Host one(kHost, etcd.settings());
    Host two(kOther, etcd.settings());
    ASSERT_TRUE(one.is_answered_in_time(3));
    const auto first = one.send(4, 7);
    ASSERT_TRUE(first && first->mine);
    EXPECT_EQ(one.find(*first, kOther), nullptr);

    const auto seen = two.send(1, 1);
    ASSERT_TRUE(seen && seen->mine);
    const auto* beat = two.find(*seen, kHost);
    ASSERT_NE(beat, nullptr);
    EXPECT_EQ(beat->who.epoch, 4U);
    EXPECT_EQ(beat->sequence, 7U);
    ASSERT_EQ(beat->report->machines.size(), 1U);
    EXPECT_EQ(beat->report->machines[0].phase, ha::Phase::ready);
    EXPECT_EQ(beat->report->machines[0].failures, 3U);

    const auto old = one.send(3, 8);
    ASSERT_TRUE(old);
    EXPECT_FALSE(old->mine);
    const auto after = two.send(1, 2);
    ASSERT_TRUE(after);
    EXPECT_EQ(two.find(*after, kHost)->who.epoch, 4U);
    // By number, not by text.
    ASSERT_TRUE(one.send(10, 1)->mine);
    EXPECT_FALSE(one.send(9, 1)->mine);
}

TEST_F(EtcdTest, a_member_that_hangs_is_left_for_the_next) {
    const Etcd etcd(3);
    Host host(kHost, etcd.settings());
    ASSERT_TRUE(host.is_answered_in_time(1));
    for (std::size_t member = 0; member < 3; ++member) {
        etcd.tell(member, SIGSTOP);
        // The leader may be the one: then the others elect, and a few beats are lost.
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_TRUE(host.is_answered_in_time(1)) << member;
        EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds{15}) << member;
        etcd.tell(member, SIGCONT);
        ASSERT_TRUE(host.is_answered_in_time(1)) << member;
    }
    etcd.tell(0, SIGSTOP);
    etcd.tell(1, SIGSTOP);
    std::this_thread::sleep_for(seconds{1});
    EXPECT_FALSE(host.send(1, 1, seconds{4})) << "without a majority nothing is acknowledged";
}

TEST_F(EtcdTest, a_stranger_is_not_heard) {
    const Etcd etcd(1);
    Host host(kHost, etcd.settings());
    ASSERT_TRUE(host.is_answered_in_time(1));
    const auto stranger = http::TlsIdentity::generate("member", {"127.0.0.1"});
    std::filesystem::create_directories(etcd.root() / "stranger");
    Etcd::store(etcd.root() / "stranger", stranger);
    auto settings = etcd.settings();
    settings.identity = etcd.root() / "stranger";
    Host other(kOther, settings);
    EXPECT_FALSE(other.send(1, 1, seconds{2}));
    // Nor is a member whom the host does not know.
    auto distrustful = etcd.settings();
    distrustful.authorities = stranger.certificate_pem;
    Host third(kOther, distrustful);
    EXPECT_FALSE(third.send(1, 1, seconds{2}));
    const auto seen = host.send(1, 2);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->beats.size(), 1U);
}

TEST_F(EtcdTest, in_another_etcd_nobody_has_a_beat_yet) {
    const Etcd first(1);
    const Etcd second(1);
    Host one(kHost, first.settings());
    Host two(kOther, first.settings());
    ASSERT_TRUE(one.is_answered_in_time(1));
    ASSERT_TRUE(two.is_answered_in_time(1));
    two.channel.use(second.settings());
    ASSERT_TRUE(two.is_answered_in_time(1));
    const auto seen = two.send(1, 9);
    ASSERT_TRUE(seen);
    EXPECT_EQ(two.find(*seen, kHost), nullptr);
    // A beat that was meant for another one is not sent.
    two.etcd = 2;
    EXPECT_FALSE(two.send(1, 10, milliseconds{700}));
    two.etcd = 1;
    EXPECT_TRUE(two.send(1, 11));
    two.channel.use({});
    EXPECT_FALSE(two.send(1, 12, milliseconds{700}));
}

TEST(BeatFormat, is_read_as_it_was_written_and_refuses_the_rest) {
    Names names;
    auto report = std::make_shared<ha::Report>();
    report->takes_machines = false;
    for (int at = 0; at < 1000; ++at) {
        report->machines.push_back(
            {*names.machine("00000000-0000-4000-8000-" + std::to_string(100000000000 + at)),
             ha::Phase::paused, 4000000000U});
    }
    const ha::Beat beat{.who = {*names.host(kHost), 12}, .sequence = 99, .report = report};
    const auto text = format_beat(beat, names);
    EXPECT_LE(text.size(), kBeatBytes);
    const auto key = beat_key(beat.who.host, names);
    const auto read = parse_beat(key, text, names);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->who, beat.who);
    EXPECT_EQ(read->sequence, 99U);
    EXPECT_FALSE(read->report->takes_machines);
    EXPECT_LT(text, above_epoch(12));
    EXPECT_GT(text, above_epoch(11));
    const std::string digits = "00000000000000000012";
    for (const std::string& bad :
         {std::string(), digits, digits + "{}", digits + "[1]", "x" + text.substr(1),
          digits + R"({"sequence":-1,"takes":true,"machines":[]})",
          digits + R"({"sequence":1,"takes":1,"machines":[]})",
          digits + R"({"sequence":1,"takes":true,"machines":[["a",1,1]]})",
          digits + R"({"sequence":1,"takes":true,"machines":[[")" + kMachine + R"(",9,1]]})",
          "00000000000000000000" + text.substr(20), text + std::string(kBeatBytes, ' ')}) {
        EXPECT_FALSE(parse_beat(key, bad, names)) << bad.substr(0, 80);
    }
    for (std::size_t cut = 0; cut < text.size(); cut += 97) {
        EXPECT_FALSE(parse_beat(key, text.substr(0, cut), names)) << cut;
    }
    EXPECT_FALSE(parse_beat("drover/ha/beat/../x", text, names));
}

}  // namespace
}  // namespace drover::had
