#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "had/datastore/cell_format.hpp"
#include "had/datastore/datastore_channel.hpp"
#include "had/datastore/slot_files.hpp"
#include "storage/directory/directory_datastore.hpp"

namespace drover::had {
namespace {

using std::chrono::milliseconds;

const std::string kHost = "11111111-1111-4111-8111-111111111111";
const std::string kOther = "22222222-2222-4222-8222-222222222222";
const std::string kMachine = "33333333-3333-4333-8333-333333333333";

struct DatastoreTest : testing::Test {
    DatastoreTest() {
        char name[] = "/tmp/drover-had-XXXXXX";
        directory = ::mkdtemp(name);
        std::filesystem::create_directory(directory / "vm");
    }
    ~DatastoreTest() override { std::filesystem::remove_all(directory); }

    ha::Slot slot(ha::Epoch epoch, std::uint64_t sequence) {
        auto report = std::make_shared<ha::Report>();
        report->machines.push_back({*names->machine(kMachine), ha::Phase::ready, 2});
        return {.who = {*names->host(kHost), epoch},
                .sequence = sequence,
                .promise = milliseconds{4000},
                .etcd = 77,
                .report = report};
    }

    std::filesystem::path directory;
    std::shared_ptr<Names> names = std::make_shared<Names>();
};

// A second datastore, with the identity that it gave itself.
struct OtherStore {
    OtherStore() {
        char name[] = "/tmp/drover-had-XXXXXX";
        settings = {"other", ::mkdtemp(name), "", kHost, "host"};
        std::filesystem::create_directory(settings.path / "vm");
        const auto opened = storage::open_directory_datastore("other", settings.path);
        settings.uuid = opened->info().uuid;
    }
    ~OtherStore() { std::filesystem::remove_all(settings.path); }
    OtherStore(const OtherStore&) = delete;
    OtherStore& operator=(const OtherStore&) = delete;
    LeaseStoreSettings settings;
};

// A file system whose server never answers, until its end fails all that waits.
class HangingMount {
public:
    HangingMount() {
        char name[] = "/tmp/drover-had-XXXXXX";
        path_ = ::mkdtemp(name);
        device_ = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
        if (device_ < 0) return;
        const auto options =
            "fd=" + std::to_string(device_) + ",rootmode=40000,user_id=0,group_id=0";
        is_there_ =
            ::mount("hanging", path_.c_str(), "fuse", MS_NODEV | MS_NOSUID, options.c_str()) == 0;
    }
    ~HangingMount() {
        end();
        ::umount2(path_.c_str(), MNT_DETACH);
        ::rmdir(path_.c_str());
    }
    HangingMount(const HangingMount&) = delete;
    HangingMount& operator=(const HangingMount&) = delete;
    bool is_there() const { return is_there_; }
    std::filesystem::path path() const { return path_; }
    void end() {
        if (device_ >= 0) ::close(device_);
        device_ = -1;
    }

private:
    std::string path_;
    int device_ = -1;
    bool is_there_ = false;
};

// What a channel answers, in order.
struct Answers {
    void take(ha::Event event) {
        const std::lock_guard lock(mutex);
        events.push_back(std::move(event));
        changed.notify_all();
    }
    template <class Kind>
    std::optional<Kind> wait_for(ha::OpId op, milliseconds limit = milliseconds{5000}) {
        std::unique_lock lock(mutex);
        std::optional<Kind> found;
        changed.wait_for(lock, limit, [&] {
            for (const auto& event : events) {
                const auto* kind = std::get_if<Kind>(&event);
                if (kind != nullptr && kind->op == op) found = *kind;
            }
            return found.has_value();
        });
        return found;
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<ha::Event> events;
};

TEST_F(DatastoreTest, a_slot_is_read_as_it_was_written) {
    SlotFiles files(directory / ".ha", *names);
    EXPECT_TRUE(files.read_all().empty());
    EXPECT_TRUE(files.create(slot(1, 0)));
    EXPECT_FALSE(files.create(slot(1, 0)));
    files.write(slot(1, 7));
    const auto read = files.read_all();
    ASSERT_EQ(read.size(), 1U);
    EXPECT_TRUE(read[0].readable);
    EXPECT_EQ(read[0].sequence, 7U);
    EXPECT_EQ(read[0].promise, milliseconds{4000});
    EXPECT_EQ(read[0].etcd, 77U);
    ASSERT_EQ(read[0].report->machines.size(), 1U);
    EXPECT_EQ(read[0].report->machines[0].phase, ha::Phase::ready);
    EXPECT_EQ(read[0].report->machines[0].failures, 2U);
}

TEST_F(DatastoreTest, the_newest_slots_of_a_host_are_kept) {
    SlotFiles files(directory / ".ha", *names);
    for (ha::Epoch epoch = 8; epoch <= 12; ++epoch) ASSERT_TRUE(files.create(slot(epoch, 0)));
    const auto read = files.read_all();
    ASSERT_EQ(read.size(), SlotFiles::kKept);
    EXPECT_EQ(read.front().who.epoch, 10U);
    EXPECT_THROW(files.write(slot(9, 1)), std::system_error);
}

// Its file is open, but nobody reads it there.
TEST_F(DatastoreTest, a_slot_that_others_cant_find_is_not_written) {
    SlotFiles files(directory / ".ha", *names);
    ASSERT_TRUE(files.create(slot(1, 0)));
    files.write(slot(1, 1));
    std::filesystem::rename(directory / ".ha", directory / ".away");
    EXPECT_THROW(files.write(slot(1, 2)), std::system_error);
    std::filesystem::create_directory(directory / ".ha");
    const auto name = kHost + ".epoch.1";
    std::filesystem::copy_file(directory / ".away" / name, directory / ".ha" / name);
    files.write(slot(1, 3));
    EXPECT_EQ(files.read_all().at(0).sequence, 3U);
    std::filesystem::remove(directory / ".ha" / name);
    EXPECT_THROW(files.write(slot(1, 4)), std::system_error);
}

// Every way to tear or damage it makes it unreadable, never another slot.
TEST_F(DatastoreTest, a_torn_slot_is_unreadable) {
    SlotFiles files(directory / ".ha", *names);
    ASSERT_TRUE(files.create(slot(1, 0)));
    files.write(slot(1, 7));
    const auto path = directory / ".ha" / (kHost + ".epoch.1");
    const auto length = encode_slot(slot(1, 7), *names).size();
    ASSERT_EQ(length, kSlotPageBytes);
    for (const std::size_t at : {0U, 9U, 13U, 17U, 25U, 60U, 70U, 78U, 90U, 129U}) {
        const int file = ::open(path.c_str(), O_RDWR);
        char byte = 0;
        ASSERT_EQ(::pread(file, &byte, 1, static_cast<off_t>(at)), 1);
        const char damaged = static_cast<char>(byte ^ 0x40);
        ASSERT_EQ(::pwrite(file, &damaged, 1, static_cast<off_t>(at)), 1);
        ASSERT_EQ(files.read_all().size(), 1U);
        EXPECT_FALSE(files.read_all()[0].readable) << at;
        ASSERT_EQ(::pwrite(file, &byte, 1, static_cast<off_t>(at)), 1);
        ::close(file);
    }
    EXPECT_TRUE(files.read_all()[0].readable);
    std::filesystem::resize_file(path, 100);
    EXPECT_FALSE(files.read_all()[0].readable);
    std::filesystem::rename(path, directory / ".ha" / (kOther + ".epoch.1"));
    EXPECT_FALSE(files.read_all()[0].readable);
}

TEST_F(DatastoreTest, a_lease_without_epochs_is_known_only_when_it_is_free) {
    const auto plain = [](const char* owner) {
        return std::string(R"({"owner":")") + owner +
               R"(","owner_name":"h","successor":"","generation":4,)"
               R"("time":"2026-01-01T00:00:00.000000Z"})" +
               "\n";
    };
    EXPECT_FALSE(parse_lease(plain(kHost.c_str()), 4, *names, kOther));
    const auto own = parse_lease(plain(kHost.c_str()), 4, *names, kHost);
    ASSERT_TRUE(own);
    EXPECT_TRUE(own->is_unguarded());
    EXPECT_EQ(*own,
              (ha::Lease{.generation = 4, .owner = {*names->host(kHost), 0}, .wanted = true}));
    const auto free = parse_lease(plain(""), 4, *names, kHost);
    ASSERT_TRUE(free);
    EXPECT_EQ(*free, (ha::Lease{.generation = 4}));
    EXPECT_FALSE(parse_lease(plain(""), 5, *names, kHost));
    const ha::Lease lease{.generation = 4, .owner = {*names->host(kHost), 3}, .wanted = true};
    const auto text = format_lease(lease, *names, "host1", {});
    EXPECT_EQ(parse_lease(text, 4, *names, kHost), lease);
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
        EXPECT_FALSE(parse_lease(text.substr(0, cut), 4, *names, kHost));
    }
}

TEST_F(DatastoreTest, of_all_who_swap_a_lease_one_wins) {
    constexpr int kWriters = 4;
    constexpr ha::Generation kRounds = 20;
    std::vector<std::shared_ptr<Answers>> answers;
    std::vector<std::unique_ptr<DatastoreChannel>> channels;
    for (int i = 0; i < kWriters; ++i) {
        answers.push_back(std::make_shared<Answers>());
        channels.push_back(std::make_unique<DatastoreChannel>(
            LeaseStoreSettings{"shared", directory, "", kHost, "host"}, names,
            [to = answers.back()](ha::Event event) { to->take(std::move(event)); }));
        channels.back()->protect({{*names->machine(kMachine), "vm/vm.vmx"}}, {});
    }
    for (ha::Generation generation = 1; generation <= kRounds; ++generation) {
        for (int i = 0; i < kWriters; ++i) {
            channels[static_cast<std::size_t>(i)]->perform(ha::SwapLease{
                generation, *names->machine(kMachine),
                ha::Lease{.generation = generation,
                          .owner = {*names->host(kHost), static_cast<ha::Epoch>(i) + 1},
                          .wanted = true}});
        }
        int winner = -1;
        int wins = 0;
        for (int i = 0; i < kWriters; ++i) {
            const auto each =
                answers[static_cast<std::size_t>(i)]->wait_for<ha::LeaseSwapped>(generation);
            ASSERT_TRUE(each);
            if (!each->won) continue;
            ++wins;
            winner = i;
        }
        ASSERT_EQ(wins, 1);
        channels[0]->perform(ha::ReadLeases{1000 + generation});
        const auto read = answers[0]->wait_for<ha::LeasesRead>(1000 + generation);
        ASSERT_TRUE(read && read->leases[0]);
        EXPECT_EQ(read->leases[0]->generation, generation);
        EXPECT_EQ(read->leases[0]->owner.epoch, static_cast<ha::Epoch>(winner) + 1);
    }
}

TEST_F(DatastoreTest, an_unreadable_lease_is_unknown_and_the_others_are_read) {
    const auto answers = std::make_shared<Answers>();
    DatastoreChannel channel({"shared", directory, "", kHost, "host"}, names,
                             [answers](ha::Event event) { answers->take(std::move(event)); });
    channel.protect({{ha::MachineId{0}, "vm/a.vmx"},
                     {ha::MachineId{1}, "vm/b.vmx"},
                     {ha::MachineId{2}, "missing/c.vmx"}},
                    {});
    std::ofstream(directory / "vm" / "a.lease.3") << "{\"owner\":";
    channel.perform(ha::ReadLeases{1});
    const auto read = answers->wait_for<ha::LeasesRead>(1);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->leases.size(), 3U);
    EXPECT_FALSE(read->leases[0]);
    EXPECT_EQ(read->leases[1], ha::Lease{});
    EXPECT_FALSE(read->leases[2]);
}

