#include <gmock/gmock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "had/boot_clock.hpp"
#include "had/fence/keeper.hpp"

namespace drover::had {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kMachine = "33333333-3333-4333-8333-333333333333";
constexpr ha::MachineId kId{0};

void answer(int peer, const std::string& line) {
    [[maybe_unused]] const auto sent = ::send(peer, line.data(), line.size(), MSG_NOSIGNAL);
}

enum class Leaves {
    no,
    as_a_whole,        ///< told to run, it is sent to another host at once
    and_is_continued,  ///< and then somebody lets it run here again
};
const std::string kSent =
    R"({"event": "MIGRATION", "data": {"status": "device"}}
{"event": "STOP"}
{"event": "MIGRATION", "data": {"status": "completed"}}
)";

// What QEMU says, as far as a fencer hears it. `drains`: it does what it is told.
[[noreturn]] void be_machine(int listener, bool drains, Leaves leaves) {
    bool runs = false;
    while (true) {
        const int peer = ::accept(listener, nullptr, nullptr);
        answer(peer, "{\"QMP\": {}}\n");
        std::string in;
        char buffer[512];
        for (ssize_t got = 0; (got = ::recv(peer, buffer, sizeof(buffer), 0)) > 0;) {
            in.append(buffer, static_cast<std::size_t>(got));
            for (auto end = in.find('\n'); end != std::string::npos; end = in.find('\n')) {
                const std::string line = in.substr(0, end);
                in.erase(0, end + 1);
                const std::string id = line.substr(line.rfind(':') + 1);
                std::string value = "{}";
                if (line.contains("query-status")) {
                    value = runs ? R"({"running": true})" : R"({"running": false})";
                }
                if (line.contains("\"stop\"") && !drains) continue;
                if (line.contains("\"stop\"")) runs = false;
                if (line.contains("\"cont\"")) {
                    runs = true;
                    answer(peer, "{\"event\": \"RESUME\"}\n");
                }
                answer(peer, "{\"return\": " + value + ", \"id\": " + id + "\n");
                if (!line.contains("\"cont\"")) continue;
                const Leaves now = std::exchange(leaves, Leaves::no);
                if (now != Leaves::no) answer(peer, kSent);
                if (now == Leaves::and_is_continued) answer(peer, "{\"event\": \"RESUME\"}\n");
            }
        }
        ::close(peer);
    }
}

struct FenceTest : testing::Test {
    FenceTest() {
        char name[] = "/tmp/drover-had-XXXXXX";
        directory = ::mkdtemp(name);
        shared.emplace(directory / "state");
        auto transaction = shared->begin();
        auto& image = transaction->image();
        image.count = 1;
        std::ranges::copy(kMachine, image.machines[0].uuid.begin());
        transaction->commit();
        keeper.emplace(*shared, KeeperSettings{.monitors = directory,
                                               .reset = {"touch", (directory / "reset").string()}});
    }
    ~FenceTest() override {
        if (child > 0) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
        keeper.reset();
        std::filesystem::remove_all(directory);
    }
    void make_machine(bool drains, Leaves leaves = Leaves::no) {
        const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        const std::string path = (directory / (kMachine + ".qmp")).string();
        std::memcpy(at.sun_path, path.data(), path.size());
        // The process that listens is the one that is ended.
        child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof(at));
            ::listen(listener, 1);
            be_machine(listener, drains, leaves);
        }
        ::close(listener);
    }
    template <class Change>
    auto with_fencer(Change change) {
        auto transaction = shared->begin();
        ha::Fencer fencer({}, ha::StorageFencing::none);
        transaction->image().load(fencer);
        const auto result = change(fencer);
        transaction->image().save(fencer);
        for (const auto& action : fencer.take_actions()) transaction->image().note(action);
        transaction->commit();
        return result;
    }
    void start_machine(bool drains, Leaves leaves = Leaves::no) {
        ASSERT_TRUE(
            with_fencer([](auto& fencer) { return fencer.joined(1, boot_now(), boot_now()); }));
        keeper->tick();  // the watchdog counts from here
        ASSERT_TRUE(
            with_fencer([](auto& fencer) { return fencer.prepare(kId, 1, false, boot_now()); }));
        make_machine(drains, leaves);
        pass(milliseconds{200});
        ASSERT_TRUE(with_fencer([](auto& fencer) { return fencer.start(kId, 1, boot_now()); }));
    }
    void pass(ha::Duration length) {
        for (const auto end = boot_now() + length; boot_now() < end;) {
            const auto wait = std::min<ha::Duration>(keeper->tick(), milliseconds{20});
            std::this_thread::sleep_for(wait);
        }
    }
    ha::Guard state() {
        return with_fencer([](auto& fencer) {
            const auto* guarded = fencer.find(kId);
            return guarded == nullptr ? ha::Guard::killed : guarded->state;
        });
    }
    void end_machine() {
        ::kill(child, SIGKILL);
        ::waitpid(std::exchange(child, 0), nullptr, 0);
        pass(milliseconds{100});
    }
    bool has_moved() {
        auto transaction = shared->begin();
        return transaction->image().machines[0].has_moved;
    }
    bool is_alive() { return ::waitpid(child, nullptr, WNOHANG) == 0; }

    std::filesystem::path directory;
    std::optional<SharedState> shared;
    std::optional<Keeper> keeper;
    pid_t child = 0;
};

