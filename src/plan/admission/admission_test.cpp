#include "plan/admission/admission.hpp"

#include <gtest/gtest.h>

namespace drover::plan {
namespace {

// The cluster has 10 GHz: prod (4 GHz, may expand) with db (1 GHz, may not) below it.
Snapshot small_cluster() {
    Snapshot snapshot;
    snapshot.hosts.push_back({.name = "a", .cpu_mhz = 10000, .memory_bytes = 1000});
    Allocation closed{.reservation = 1000, .expandable = false};
    snapshot.pools = {{.name = "prod", .cpu = {.reservation = 4000}},
                      {.name = "db", .parent = 0, .cpu = closed}};
    return snapshot;
}

Machine running_in(PoolIndex pool, double reservation) {
    Machine machine;
    machine.host = 0;
    machine.pool = pool;
    machine.cpu.reservation = reservation;
    return machine;
}

TEST(Admission, names_the_pool_that_may_not_expand) {
    const auto snapshot = small_cluster();
    EXPECT_FALSE(admit(snapshot, 1, {.cpu_mhz = 1000}));
    const auto refused = admit(snapshot, 1, {.cpu_mhz = 1001});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->where, "db");
    EXPECT_EQ(refused->resource, Resource::cpu);
    EXPECT_EQ(refused->unreserved, 1000);
}

TEST(Admission, borrows_up_to_what_the_cluster_has) {
    auto snapshot = small_cluster();
    // prod has promised 1000 to db; 9000 more is all that there is.
    EXPECT_FALSE(admit(snapshot, 0, {.cpu_mhz = 9000}));
    EXPECT_EQ(admit(snapshot, 0, {.cpu_mhz = 9001})->where, "the cluster");
    snapshot.pools[0].cpu.limit = 5000;
    EXPECT_FALSE(admit(snapshot, 0, {.cpu_mhz = 4000}));
    EXPECT_EQ(admit(snapshot, 0, {.cpu_mhz = 4001})->where, "prod");
}

TEST(Admission, counts_machines_that_run_and_their_overhead) {
    auto snapshot = small_cluster();
    snapshot.machines.push_back(running_in(0, 2500));
    EXPECT_EQ(reserved_in(snapshot, Resource::cpu, 0), 3500);
    EXPECT_EQ(reserved_in(snapshot, Resource::cpu, kNone), 4000);
    snapshot.machines[0].memory_overhead_bytes = 200;
    EXPECT_EQ(admit(snapshot, kNone, {.memory_bytes = 801})->resource, Resource::memory);
    EXPECT_FALSE(admit(snapshot, kNone, {.memory_bytes = 800}));
    snapshot.machines[0].host = kNone;
    EXPECT_EQ(reserved_in(snapshot, Resource::cpu, 0), 1000);
}

TEST(Admission, checks_changes_of_pools) {
    auto snapshot = small_cluster();
    snapshot.machines.push_back(running_in(1, 800));
    Allocation lower{.reservation = 700, .expandable = false};
    EXPECT_EQ(admit_pool_change(snapshot, 1, lower, {})->where, "db");
    lower.reservation = 800;
    EXPECT_FALSE(admit_pool_change(snapshot, 1, lower, {}));
    EXPECT_FALSE(admit_pool_change(snapshot, 0, {.reservation = 10000}, {}));
    EXPECT_EQ(admit_pool_change(snapshot, 0, {.reservation = 10001}, {})->where, "the cluster");
    EXPECT_FALSE(admit_new_pool(snapshot, kNone, {.reservation = 6000}, {}));
    EXPECT_TRUE(admit_new_pool(snapshot, kNone, {.reservation = 6001}, {}));
}

}  // namespace
}  // namespace drover::plan
