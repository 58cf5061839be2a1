// Kills a process that writes, again and again: every acknowledged batch is there, none by half.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <thread>

#include "base/file.hpp"
#include "store/store.hpp"
#include "store/temporary_directory.hpp"

namespace drover::store {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 40;
constexpr int kRecordsPerBatch = 3;

std::string record_id(std::uint32_t batch, int part) {
    return std::to_string(batch) + "." + std::to_string(part);
}

// Never returns: commits numbered batches and writes the number of each acknowledged one.
[[noreturn]] void write_until_killed(const std::filesystem::path& path, std::uint32_t first,
                                     int acknowledged) {
    try {
        const auto store = open_sqlite_store(path);
        std::atomic<int> in_flight = 0;
        for (std::uint32_t number = first;; ++number) {
            while (in_flight > 16) std::this_thread::yield();
            Batch batch;
            for (int part = 0; part < kRecordsPerBatch; ++part) {
                batch.put({.kind = "vm",
                           .id = record_id(number, part),
                           .value = std::string(number % 3000, 'x'),
                           .name = "",
                           .parent = ""});
            }
            ++in_flight;
            store->commit(std::move(batch), [&, number](const std::exception_ptr& error) {
                if (error || ::write(acknowledged, &number, sizeof number) != sizeof number) {
                    ::_exit(3);
                }
                --in_flight;
            });
        }
    } catch (...) {
        ::_exit(2);
    }
}

// Gives the acknowledged numbers; the pipe ends with the writer's life.
std::vector<std::uint32_t> read_until_end(int descriptor) {
    std::vector<std::uint32_t> numbers;
    std::uint32_t number = 0;
    while (::read(descriptor, &number, sizeof number) == sizeof number) numbers.push_back(number);
    return numbers;
}

TEST(Kill, LosesNothingAcknowledgedAndLeavesNoHalfBatch) {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "state.db";
    base::SystemRandom random;
    std::vector<std::uint32_t> acknowledged;
    for (int round = 0; round < kRounds; ++round) {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        base::FileDescriptor read_end(ends[0]);
        base::FileDescriptor write_end(ends[1]);
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            write_until_killed(path, static_cast<std::uint32_t>(round) * 1'000'000 + 1,
                               write_end.get());
        }
        write_end.reset();
        // Some die while they open the store and recover the log, most while they write.
        std::jthread killer([child, delay = 1 + random.below(60)] {
            std::this_thread::sleep_for(std::chrono::milliseconds(delay));
            ::kill(child, SIGKILL);
        });
        for (const auto number : read_until_end(read_end.get())) acknowledged.push_back(number);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "writer ended by itself: " << WEXITSTATUS(status);
    }
    ASSERT_GT(acknowledged.size(), 100u);

    std::set<std::string> ids;
    for (const Record& record : open_sqlite_store(path)->load("vm")) ids.insert(record.id);
    for (const auto number : acknowledged) {
        EXPECT_TRUE(ids.contains(record_id(number, 0))) << "lost batch " << number;
    }
    for (const std::string& id : ids) {
        const auto number = static_cast<std::uint32_t>(std::stoul(id));
        for (int part = 0; part < kRecordsPerBatch; ++part) {
            EXPECT_TRUE(ids.contains(record_id(number, part))) << "half a batch: " << number;
        }
    }
    RecordProperty("acknowledged", static_cast<int>(acknowledged.size()));
}

}  // namespace
}  // namespace drover::store
