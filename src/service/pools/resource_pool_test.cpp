#include "service/pools/resource_pool.hpp"

#include <gtest/gtest.h>

namespace drover::service {
namespace {

vim::ResourceAllocationInfo allocation(std::int64_t reservation, std::int64_t limit,
                                       vim::SharesLevel level, std::int32_t shares = 0) {
    auto made = vim::ResourceAllocationInfo::make();
    made.set_reservation(reservation);
    made.set_expandableReservation(true);
    made.set_limit(limit);
    auto info = vim::SharesInfo::make();
    info.set_level(level);
    info.set_shares(shares);
    made.set_shares(info);
    return made;
}

vim::ResourceConfigSpec spec(const vim::ResourceAllocationInfo& cpu,
                             const vim::ResourceAllocationInfo& memory) {
    auto made = vim::ResourceConfigSpec::make();
    made.set_cpuAllocation(cpu);
    made.set_memoryAllocation(memory);
    return made;
}

std::string refused_property(const vim::ResourceConfigSpec& wanted, bool complete) {
    ResourcePool pool;
    try {
        apply_spec(pool, wanted, "spec", complete);
    } catch (const vim::Fault& fault) {
        return std::string(fault.fault().as<vim::InvalidArgument>().invalidProperty().value_or(""));
    }
    return "nothing";
}

TEST(ResourcePool, LevelsHaveTheSharesOfPools) {
    ResourcePool pool;
    apply_spec(
        pool,
        spec(allocation(0, -1, vim::SharesLevel::high), allocation(0, -1, vim::SharesLevel::low)),
        "spec", true);
    EXPECT_EQ(pool.cpu.shares().shares(), 8000);
    EXPECT_EQ(pool.memory.shares().shares(), 81920);
}

TEST(ResourcePool, ANewPoolNeedsEverythingAndAChangeNothing) {
    auto part = vim::ResourceAllocationInfo::make();
    const auto whole = allocation(0, -1, vim::SharesLevel::normal);
    EXPECT_EQ(refused_property(spec(part, whole), true), "spec.cpuAllocation.reservation");
    ResourcePool pool;
    apply_spec(pool, spec(whole, whole), "spec", true);
    part.set_limit(700);
    apply_spec(pool, spec(part, vim::ResourceAllocationInfo::make()), "spec", false);
    EXPECT_EQ(pool.cpu.limit(), 700);
    EXPECT_EQ(pool.cpu.shares().shares(), 4000);
}

TEST(ResourcePool, RefusesWhatContradictsItself) {
    const auto fine = allocation(0, -1, vim::SharesLevel::normal);
    EXPECT_EQ(refused_property(spec(fine, allocation(10, 5, vim::SharesLevel::normal)), true),
              "spec.memoryAllocation.limit");
    EXPECT_EQ(refused_property(spec(allocation(-1, -1, vim::SharesLevel::normal), fine), true),
              "spec.cpuAllocation.reservation");
    EXPECT_EQ(refused_property(spec(allocation(0, -1, vim::SharesLevel::custom, 0), fine), true),
              "spec.cpuAllocation.shares.shares");
}

TEST(ResourcePool, ComesBackFromItsRecord) {
    ResourcePool pool;
    pool.ref = {vim::TypeId::ResourcePool, "pool-7"};
    pool.name = "gold";
    pool.parent = {vim::TypeId::ResourcePool, "pool-3"};
    pool.version = 5;
    pool.modified = base::WallTime(std::chrono::seconds(1'000'000));
    apply_spec(pool,
               spec(allocation(100, 900, vim::SharesLevel::custom, 77),
                    allocation(0, -1, vim::SharesLevel::normal)),
               "spec", true);
    const ResourcePool back = pool_from_record(record_of(pool));
    EXPECT_EQ(back.ref, pool.ref);
    EXPECT_EQ(back.name, "gold");
    EXPECT_EQ(back.parent, pool.parent);
    EXPECT_EQ(back.config(), pool.config());
    auto damaged = record_of(pool);
    damaged.value = "{}";
    EXPECT_THROW(pool_from_record(damaged), std::exception);
}

TEST(ResourcePool, AnOldVersionIsRefused) {
    ResourcePool pool;
    pool.version = 2;
    auto change = vim::ResourceConfigSpec::make();
    change.set_changeVersion("1");
    EXPECT_THROW(apply_spec(pool, change, "spec", false), vim::Fault);
}

}  // namespace
}  // namespace drover::service