// The machine's own datastore has its lease; slots and the plan are where hosts watch each other.
TEST_F(DatastoreTest, leases_are_where_the_machines_are) {
    const auto answers = std::make_shared<Answers>();
    DatastoreChannel channel({"shared", directory, "", kHost, "host"}, names,
                             [answers](ha::Event event) { answers->take(std::move(event)); });
    const OtherStore other;
    channel.protect({{ha::MachineId{0}, "vm/b.vmx", other.settings.uuid},
                     {ha::MachineId{1}, "vm/a.vmx"},
                     {ha::MachineId{2}, "vm/c.vmx", other.settings.uuid}},
                    {other.settings});
    const ha::Lease next{.generation = 1, .owner = {*names->host(kHost), 4}, .wanted = true};
    channel.perform(ha::SwapLease{1, ha::MachineId{2}, next});
    const auto swapped = answers->wait_for<ha::LeaseSwapped>(1);
    ASSERT_TRUE(swapped && swapped->won);
    EXPECT_TRUE(std::filesystem::exists(other.settings.path / "vm" / "c.lease.1"));
    channel.perform(ha::ReadLeases{2});
    const auto read = answers->wait_for<ha::LeasesRead>(2);
    ASSERT_TRUE(read);
    EXPECT_THAT(read->leases, testing::ElementsAre(ha::Lease{}, ha::Lease{}, next));
    EXPECT_THROW(channel.protect({{ha::MachineId{0}, "vm/b.vmx", kOther}}, {other.settings}),
                 std::runtime_error);
}

