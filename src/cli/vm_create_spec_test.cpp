#include "cli/vm_create_spec.hpp"

#include <gtest/gtest.h>

#include <set>

#include "cli/vm.hpp"

namespace drover::cli {
namespace {

NewMachine machine() {
    NewMachine out;
    out.name = "web1";
    out.datastore = "ds";
    out.memory_bytes = 1LL << 30;
    return out;
}

std::vector<vim::VirtualDeviceConfigSpec> changes_of(const NewMachine& wanted) {
    return make_spec(wanted).deviceChange().to_vector();
}

template <class T>
std::vector<T> added(const std::vector<vim::VirtualDeviceConfigSpec>& changes) {
    std::vector<T> out;
    for (const auto& change : changes) {
        EXPECT_EQ(change.operation(), vim::VirtualDeviceConfigSpecOperation::add);
        if (change.device().is<T>()) out.push_back(change.device().as<T>());
    }
    return out;
}

TEST(MakeSpec, SaysTheBasics) {
    const auto spec = make_spec(machine());
    EXPECT_EQ(spec.name(), "web1");
    EXPECT_EQ(spec.files().vmPathName(), "[ds]");
    EXPECT_EQ(spec.memoryMB(), 1024);
    EXPECT_EQ(spec.numCPUs(), 1);
    EXPECT_EQ(spec.firmware(), "bios");
    EXPECT_TRUE(spec.deviceChange().empty());
}

TEST(MakeSpec, PutsDisksOnOneControllerAroundItsOwnUnit) {
    auto wanted = machine();
    for (int i = 0; i < 9; ++i) wanted.disks.push_back(parse_disk(i == 0 ? "1G,thick" : "2G"));
    const auto changes = changes_of(wanted);
    const auto disks = added<vim::VirtualDisk>(changes);
    const auto controllers = added<vim::ParaVirtualSCSIController>(changes);
    ASSERT_EQ(controllers.size(), 1u);
    ASSERT_EQ(disks.size(), 9u);
    std::set<std::int32_t> keys{controllers[0].key()};
    std::set<std::int32_t> units;
    for (const auto& disk : disks) {
        keys.insert(disk.key());
        units.insert(disk.unitNumber().value_or(-1));
        EXPECT_EQ(disk.controllerKey(), controllers[0].key());
    }
    EXPECT_EQ(keys.size(), 10u);
    EXPECT_EQ(units, (std::set<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 8, 9}));
    EXPECT_EQ(disks[0].capacityInKB(), 1 << 20);
    const auto backing = disks[0].backing().as<vim::VirtualDiskFlatVer2BackingInfo>();
    EXPECT_EQ(backing.thinProvisioned(), false);
    EXPECT_EQ(backing.fileName(), "[ds]");
    wanted.disks.resize(16, parse_disk("1G"));
    EXPECT_THROW(make_spec(wanted), UsageError);
}

TEST(MakeSpec, LinksToTheBaseDisk) {
    auto wanted = machine();
    wanted.base = BaseDisk{{"ds", "demo/demo.vmdk"}, 64 << 20};
    const auto changes = changes_of(wanted);
    const auto disks = added<vim::VirtualDisk>(changes);
    ASSERT_EQ(disks.size(), 1u);
    const auto backing = disks[0].backing().as<vim::VirtualDiskFlatVer2BackingInfo>();
    EXPECT_EQ(backing.parent().fileName(), "[ds] demo/demo.vmdk");
    EXPECT_EQ(disks[0].capacityInKB(), 64 << 10);
    EXPECT_EQ(changes.back().fileOperation(), vim::VirtualDeviceConfigSpecFileOperation::create);
}

TEST(MakeSpec, AddsDrivesCardsAndPorts) {
    auto wanted = machine();
    wanted.isos = {"[ds] iso/a.iso", "[ds] iso/b.iso", "[ds] iso/c.iso"};
    wanted.nics = {parse_nic("VM Network"), parse_nic("Lab,e1000,00:50:56:00:00:01")};
    wanted.serial_ports = {"file", "boot.txt", "[ds] x/y.txt", "telnet://:4555"};
    const auto changes = changes_of(wanted);
    const auto drives = added<vim::VirtualCdrom>(changes);
    ASSERT_EQ(drives.size(), 3u);
    EXPECT_EQ(drives[1].controllerKey(), 200);
    EXPECT_EQ(drives[2].controllerKey(), 201);
    EXPECT_EQ(file_of(drives[0]), "[ds] iso/a.iso");
    ASSERT_EQ(added<vim::VirtualVmxnet3>(changes).size(), 1u);
    const auto cards = added<vim::VirtualE1000>(changes);
    ASSERT_EQ(cards.size(), 1u);
    EXPECT_EQ(cards[0].macAddress(), "00:50:56:00:00:01");
    EXPECT_EQ(cards[0].addressType(), "manual");
    const auto ports = added<vim::VirtualSerialPort>(changes);
    ASSERT_EQ(ports.size(), 4u);
    EXPECT_EQ(file_of(ports[0]), "[ds] web1/serial.log");
    EXPECT_EQ(file_of(ports[1]), "[ds] web1/boot.txt");
    EXPECT_EQ(file_of(ports[2]), "[ds] x/y.txt");
    EXPECT_EQ(ports[3].backing().as<vim::VirtualSerialPortURIBackingInfo>().serviceURI(),
              "telnet://:4555");
}

TEST(MakeSpec, RefusesWhatNoMachineCanHave) {
    auto wanted = machine();
    wanted.name = "";
    EXPECT_THROW(make_spec(wanted), UsageError);
    wanted = machine();
    wanted.memory_bytes = 1 << 20;
    EXPECT_THROW(make_spec(wanted), UsageError);
    wanted = machine();
    wanted.isos = {"a.iso"};
    EXPECT_THROW(make_spec(wanted), UsageError);
    wanted = machine();
    wanted.serial_ports = {"../x"};
    EXPECT_THROW(make_spec(wanted), UsageError);
    EXPECT_THROW(parse_firmware("coreboot"), UsageError);
    EXPECT_EQ(parse_firmware("uefi"), "efi");
}

TEST(ChooseDevice, TakesLabelNumberOrKey) {
    auto first = vim::VirtualDevice(new_disk(2000, 1000, 0, "[ds] a.vmdk", {}).raw());
    auto info = vim::Description::make();
    info.set_label("Hard disk 1");
    info.set_summary("");
    first.set_deviceInfo(info);
    const auto second = vim::VirtualDevice(new_disk(2001, 1000, 1, "[ds] b.vmdk", {}).raw());
    const std::vector<vim::VirtualDevice> disks{first, second};
    EXPECT_EQ(choose_device("disk", disks, "Hard disk 1"), 0u);
    EXPECT_EQ(choose_device("disk", disks, "2"), 1u);
    EXPECT_EQ(choose_device("disk", disks, "2001"), 1u);
    EXPECT_THROW(choose_device("disk", disks, "3"), client::LookupError);
    EXPECT_THROW(choose_device("disk", {}, "1"), client::LookupError);
}

TEST(FreeDiskPlace, SkipsTheControllersOwnUnitAndFullControllers) {
    std::vector<vim::VirtualDevice> devices{new_controller(1000, 0)};
    for (int i = 0; i < 15; ++i) {
        const auto place = free_disk_place(devices);
        ASSERT_TRUE(place);
        EXPECT_NE(place->unit, 7);
        devices.emplace_back(
            new_disk(2000 + i, place->controller_key, place->unit, "[ds] x.vmdk", {}).raw());
    }
    EXPECT_FALSE(free_disk_place(devices));
}

}  // namespace
}  // namespace drover::cli
