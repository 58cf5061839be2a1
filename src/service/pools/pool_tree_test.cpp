#include "service/pools/pool_tree.hpp"

#include <gtest/gtest.h>

namespace drover::service {
namespace {

PoolNode pool(std::string key, std::string parent, Allocation allocation) {
    return {std::move(key), std::move(parent), false, allocation, 0};
}

PoolNode machine(std::string key, std::string parent, Allocation allocation,
                 std::int64_t demand = 0) {
    return {std::move(key), std::move(parent), true, allocation, demand};
}

TEST(PoolTree, WeighsMachinesByTheirOwnSharesWhereThereAreNoPools) {
    const PoolTree tree({pool("root", "", {8000, 8000, 0, false}),
                         machine("a", "root", {0, -1, 1000}), machine("b", "root", {0, -1, 3000})});
    const auto weights = tree.weights();
    EXPECT_DOUBLE_EQ(weights.at("a"), 1000);
    EXPECT_DOUBLE_EQ(weights.at("b"), 3000);
}

TEST(PoolTree, DividesAPoolsSharesAmongItsMachines) {
    const PoolTree tree(
        {pool("root", "", {8000, 8000, 0, false}), pool("p", "root", {0, -1, 2000, true}),
         pool("idle", "root", {0, -1, 9000, true}), machine("a", "root", {0, -1, 2000}),
         machine("b", "p", {0, -1, 1000}), machine("c", "p", {0, -1, 3000})});
    const auto weights = tree.weights();
    EXPECT_DOUBLE_EQ(weights.at("a"), 2000);
    EXPECT_DOUBLE_EQ(weights.at("b"), 500);
    EXPECT_DOUBLE_EQ(weights.at("c"), 1500);
}

TEST(PoolTree, TakesReservationsFromAboveOnlyWhereAPoolMayGrow) {
    const PoolTree tree(
        {pool("root", "", {8000, 8000, 0, false}), pool("fixed", "root", {1000, -1, 1, false}),
         pool("grows", "root", {1000, -1, 1, true}), pool("capped", "root", {0, 500, 1, true}),
         machine("a", "fixed", {600, -1, 1})});
    EXPECT_EQ(tree.missing_for("fixed", 400), 0);
    EXPECT_EQ(tree.missing_for("fixed", 500), 100);
    EXPECT_EQ(tree.missing_for("grows", 7000), 0);
    EXPECT_EQ(tree.missing_for("grows", 7001), 1);
    EXPECT_EQ(tree.missing_for("capped", 501), 1);
    const auto use = tree.use_of("root");
    EXPECT_EQ(use.reservation_used, 2000);
    EXPECT_EQ(use.unreserved_for_pool, 6000);
    EXPECT_EQ(tree.use_of("grows").unreserved_for_machine, 7000);
    EXPECT_EQ(tree.use_of("fixed").reservation_used_by_machines, 600);
    EXPECT_EQ(tree.use_of("capped").most, 500);
}

TEST(PoolTree, DividesALimitByDemandThenByWeight) {
    EXPECT_EQ(divide(1000, {1, 1}, {2000, 2000}), (std::vector<std::int64_t>{500, 500}));
    EXPECT_EQ(divide(1000, {1, 1}, {100, 2000}), (std::vector<std::int64_t>{100, 900}));
    EXPECT_EQ(divide(1000, {1, 3}, {0, 0}), (std::vector<std::int64_t>{250, 750}));
    EXPECT_EQ(divide(0, {1, 1}, {5, 5}), (std::vector<std::int64_t>{0, 0}));
    EXPECT_TRUE(divide(1000, {}, {}).empty());
}

TEST(PoolTree, TheNarrowestLimitCounts) {
    const PoolTree tree(
        {pool("root", "", {8000, 8000, 0, false}), pool("p", "root", {0, 1000, 1, true}),
         pool("q", "p", {0, 400, 1, true}), machine("a", "p", {0, 300, 1000}, 900),
         machine("b", "q", {0, -1, 1000}, 900), machine("free", "root", {0, -1, 1000})});
    const auto limits = tree.limits();
    EXPECT_EQ(limits.at("a"), 300);
    EXPECT_EQ(limits.at("b"), 400);
    EXPECT_FALSE(limits.contains("free"));
}

}  // namespace
}  // namespace drover::service
