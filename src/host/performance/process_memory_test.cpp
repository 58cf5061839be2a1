#include "host/performance/process_memory.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace drover::host {
namespace {

const hypervisor::DomainUuid kMachine("564d0000-0000-0000-0000-000000000001");

void write(const std::filesystem::path& path, std::string_view text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

class ProcessMemoryTest : public testing::Test {
protected:
    void add_process(const std::string& pid, std::string_view uuid) {
        std::string command("qemu");
        command += std::string("\0-uuid\0", 7);
        command += uuid;
        command += std::string("\0-m\0", 4);
        write(proc / pid / "cmdline", command);
        write(proc / pid / "status", "Name:\tqemu\nVmSwapX:\t1 kB\nVmSwap:\t    12 kB\n");
    }
    std::filesystem::path proc =
        std::filesystem::temp_directory_path() / ("drover-proc-" + std::to_string(::getpid()));
    void TearDown() override { std::filesystem::remove_all(proc); }
};

TEST_F(ProcessMemoryTest, FindsTheProcessByItsUuid) {
    add_process("12", kMachine.value());
    write(proc / "12" / "ksm_merging_pages", "3\n");
    write(proc / "13" / "cmdline", "sh");
    ProcessMemories memories(proc.string());
    const auto found = memories.read(std::vector{kMachine});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found.at(kMachine).swapped_bytes, 12u << 10);
    EXPECT_EQ(found.at(kMachine).shared_bytes, 3u * static_cast<unsigned>(::getpagesize()));
}

TEST_F(ProcessMemoryTest, AMachineThatWasStartedAnewIsFoundAgain) {
    add_process("12", kMachine.value());
    ProcessMemories memories(proc.string());
    EXPECT_EQ(memories.read(std::vector{kMachine}).size(), 1u);
    std::filesystem::remove_all(proc / "12");
    EXPECT_TRUE(memories.read(std::vector{kMachine}).empty());
    add_process("14", kMachine.value());
    const auto found = memories.read(std::vector{kMachine});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_FALSE(found.at(kMachine).shared_bytes);
}

}  // namespace
}  // namespace drover::host
