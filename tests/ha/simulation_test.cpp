// The product's state machine in five hundred worlds: 0 violations.

#include <gtest/gtest.h>

#include "world.hpp"

namespace drover::ha::sim {
namespace {

constexpr std::uint64_t kSeeds = 500;

TEST(HaSimulation, holds_in_every_world) {
    World::Counts counts;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const auto outcome = run_seed(seed, AdapterFault::none, false);
        ASSERT_EQ(outcome.violation, "")
            << "seed " << seed << " (" << outcome.kind << "); see it with ha_sim --first " << seed
            << " --count 1 --trace";
        counts.add(outcome.counts);
    }
    // That the worlds were worth it.
    EXPECT_GT(counts.faults, 1000);
    EXPECT_GT(counts.takes, 1000);
    EXPECT_GT(counts.resumes, 500);
    EXPECT_GT(counts.handed_over, 100);
    EXPECT_GT(counts.declined, 20);
    EXPECT_GT(counts.rejected, 10);
    EXPECT_GT(counts.resets, 10);
    EXPECT_GT(counts.powered_off, 50);
}

TEST(HaSimulation, repeats_for_a_seed) {
    for (const std::uint64_t seed : {1U, 14U, 29U}) {
        const auto one = run_seed(seed, AdapterFault::none, false);
        const auto two = run_seed(seed, AdapterFault::none, false);
        EXPECT_EQ(one.counts.events, two.counts.events);
        EXPECT_EQ(one.counts.writes, two.counts.writes);
    }
}

}  // namespace
}  // namespace drover::ha::sim
