#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "base/random.hpp"

namespace drover::base {
namespace {

using namespace std::chrono_literals;

TEST(Time, FormatsAndParsesBack) {
    const WallTime time =
        std::chrono::sys_days{std::chrono::year{2024} / 2 / 29} + 23h + 59min + 58s + 42us;
    EXPECT_EQ(format_time(time), "2024-02-29T23:59:58.000042Z");
    EXPECT_EQ(parse_time(format_time(time)), time);
}

TEST(Time, HonoursOffsets) {
    EXPECT_EQ(parse_time("2024-01-01T02:00:00+02:00"), parse_time("2024-01-01T00:00:00Z"));
    EXPECT_EQ(parse_time("2024-01-01T00:00:00"), parse_time("2024-01-01T00:00:00Z"));
    EXPECT_EQ(parse_time("2024-01-01T00:00:00.5-05:30"), parse_time("2024-01-01T05:30:00.500Z"));
}

TEST(Time, RefusesWhatIsNoTime) {
    for (const char* text :
         {"", "2024", "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00+99:00",
          "2024-01-01T00:00:00Zx", "0000-01-01T00:00:00Z"}) {
        EXPECT_FALSE(parse_time(text)) << text;
    }
}

TEST(Random, RepeatsForASeedAndStaysBelowTheBound) {
    SeededRandom first(7);
    SeededRandom second(7);
    for (int i = 0; i < 1000; ++i) {
        const auto value = first.below(10);
        EXPECT_LT(value, 10u);
        EXPECT_EQ(value, second.below(10));
    }
    EXPECT_EQ(first.uuid()[14], '4');
}

TEST(File, IsReplacedAsAWhole) {
    const auto directory =
        std::filesystem::temp_directory_path() / ("drover-" + SystemRandom().hex(6));
    std::filesystem::create_directory(directory);
    const auto path = directory / "a";
    write_file_atomically(path, "one");
    write_file_atomically(path, "two");
    EXPECT_EQ(read_file(path, 10), "two");
    EXPECT_THROW(read_file(path, 2), std::system_error);
    EXPECT_THROW(write_file_atomically(directory / "no" / "where", "x"), std::system_error);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
    std::filesystem::remove_all(directory);
}

TEST(Process, GivesOutputAndExitCode) {
    const auto result = run_process({"sh", "-c", "echo out; echo err >&2; exit 3"}, 10s);
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_EQ(result.standard_output, "out\n");
    EXPECT_EQ(result.standard_error, "err\n");
}

TEST(Process, IsKilledAtItsDeadline) {
    const auto start = std::chrono::steady_clock::now();
    const auto result = run_process({"sh", "-c", "sleep 60 & wait"}, 1s);
    EXPECT_TRUE(result.timed_out);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
}

TEST(Process, ThatIsNotThereThrows) {
    EXPECT_THROW(run_process({"/no/such/program"}, 1s), std::system_error);
}

}  // namespace
}  // namespace drover::base
