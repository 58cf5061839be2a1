#include "model/property_path.hpp"

#include <gtest/gtest.h>

#include "model/property_diff.hpp"
#include "model/test_world.hpp"

namespace drover::model {
namespace {

using namespace testing;

constexpr auto kMachine = TypeId::VirtualMachine;

std::string fault_for(std::string_view path, Release release = vim::newest_release()) {
    try {
        PropertyPath::parse(kMachine, path, release);
    } catch (const vim::Fault& fault) {
        EXPECT_EQ(fault.fault().as<vim::InvalidProperty>().name(), path);
        return std::string(vim::describe(fault.fault().dynamic_type()).name());
    }
    return "none";
}

Value read(const ManagedObject& object, std::string_view path) {
    return PropertyPath::parse(object.type(), path, vim::newest_release())
        .evaluate(object, TestReader());
}

TEST(PropertyPath, ReadsNestedPropertiesAndElements) {
    World world;
    const auto& vm = world.inventory.get(world.add_machine(1));
    EXPECT_EQ(read(vm, "name").as_string(), "machine1");
    EXPECT_EQ(read(vm, "config.hardware.numCPU").as_integer(), 2);
    EXPECT_EQ(read(vm, "config.hardware.device[2001].deviceInfo.label").as_string(),
              "Hard disk 2001");
    EXPECT_EQ(read(vm, "config.hardware.device[\"2001\"].key").as_integer(), 2001);
    EXPECT_EQ(read(vm, "config.extraConfig[\"guestinfo.a\"].value").as_string(), "one");
    EXPECT_EQ(read(vm, "config.hardware.device").elements().size(), 2U);
    EXPECT_EQ(read(world.inventory.get(world.pool), "vm[\"vm-1\"]").moref_id(), "vm-1");
}

TEST(PropertyPath, WhatIsNotThereIsUnset) {
    World world;
    const auto& vm = world.inventory.get(world.add_machine(1));
    EXPECT_FALSE(read(vm, "config.hardware.device[9].key"));
    EXPECT_FALSE(read(vm, "guest.ipAddress"));
    EXPECT_FALSE(read(vm, "config.extraConfig[\"none\"]"));
}

TEST(PropertyPath, KnowsPropertiesOfSubtypes) {
    World world;
    const auto& vm = world.inventory.get(world.add_machine(1));
    EXPECT_EQ(read(vm, "config.hardware.device[2000].backing.fileName").as_string(),
              "[store] disk2000.vmdk");
    EXPECT_EQ(read(vm, "config.hardware.device[2000].capacityInKB").as_integer(), 1024);
    EXPECT_FALSE(read(vm, "config.hardware.device[2000].macAddress"));
}

TEST(PropertyPath, RefusesWhatTheTypeDoesNotHave) {
    for (const auto* path : {"",
                             ".",
                             "nam",
                             "name.",
                             ".name",
                             "name.x",
                             "config.hardware.device.key",
                             "config.hardware.device[",
                             "config.hardware.device[]",
                             "config.hardware.device[4000",
                             "config.hardware.device[\"4000]",
                             "config.hardware.device[4000]]",
                             "name[1]",
                             "config..hardware",
                             "config.hardware.numCPU[1]",
                             "config.hardware.device[1][2]",
                             "config.hotPlugMemoryLimits",
                             "configuration",
                             "config hardware",
                             "config.hardware.device[1].nothing"}) {
        EXPECT_EQ(fault_for(path), "InvalidProperty") << path;
    }
    EXPECT_EQ(fault_for("config.hardware.device"), "none");
}

TEST(PropertyPath, IsBoundedInLengthAndSteps) {
    const std::string name(5000, 'a');
    EXPECT_EQ(fault_of([&] { PropertyPath::parse(kMachine, name, vim::newest_release()); }),
              "InvalidProperty");
    std::string deep = "snapshot.currentSnapshot";
    for (int i = 0; i < 100; ++i) deep += ".x";
    EXPECT_EQ(fault_for(deep), "InvalidProperty");
}

TEST(PropertyPath, IsGatedByRelease) {
    const auto old = *vim::find_release("2.5");
    EXPECT_EQ(fault_for("layoutEx", old), "InvalidProperty");
    EXPECT_EQ(fault_for("config.instanceUuid", old), "InvalidProperty");
    EXPECT_EQ(fault_for("config.uuid", old), "none");
    EXPECT_EQ(fault_for("layoutEx", *vim::find_release("4.0")), "none");
}

TEST(PropertyPath, KnowsItsContainer) {
    const auto path = PropertyPath::parse(kMachine, "config.hardware.device[2000].backing",
                                          vim::newest_release());
    EXPECT_TRUE(path.has_container(World::make_config(1)));
    EXPECT_FALSE(path.has_container(Value{}));
    EXPECT_FALSE(path.ends_at_element());
}

TEST(PropertyPath, WritesKeysAsTheyAreRead) {
    EXPECT_EQ(element_key(World::make_disk(2000, 1).raw()), "2000");
    auto option = vim::OptionValue::make();
    option.set_key("a\"b\\c");
    const auto key = element_key(option.raw());
    EXPECT_EQ(key, "\"a\\\"b\\\\c\"");
    auto config = vim::VirtualMachineConfigInfo::make();
    config.set_extraConfig({option});
    const auto path = PropertyPath::parse(kMachine, fmt::format("config.extraConfig[{}]", *key),
                                          vim::newest_release());
    EXPECT_TRUE(path.evaluate(config.raw()));
}

std::vector<std::string> texts(const std::vector<NestedChange>& changes) {
    std::vector<std::string> all;
    for (const auto& change : changes) {
        all.push_back(fmt::format("{} {}", vim::to_string(change.op), change.path));
    }
    return all;
}

TEST(PropertyDiff, TellsElementsApart) {
    vim::VirtualMachineConfigInfo before(World::make_config(1));
    vim::VirtualMachineConfigInfo after = before;
    auto hardware = after.hardware();
    hardware.set_numCPU(4);
    hardware.set_device({World::make_disk(2001, 4096), World::make_disk(2002, 1)});
    after.set_hardware(hardware);
    const auto changes = texts(diff("config", before.raw(), after.raw(), vim::newest_release()));
    EXPECT_EQ(changes, (std::vector<std::string>{"assign config.hardware.numCPU",
                                                 "remove config.hardware.device[2000]",
                                                 "assign config.hardware.device[2001].capacityInKB",
                                                 "add config.hardware.device[2002]"}));
}

TEST(PropertyDiff, GivesTheWholeWhereElementsMoved) {
    auto before = vim::VirtualHardware::make();
    before.set_device({World::make_disk(1, 1), World::make_disk(2, 1)});
    auto after = vim::VirtualHardware::make();
    after.set_device({World::make_disk(2, 1), World::make_disk(1, 1)});
    EXPECT_EQ(texts(diff("h", before.raw(), after.raw(), vim::newest_release())),
              std::vector<std::string>{"assign h.device"});
}

TEST(PropertyDiff, LeavesOutWhatTheReleaseDoesNotKnow) {
    vim::VirtualMachineConfigInfo before(World::make_config(1));
    vim::VirtualMachineConfigInfo after = before;
    after.set_instanceUuid("other");
    EXPECT_TRUE(diff("config", before.raw(), after.raw(), *vim::find_release("2.5")).empty());
}

}  // namespace
}  // namespace drover::model
