#include "host/migration/convergence.hpp"

#include <gtest/gtest.h>

namespace drover::host {
namespace {

hypervisor::MigrationProgress at(std::uint32_t pass, std::uint64_t remaining, std::uint64_t dirty,
                                 std::uint64_t throughput) {
    hypervisor::MigrationProgress progress;
    progress.phase = hypervisor::MigrationPhase::copying_memory;
    progress.iteration = pass;
    progress.memory_remaining_bytes = remaining;
    progress.dirty_bytes_per_s = dirty;
    progress.throughput_bytes_per_s = throughput;
    return progress;
}

TEST(Convergence, ShrinkingPassesAreLeftAlone) {
    Convergence convergence;
    std::uint64_t remaining = 1u << 30;
    for (std::uint32_t pass = 1; pass < 12; ++pass, remaining /= 2) {
        EXPECT_FALSE(convergence.look(at(pass, remaining, 50, 100))) << pass;
    }
}

TEST(Convergence, AGuestThatWritesFasterThanTheNetworkIsSwitchedOnce) {
    Convergence convergence;
    int switched = 0;
    for (std::uint32_t pass = 1; pass < 12; ++pass) {
        if (convergence.look(at(pass, 1u << 30, 120, 100))) {
            EXPECT_GE(pass, Convergence::kLeastPasses);
            ++switched;
        }
    }
    EXPECT_EQ(switched, 1);
}

TEST(Convergence, OneBadLookIsNoReason) {
    Convergence convergence;
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(convergence.look(at(5, 1000, i % 3 == 0 ? 200 : 10, 100)));
    }
}

TEST(Convergence, ThereIsAnEnd) {
    Convergence convergence;
    bool switched = false;
    std::uint64_t remaining = 1u << 30;
    for (std::uint32_t pass = 1; pass <= Convergence::kMostPasses; ++pass) {
        switched = convergence.look(at(pass, remaining -= 1000, 0, 0));
    }
    EXPECT_TRUE(switched);
}

TEST(Convergence, OtherPhasesDoNotCount) {
    Convergence convergence;
    auto progress = at(40, 1000, 200, 100);
    progress.phase = hypervisor::MigrationPhase::copying_disks;
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(convergence.look(progress));
}

}  // namespace
}  // namespace drover::host