TEST_F(FenceTest, a_machine_stands_still_before_the_permit_ends_and_lives) {
    start_machine(true);
    pass(milliseconds{300});
    EXPECT_EQ(state(), ha::Guard::running);
    pass(milliseconds{3300});
    EXPECT_EQ(state(), ha::Guard::paused);
    EXPECT_TRUE(is_alive());
    EXPECT_TRUE(with_fencer([](auto& fencer) { return fencer.quiet(); }));
    EXPECT_FALSE(std::filesystem::exists(directory / "reset"));
}

TEST_F(FenceTest, an_acknowledgement_in_time_keeps_it_running) {
    start_machine(true);
    for (int i = 0; i < 8; ++i) {
        const auto sent = boot_now();
        pass(milliseconds{500});
        with_fencer([&](auto& fencer) { return fencer.acked_slot(1, false, sent, boot_now()); });
    }
    EXPECT_EQ(state(), ha::Guard::running);
}

TEST_F(FenceTest, what_does_not_drain_is_killed) {
    start_machine(false);
    pass(milliseconds{3600});
    EXPECT_EQ(state(), ha::Guard::killed);
    EXPECT_FALSE(is_alive());
    EXPECT_FALSE(std::filesystem::exists(directory / "reset"));
}

TEST_F(FenceTest, a_start_under_way_when_the_permit_ends_resets_nothing) {
    ASSERT_TRUE(with_fencer([](auto& fencer) { return fencer.joined(1, boot_now(), boot_now()); }));
    keeper->tick();
    ASSERT_TRUE(
        with_fencer([](auto& fencer) { return fencer.prepare(kId, 1, false, boot_now()); }));
    auto transaction = shared->begin();
    transaction->image().machines[0].launching = true;
    transaction->commit();
    pass(milliseconds{4000});
    EXPECT_FALSE(std::filesystem::exists(directory / "reset"));
    EXPECT_TRUE(with_fencer([](auto& fencer) { return fencer.find(kId) == nullptr; }));
    // It comes after all.
    make_machine(true);
    pass(milliseconds{1500});
    EXPECT_FALSE(is_alive());
}

TEST_F(FenceTest, one_that_was_sent_and_has_ended_has_moved) {
    start_machine(true, Leaves::as_a_whole);
    pass(milliseconds{200});
    end_machine();
    EXPECT_TRUE(has_moved());
    EXPECT_TRUE(with_fencer([](auto& fencer) { return fencer.find(kId) == nullptr; }));
}

TEST_F(FenceTest, one_that_ran_on_after_it_was_sent_has_not_moved) {
    start_machine(true, Leaves::and_is_continued);
    pass(milliseconds{200});
    end_machine();
    EXPECT_FALSE(has_moved());
}