TEST_F(DatastoreTest, another_datastore_in_its_place_is_none) {
    const auto answers = std::make_shared<Answers>();
    DatastoreChannel channel({"shared", directory, "", kHost, "host"}, names,
                             [answers](ha::Event event) { answers->take(std::move(event)); });
    OtherStore other;
    other.settings.uuid = kOther;
    channel.protect({{ha::MachineId{0}, "vm/b.vmx", kOther}, {ha::MachineId{1}, "vm/a.vmx"}},
                    {other.settings});
    channel.perform(ha::ReadLeases{1});
    const auto read = answers->wait_for<ha::LeasesRead>(1);
    ASSERT_TRUE(read);
    EXPECT_THAT(read->leases, testing::ElementsAre(std::nullopt, ha::Lease{}));
}

// What it answers when it is back serves the next reading.
TEST_F(DatastoreTest, a_datastore_that_hangs_holds_up_its_own_machines_alone) {
    const auto answers = std::make_shared<Answers>();
    DatastoreChannel channel({"shared", directory, "", kHost, "host"}, names,
                             [answers](ha::Event event) { answers->take(std::move(event)); });
    HangingMount hanging;
    if (!hanging.is_there()) GTEST_SKIP() << "needs root";
    channel.protect({{ha::MachineId{0}, "vm/b.vmx", kOther}, {ha::MachineId{1}, "vm/a.vmx"}},
                    {{"other", hanging.path(), kOther, kHost, "host"}});
    channel.perform(ha::ReadLeases{1});
    EXPECT_FALSE(answers->wait_for<ha::LeasesRead>(1, milliseconds{600}));
    channel.perform(ha::ReadLeases{2});
    const auto read = answers->wait_for<ha::LeasesRead>(2);
    ASSERT_TRUE(read);
    EXPECT_THAT(read->leases, testing::ElementsAre(std::nullopt, ha::Lease{}));
    hanging.end();
    EXPECT_TRUE(answers->wait_for<ha::LeasesRead>(1)) << "the first reading waited for it";
}

