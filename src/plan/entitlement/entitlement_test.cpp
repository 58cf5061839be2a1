#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <numeric>

#include "plan/entitlement/demand.hpp"
#include "plan/entitlement/divvy.hpp"

namespace drover::plan {
namespace {

std::vector<Claim> random_claims() {
    return *rc::gen::nonEmpty(rc::gen::container<std::vector<Claim>>(
        rc::gen::map(rc::gen::tuple(rc::gen::inRange(0, 500), rc::gen::inRange(0, 3000),
                                    rc::gen::inRange(1, 5000), rc::gen::inRange(0, 2000)),
                     [](const std::tuple<int, int, int, int>& values) {
                         const auto [reservation, limit, shares, demand] = values;
                         return Claim{static_cast<double>(std::min(reservation, limit)),
                                      limit > 2500 ? kUnlimited : limit,
                                      static_cast<double>(shares), static_cast<double>(demand)};
                     })));
}

double sum_of(const std::vector<double>& parts) {
    return std::accumulate(parts.begin(), parts.end(), 0.0);
}

double wanted(const Claim& claim) {
    return std::min(claim.limit, claim.demand);
}

TEST(Divvy, gives_by_shares_what_is_not_reserved) {
    const std::vector<Claim> claims{{.shares = 1000, .demand = 9000},
                                    {.shares = 2000, .demand = 9000}};
    EXPECT_EQ(divvy(6000, claims), (std::vector<double>{2000, 4000}));
}

TEST(Divvy, keeps_reservations_and_limits) {
    const std::vector<Claim> claims{{.reservation = 3000, .shares = 1, .demand = 9000},
                                    {.limit = 500, .shares = 9999, .demand = 9000},
                                    {.shares = 1000, .demand = 9000}};
    const auto parts = divvy(4000, claims);
    EXPECT_NEAR(parts[0], 3000, 1e-6);
    EXPECT_NEAR(parts[1], 500, 1e-6);
    EXPECT_NEAR(parts[2], 500, 1e-6);
}

TEST(Divvy, lends_reservations_that_nobody_demands) {
    const std::vector<Claim> claims{{.reservation = 3000, .demand = 100}, {.demand = 9000}};
    EXPECT_EQ(divvy(4000, claims), (std::vector<double>{100, 3900}));
}

TEST(Divvy, properties_hold_for_random_claims) {
    EXPECT_TRUE(rc::check("sum, bounds, work conservation", [] {
        const auto claims = random_claims();
        const double capacity = *rc::gen::inRange(0, 20000);
        const auto parts = divvy(capacity, claims);
        double wants = 0;
        double floors = 0;
        for (const auto& claim : claims) {
            wants += wanted(claim);
            floors += std::min(claim.reservation, wanted(claim));
        }
        RC_ASSERT(sum_of(parts) <= capacity + 1e-6);
        RC_ASSERT(sum_of(parts) >= std::min(capacity, wants) - 1e-6);
        for (std::size_t at = 0; at < claims.size(); ++at) {
            RC_ASSERT(parts[at] <= wanted(claims[at]) + 1e-6);
            if (floors <= capacity) {
                RC_ASSERT(parts[at] >= std::min(claims[at].reservation, wanted(claims[at])) - 1e-6);
            }
        }
    }));
    EXPECT_TRUE(rc::check("more shares never give less", [] {
        auto claims = random_claims();
        const double capacity = *rc::gen::inRange(0, 20000);
        const auto which = *rc::gen::inRange<std::size_t>(0, claims.size());
        const double before = divvy(capacity, claims)[which];
        claims[which].shares *= *rc::gen::inRange(1, 20);
        RC_ASSERT(divvy(capacity, claims)[which] >= before - 1e-6);
    }));
    EXPECT_TRUE(rc::check("the order does not matter", [] {
        auto claims = random_claims();
        const double capacity = *rc::gen::inRange(0, 20000);
        auto there = divvy(capacity, claims);
        std::ranges::reverse(claims);
        const auto back = divvy(capacity, claims);
        std::ranges::reverse(there);
        for (std::size_t at = 0; at < back.size(); ++at)
            RC_ASSERT(std::abs(there[at] - back[at]) < 1e-6);
    }));
}

Machine running(PoolIndex pool, double demand, double shares, double reservation = 0) {
    Machine machine;
    machine.host = 0;
    machine.pool = pool;
    machine.cpu_demand_mhz = demand;
    machine.cpu.shares = shares;
    machine.cpu.reservation = reservation;
    return machine;
}

TEST(Entitlement, follows_the_shares_of_nested_pools) {
    Snapshot snapshot;
    snapshot.hosts.push_back({.name = "a", .cpu_mhz = 9000});
    snapshot.pools = {{.name = "prod", .cpu = {.shares = 2000}},
                      {.name = "test", .cpu = {.shares = 1000}},
                      {.name = "db", .parent = 0, .cpu = {.shares = 3000}}};
    snapshot.machines = {running(0, 9000, 1000), running(2, 9000, 1000), running(1, 500, 1000),
                         running(1, 9000, 1000)};
    const auto got = entitle_cpu(snapshot, cpu_capacity(snapshot));
    EXPECT_NEAR(got.pools[0], 6000, 1e-6);
    EXPECT_NEAR(got.machines[0], 1500, 1e-6);
    EXPECT_NEAR(got.machines[1], 4500, 1e-6);
    EXPECT_NEAR(got.machines[2], 500, 1e-6);
    EXPECT_NEAR(got.machines[3], 2500, 1e-6);
}

TEST(Entitlement, keeps_a_reservation_borrowed_from_the_parent) {
    Snapshot snapshot;
    snapshot.hosts.push_back({.name = "a", .cpu_mhz = 4000});
    snapshot.pools = {{.name = "small", .cpu = {.shares = 1}}};
    snapshot.machines = {running(0, 3000, 1000, 2500), running(kNone, 4000, 100000)};
    const auto got = entitle_cpu(snapshot, 4000);
    EXPECT_NEAR(got.machines[0], 2500, 1);
    EXPECT_NEAR(got.machines[1], 1500, 1);
}

TEST(Entitlement, counts_overhead_as_reserved) {
    Snapshot snapshot;
    Machine machine;
    machine.host = 0;
    machine.memory_overhead_bytes = 100;
    machine.memory_demand_bytes = 1000;
    snapshot.machines = {machine, machine};
    snapshot.machines[1].memory.shares = 1e9;
    const auto got = entitle_memory(snapshot, 1000);
    EXPECT_GE(got.machines[0], 100 - 1e-6);
    EXPECT_NEAR(got.machines[0] + got.machines[1], 1000, 1e-6);
}

TEST(Demand, adds_what_it_would_have_used_while_it_waited) {
    // Half of the time it ran, a quarter it waited, a quarter it slept.
    EXPECT_NEAR(cpu_demand_mhz({.used_mhz = 1000,
                                .run_ms = 500,
                                .ready_ms = 250,
                                .interval_ms = 1000,
                                .vcpus = 1,
                                .core_mhz = 2000}),
                1000 + 0.25 * 2000 * (500.0 / 750.0), 1e-9);
    EXPECT_EQ(cpu_demand_mhz({.used_mhz = 1000,
                              .run_ms = 1000,
                              .ready_ms = 0,
                              .interval_ms = 1000,
                              .vcpus = 1,
                              .core_mhz = 1000}),
              1000);
    EXPECT_EQ(memory_demand_bytes(100, 500), 200);
    EXPECT_EQ(memory_demand_bytes(100, 50), 100);
}

}  // namespace
}  // namespace drover::plan