TEST_F(FenceTest, a_keeper_that_has_not_heard_how_it_stood_does_not_say_that_it_has_moved) {
    start_machine(true, Leaves::as_a_whole);
    pass(milliseconds{200});
    keeper.emplace(*shared, KeeperSettings{.monitors = directory, .reset = {"false"}});
    end_machine();
    EXPECT_FALSE(has_moved());
}

TEST_F(FenceTest, an_acknowledgement_does_not_continue_one_that_was_sent) {
    start_machine(true, Leaves::as_a_whole);
    pass(milliseconds{2700});  // stopped before the end
    ASSERT_TRUE(with_fencer(
        [](auto& fencer) { return fencer.acked_slot(1, false, boot_now(), boot_now()); }));
    pass(milliseconds{300});
    EXPECT_EQ(state(), ha::Guard::running);
    end_machine();
    EXPECT_TRUE(has_moved());
}

TEST_F(FenceTest, another_keeper_takes_up_what_the_first_has_left) {
    start_machine(true);
    pass(milliseconds{200});
    keeper.emplace(*shared, KeeperSettings{.monitors = directory, .reset = {"false"}});
    pass(milliseconds{3400});
    EXPECT_EQ(state(), ha::Guard::paused);
    EXPECT_TRUE(is_alive());
}

TEST_F(FenceTest, a_transaction_that_nobody_ends_has_not_been) {
    const pid_t other = ::fork();
    if (other == 0) {
        auto transaction = shared->begin();
        transaction->image().permit.epoch = 77;
        ::_exit(0);
    }
    ::waitpid(other, nullptr, 0);
    auto transaction = shared->begin();
    ASSERT_TRUE(transaction);
    EXPECT_EQ(transaction->image().permit.epoch, 0U);
}

TEST_F(FenceTest, who_keeps_the_state_too_long_is_ended) {
    const pid_t other = ::fork();
    if (other == 0) {
        auto transaction = shared->begin();
        transaction->image().permit.epoch = 77;
        while (true) ::pause();
    }
    shared->memory().agent = other;
    std::this_thread::sleep_for(milliseconds{100});
    auto transaction = shared->begin();
    ASSERT_TRUE(transaction);
    EXPECT_EQ(transaction->image().permit.epoch, 0U);
    int status = 0;
    ::waitpid(other, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(Qmp, reads_lines) {
    using Kind = QmpMessage::Kind;
    EXPECT_EQ(parse_qmp(R"({"QMP": {"version": {}}})")->kind, Kind::greeting);
    EXPECT_EQ(parse_qmp(R"({"return": {"running": true}, "id": 7})")->running, true);
    EXPECT_EQ(parse_qmp(R"({"return": {}, "id": 7})")->id, 7U);
    EXPECT_EQ(parse_qmp(R"({"error": {"class": "x"}, "id": 3})")->kind, Kind::error);
    EXPECT_EQ(parse_qmp(R"({"event": "SHUTDOWN", "data": {"guest": true}})")->kind,
              Kind::guest_off);
    EXPECT_EQ(parse_qmp(R"({"event": "SHUTDOWN", "data": {"guest": false}})")->kind, Kind::other);
    using Migration = QmpMessage::Migration;
    const auto migration = [](const char* line) { return parse_qmp(line)->migration; };
    EXPECT_EQ(migration(R"({"return": {"running": false, "status": "postmigrate"}, "id": 1})"),
              Migration::completed);
    EXPECT_EQ(migration(R"({"return": {"running": false, "status": "inmigrate"}, "id": 1})"),
              Migration::incoming);
    EXPECT_EQ(migration(R"({"event": "MIGRATION", "data": {"status": "pre-switchover"}})"),
              Migration::switching_over);
    EXPECT_EQ(migration(R"({"event": "MIGRATION", "data": {"status": "failed"}})"),
              Migration::none);
    EXPECT_EQ(migration(R"({"event": "MIGRATION", "data": 7})"), Migration::none);
    EXPECT_FALSE(parse_qmp("{\"return\":"));
    EXPECT_FALSE(parse_qmp("[]"));
}

}  // namespace
}  // namespace drover::had