TEST_F(DatastoreTest, plans_go_through_the_cell) {
    const auto answers = std::make_shared<Answers>();
    DatastoreChannel channel({"shared", directory, "", kHost, "host"}, names,
                             [answers](ha::Event event) { answers->take(std::move(event)); });
    channel.perform(ha::CreateSlot{1, slot(1, 0)});
    ASSERT_TRUE(answers->wait_for<ha::SlotCreated>(1));
    const ha::PlanCell plan{.generation = 1,
                            .planner = {*names->host(kHost), 2},
                            .assignments = {{*names->machine(kMachine), 9, *names->host(kOther)}}};
    channel.perform(ha::SwapPlan{2, plan});
    const auto swapped = answers->wait_for<ha::PlanSwapped>(2);
    ASSERT_TRUE(swapped && swapped->won);
    channel.perform(ha::ReadLeases{3});
    const auto read = answers->wait_for<ha::LeasesRead>(3);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->plan.generation, 1U);
    EXPECT_EQ(read->plan.assignments, plan.assignments);
}

TEST_F(DatastoreTest, a_join_that_fails_is_answered) {
    const auto answers = std::make_shared<Answers>();
    DatastoreChannel channel({"shared", directory, "", kHost, "host"}, names,
                             [answers](ha::Event event) { answers->take(std::move(event)); });
    std::ofstream(directory / ".ha") << "no directory";
    channel.perform(ha::CreateSlot{1, slot(1, 0)});
    const auto failed = answers->wait_for<ha::SlotCreated>(1);
    ASSERT_TRUE(failed);
    EXPECT_FALSE(failed->won);
    std::filesystem::remove(directory / ".ha");
    channel.perform(ha::CreateSlot{2, slot(2, 0)});
    const auto joined = answers->wait_for<ha::SlotCreated>(2);
    EXPECT_TRUE(joined && joined->won);
}

TEST_F(DatastoreTest, a_full_datastore_answers_no_join_but_takes_heartbeats) {
    const auto full = directory / "full";
    std::filesystem::create_directory(full);
    if (::mount("tmpfs", full.c_str(), "tmpfs", 0, "size=1m") != 0) GTEST_SKIP() << "needs root";
    std::optional<SlotFiles> files(std::in_place, full / ".ha", *names);
    EXPECT_TRUE(files->create(slot(1, 0)));
    std::ofstream filler(full / "filler");
    while (filler << std::string(4096, 'x') << std::flush) continue;
    filler.close();
    EXPECT_THROW(files->create(slot(2, 0)), std::system_error);
    files->write(slot(1, 5));
    const auto read = files->read_all();
    EXPECT_EQ(read.size(), 1U);
    EXPECT_EQ(read[0].sequence, 5U);
    files.reset();
    ::umount(full.c_str());
}

TEST_F(DatastoreTest, work_that_hangs_holds_up_its_queue_alone) {
    WorkQueue queue(1, 2);
    std::mutex mutex;
    std::unique_lock hangs(mutex);
    queue.post([&mutex] { const std::lock_guard lock(mutex); });
    std::this_thread::sleep_for(milliseconds{20});
    EXPECT_TRUE(queue.post([] {}));
    EXPECT_TRUE(queue.post([] {}));
    EXPECT_FALSE(queue.post([] {}));
    hangs.unlock();
    for (int i = 0; i < 200 && !queue.post([] {}); ++i)
        std::this_thread::sleep_for(milliseconds{5});
    std::this_thread::sleep_for(milliseconds{50});
}

}  // namespace
}  // namespace drover::had
