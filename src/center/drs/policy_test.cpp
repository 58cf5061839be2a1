#include "center/drs/policy.hpp"

#include <gtest/gtest.h>

#include "center/tree/cluster_config.hpp"

namespace drover::center {
namespace {

using vim::MoRef;
using vim::TypeId;

vim::ClusterConfigInfoEx config(vim::DrsBehavior behaviour, std::int32_t rate) {
    auto all = default_cluster_config();
    auto drs = all.drsConfig();
    drs.set_enabled(true);
    drs.set_defaultVmBehavior(behaviour);
    drs.set_vmotionRate(rate);
    all.set_drsConfig(drs);
    return all;
}

TEST(DrsPolicy, IsOffUnlessSwitchedOn) {
    EXPECT_FALSE(drs_policy({}).enabled);
    EXPECT_FALSE(drs_policy(default_cluster_config().raw()).enabled);
    EXPECT_FALSE(drs_policy(default_cluster_config().raw()).places("vm-1"));
}

TEST(DrsPolicy, CountsTheThresholdTheOtherWayRound) {
    EXPECT_EQ(drs_policy(config(vim::DrsBehavior::manual, 1).raw()).threshold, 5);
    EXPECT_EQ(drs_policy(config(vim::DrsBehavior::manual, 3).raw()).threshold, 3);
    EXPECT_EQ(drs_policy(config(vim::DrsBehavior::manual, 5).raw()).threshold, 1);
}

TEST(DrsPolicy, PlacesButDoesNotMoveWhatIsPartiallyAutomated) {
    const auto policy = drs_policy(config(vim::DrsBehavior::partiallyAutomated, 3).raw());
    EXPECT_TRUE(policy.places("vm-1"));
    EXPECT_EQ(policy.movability_of("vm-1"), plan::Movability::recommend);
}

TEST(DrsPolicy, LetsMachinesDiffer) {
    auto all = config(vim::DrsBehavior::fullyAutomated, 3);
    auto manual = vim::ClusterDrsVmConfigInfo::make();
    manual.set_key({TypeId::VirtualMachine, "vm-1"});
    manual.set_enabled(true);
    manual.set_behavior(vim::DrsBehavior::manual);
    auto none = vim::ClusterDrsVmConfigInfo::make();
    none.set_key({TypeId::VirtualMachine, "vm-2"});
    none.set_enabled(false);
    all.set_drsVmConfig({manual, none});
    const auto policy = drs_policy(all.raw());
    EXPECT_EQ(policy.movability_of("vm-1"), plan::Movability::recommend);
    EXPECT_EQ(policy.movability_of("vm-2"), plan::Movability::disabled);
    EXPECT_EQ(policy.movability_of("vm-3"), plan::Movability::automatic);
    EXPECT_FALSE(policy.places("vm-1"));
    EXPECT_FALSE(policy.places("vm-2"));
    EXPECT_TRUE(policy.places("vm-3"));
    // Unless the administrator switched the differences off.
    auto drs = all.drsConfig();
    drs.set_enableVmBehaviorOverrides(false);
    all.set_drsConfig(drs);
    EXPECT_TRUE(drs_policy(all.raw()).places("vm-1"));
}

}  // namespace
}  // namespace drover::center
