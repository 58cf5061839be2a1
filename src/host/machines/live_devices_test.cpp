#include "host/machines/live_devices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drover::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Operation = vim::VirtualDeviceConfigSpecOperation;

vim::VirtualDeviceConnectInfo connect_info(bool connected, bool start_connected) {
    auto made = vim::VirtualDeviceConnectInfo::make();
    made.set_connected(connected);
    made.set_startConnected(start_connected);
    made.set_allowGuestControl(true);
    return made;
}

vim::VirtualCdrom cdrom(std::int32_t key, std::int32_t controller, std::int32_t unit,
                        bool connected, std::string_view iso = "[ds] a.iso") {
    auto backing = vim::VirtualCdromIsoBackingInfo::make();
    backing.set_fileName(iso);
    auto made = vim::VirtualCdrom::make();
    made.set_key(key);
    made.set_controllerKey(controller);
    made.set_unitNumber(unit);
    made.set_backing(backing);
    made.set_connectable(connect_info(connected, true));
    return made;
}

vim::VirtualVmxnet3 card(std::int32_t key, bool connected) {
    auto made = vim::VirtualVmxnet3::make();
    made.set_key(key);
    made.set_macAddress("00:50:56:00:00:01");
    made.set_connectable(connect_info(connected, false));
    return made;
}

vim::VirtualMachineConfigInfo config_of(const std::vector<vim::VirtualDevice>& devices) {
    auto hardware = vim::VirtualHardware::make();
    hardware.set_device(devices);
    auto config = vim::VirtualMachineConfigInfo::make();
    config.set_hardware(hardware);
    return config;
}

vim::VirtualMachineConfigSpec edit(const vim::VirtualDevice& device,
                                   Operation operation = Operation::edit) {
    auto change = vim::VirtualDeviceConfigSpec::make();
    change.set_operation(operation);
    change.set_device(device);
    auto spec = vim::VirtualMachineConfigSpec::make();
    spec.set_deviceChange({change});
    return spec;
}

TEST(LiveDevices, ADriveGetsItsMediumAtItsPlace) {
    const auto drive = cdrom(16000, 15000, 2, true);
    const auto changes = live_changes(edit(drive), config_of({drive}), {});
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].key, 16000);
    EXPECT_TRUE(changes[0].connected);
    EXPECT_EQ(changes[0].media, "[ds] a.iso");
    EXPECT_EQ(changes[0].mac, "");
    hypervisor::DiskSpec place;
    place.device = hypervisor::DiskDevice::cdrom;
    place.bus = hypervisor::DiskBus::sata;
    place.unit = 2;
    EXPECT_EQ(changes[0].target, hypervisor::disk_target(place));
}

TEST(LiveDevices, DrivesAtEveryBusHaveTargetsOfTheirOwn) {
    std::set<std::string> targets;
    for (const auto& [controller, unit] :
         std::vector<std::pair<std::int32_t, std::int32_t>>{{200, 0},
                                                            {200, 1},
                                                            {201, 0},
                                                            {201, 1},
                                                            {1000, 0},
                                                            {1000, 3},
                                                            {15000, 0},
                                                            {15000, 1}}) {
        const auto drive = cdrom(3000, controller, unit, true);
        const auto changes = live_changes(edit(drive), config_of({drive}), {});
        ASSERT_EQ(changes.size(), 1u);
        EXPECT_NE(changes[0].target, "");
        EXPECT_TRUE(targets.insert(changes[0].target).second) << controller << ":" << unit;
    }
}

TEST(LiveDevices, ADriveThatIsDisconnectedIsEmptied) {
    const auto drive = cdrom(16000, 15000, 0, false);
    const auto changes = live_changes(edit(drive), config_of({drive}), {16000});
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_FALSE(changes[0].connected);
    EXPECT_EQ(changes[0].media, "");
}

TEST(LiveDevices, AChangeThatIsSilentAboutTheConnectionKeepsIt) {
    auto asked = cdrom(16000, 15000, 0, true);
    asked.clear_connectable();
    const auto config = config_of({cdrom(16000, 15000, 0, true, "[ds] new.iso")});
    EXPECT_EQ(live_changes(edit(asked), config, {16000}).at(0).media, "[ds] new.iso");
    EXPECT_EQ(live_changes(edit(asked), config, {}).at(0).media, "");
}

TEST(LiveDevices, ACardIsKnownByItsAddress) {
    const auto nic = card(4000, false);
    const auto changes = live_changes(edit(nic), config_of({nic}), {4000});
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].mac, "00:50:56:00:00:01");
    EXPECT_FALSE(changes[0].connected);
}

TEST(LiveDevices, NothingElseIsALiveChange) {
    const auto nic = card(4000, true);
    auto disk = vim::VirtualDisk::make();
    disk.set_key(2000);
    EXPECT_THAT(live_changes(edit(nic, Operation::add), config_of({nic}), {}), IsEmpty());
    EXPECT_THAT(live_changes(edit(nic, Operation::remove), config_of({nic}), {}), IsEmpty());
    EXPECT_THAT(live_changes(edit(nic), config_of({}), {}), IsEmpty());
    EXPECT_THAT(live_changes(edit(disk), config_of({disk}), {}), IsEmpty());
    EXPECT_THAT(live_changes(vim::VirtualMachineConfigSpec::make(), config_of({nic}), {}),
                IsEmpty());
}

TEST(LiveDevices, WhatIsConnectedAtTheStart) {
    EXPECT_THAT(connected_at_start(config_of({cdrom(16000, 15000, 0, false), card(4000, true)})),
                ElementsAre(16000));
}

TEST(PlugPlan, NamesWhatComesAndWhatGoes) {
    const auto disk = [](std::int32_t unit, std::string_view file) {
        auto backing = vim::VirtualDiskFlatVer2BackingInfo::make();
        backing.set_fileName(file);
        auto made = vim::VirtualDisk::make();
        made.set_key(2000 + unit);
        made.set_controllerKey(1000);
        made.set_unitNumber(unit);
        made.set_backing(backing);
        return made;
    };
    auto card = vim::VirtualVmxnet3::make();
    card.set_key(4000);
    card.set_macAddress("00:50:56:01:02:03");
    const auto config = [](std::vector<vim::VirtualDevice> devices) {
        auto hardware = vim::VirtualHardware::make();
        hardware.set_device(devices);
        auto made = vim::VirtualMachineConfigInfo::make();
        made.set_hardware(hardware);
        return made;
    };
    const auto plan = plug_plan(config({disk(0, "[a] a.vmdk"), disk(1, "[a] b.vmdk"), card}),
                                config({disk(0, "[a] a.vmdk"), disk(1, "[a] c.vmdk")}));
    EXPECT_EQ(plan.in, (std::vector<Plug>{{false, "sdb"}}));
    EXPECT_EQ(plan.out, (std::vector<Plug>{{false, "sdb"}, {true, "00:50:56:01:02:03"}}));
}

}  // namespace
}  // namespace drover::host
