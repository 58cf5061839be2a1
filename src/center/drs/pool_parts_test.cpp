#include "center/drs/pool_parts.hpp"

#include <gtest/gtest.h>

namespace drover::center {
namespace {

using vim::MoRef;
using vim::TypeId;

constexpr double kMebibyte = 1 << 20;

plan::Host host(double cpu_mhz) {
    plan::Host made;
    made.cpu_mhz = cpu_mhz;
    made.memory_bytes = 4096 * kMebibyte;
    return made;
}

plan::Machine machine(plan::HostIndex at, plan::PoolIndex pool, double demand_mhz) {
    plan::Machine made;
    made.host = at;
    made.pool = pool;
    made.cpu_demand_mhz = demand_mhz;
    made.memory_configured_bytes = 256 * kMebibyte;
    made.memory_demand_bytes = 128 * kMebibyte;
    return made;
}

plan::Pool pool(double shares) {
    plan::Pool made;
    made.cpu.shares = shares;
    return made;
}

ClusterView view(std::vector<plan::Host> hosts, std::vector<plan::Pool> pools,
                 std::vector<plan::Machine> machines) {
    ClusterView made;
    made.snapshot.hosts = std::move(hosts);
    made.snapshot.pools = std::move(pools);
    made.snapshot.machines = std::move(machines);
    for (std::size_t at = 0; at < made.snapshot.machines.size(); ++at) {
        made.machines.push_back({TypeId::VirtualMachine, "vm-" + std::to_string(at)});
    }
    return made;
}

TEST(PoolParts, AreNoneWithoutPools) {
    EXPECT_TRUE(pool_parts(view({host(2000)}, {}, {machine(0, plan::kNone, 500)}), 0).empty());
}

TEST(PoolParts, WeighMachinesAsTheirPoolsAreWeighed) {
    // Three machines to one, but their pool has only twice the shares.
    const auto parts =
        pool_parts(view({host(3000)}, {pool(8000), pool(4000)},
                        {machine(0, 0, 0), machine(0, 0, 0), machine(0, 0, 0), machine(0, 1, 0)}),
                   0);
    ASSERT_EQ(parts.size(), 4u);
    const auto shares = [&](std::size_t at) {
        return static_cast<double>(parts[at].second.cpu_shares);
    };
    EXPECT_NEAR(shares(3) / shares(0), 1.5, 0.01);
    EXPECT_EQ(parts[0].second.cpu_limit_mhz, -1);
}

TEST(PoolParts, AReservationIsPromisedWhateverTheShares) {
    auto promised = pool(1000);
    promised.cpu.reservation = 2000;
    auto one = machine(0, 0, 100);
    one.cpu.reservation = 2000;
    const auto parts =
        pool_parts(view({host(3000)}, {promised, pool(8000)}, {one, machine(0, 1, 3000)}), 0);
    EXPECT_GE(parts[0].second.cpu_shares, 66'000);
}

TEST(PoolParts, DivideALimitAmongHostsByWhatRunsThere) {
    auto limited = pool(4000);
    limited.cpu.limit = 1000;
    const auto all =
        view({host(2000), host(2000)}, {limited}, {machine(0, 0, 900), machine(1, 0, 300)});
    const auto here = pool_parts(all, 0);
    const auto there = pool_parts(all, 1);
    ASSERT_EQ(here.size(), 1u);
    ASSERT_EQ(there.size(), 1u);
    EXPECT_NEAR(static_cast<double>(here[0].second.cpu_limit_mhz), 750, 150);
    EXPECT_NEAR(static_cast<double>(there[0].second.cpu_limit_mhz), 250, 150);
}

}  // namespace
}  // namespace drover::center
