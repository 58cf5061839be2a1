#include "machine/config.hpp"

#include "machine/guest_os.hpp"
#include "machine/layout.hpp"
#include "machine/property_text.hpp"
#include "machine/settings.hpp"
#include "machine/testing.hpp"
#include "machine/uuid_text.hpp"

namespace drover::machine {
namespace {

TEST(Config, ReadsAMachineOfEsx) {
    const auto config = config_from_vmx(golden("esx_linux.vmx"), test_context());
    EXPECT_EQ(config.name(), "web01");
    EXPECT_EQ(config.uuid(), "421a5cd2-1122-3344-5566-778899aabbcc");
    EXPECT_EQ(config.instanceUuid(), "501a5cd2-1122-3344-5566-778899aabbcc");
    EXPECT_EQ(config.guestId(), "debian11_64Guest");
    EXPECT_EQ(config.guestFullName(), "Debian GNU/Linux 11 (64-bit)");
    EXPECT_EQ(config.version(), "vmx-19");
    EXPECT_EQ(config.annotation(), "first line\nsecond \"line\"");
    EXPECT_EQ(config.hardware().numCPU(), 4);
    EXPECT_EQ(config.hardware().numCoresPerSocket(), 2);
    EXPECT_EQ(config.hardware().memoryMB(), 4096);
    EXPECT_EQ(config.cpuAllocation().reservation(), 500);
    EXPECT_EQ(config.cpuAllocation().limit(), -1);
    EXPECT_EQ(config.cpuAllocation().shares().shares(), 8000);
    EXPECT_EQ(config.memoryAllocation().shares().shares(), 40960);
    EXPECT_EQ(config.defaultPowerOps().powerOffType(), "preset");
    EXPECT_EQ(config.firmware(), "bios");
    EXPECT_EQ(config.flags().diskUuidEnabled(), true);
    EXPECT_EQ(config.files().vmPathName(), "[ds1] web01/web01.vmx");
    EXPECT_EQ(config.files().logDirectory(), "[ds1] web01/");
    EXPECT_EQ(config.datastoreUrl().size(), 2U);
    EXPECT_TRUE(config.createDate());
    EXPECT_FALSE(config.template_());
}

TEST(Config, NumbersAndLabelsDevicesAsVmwareDoes) {
    const auto config = config_from_vmx(golden("esx_linux.vmx"), test_context());
    for (const int key : {100, 200, 201, 300, 400, 500, 600, 700, 12000, 1000, 15000, 14000}) {
        EXPECT_TRUE(device_at<vim::VirtualDevice>(config, key)) << key;
    }
    const auto disk = device_at<vim::VirtualDisk>(config, 2001);
    ASSERT_TRUE(disk);
    EXPECT_EQ(disk.deviceInfo().label(), "Hard disk 2");
    EXPECT_EQ(disk.deviceInfo().summary(), "16,777,216 KB");
    EXPECT_EQ(disk.capacityInBytes(), 16LL << 30);
    const auto backing = disk.backing().as<vim::VirtualDiskFlatVer2BackingInfo>();
    EXPECT_EQ(backing.fileName(), "[ds2] web01/data.vmdk");
    EXPECT_EQ(backing.datastore()->id, "ds-2");
    EXPECT_EQ(backing.diskMode(), "independent_persistent");
    EXPECT_EQ(backing.thinProvisioned(), true);
    EXPECT_EQ(backing.parent().fileName(), "[ds1] base/base.vmdk");
    EXPECT_EQ(backing.parent().eagerlyScrub(), true);

    const auto controller = device_at<vim::VirtualController>(config, 1000);
    EXPECT_TRUE(controller.is<vim::ParaVirtualSCSIController>());
    EXPECT_EQ(controller.device().to_vector(), (std::vector<std::int32_t>{2000, 2001}));
    EXPECT_EQ(controller.slotInfo().as<vim::VirtualDevicePciBusSlotInfo>().pciSlotNumber(), 160);

    const auto nic = device_at<vim::VirtualVmxnet3>(config, 4000);
    ASSERT_TRUE(nic);
    EXPECT_EQ(nic.macAddress(), "00:50:56:9a:11:22");
    EXPECT_EQ(nic.addressType(), "assigned");
    EXPECT_EQ(nic.deviceInfo().label(), "Network adapter 1");
    EXPECT_EQ(nic.deviceInfo().summary(), "VM Network");
    EXPECT_FALSE(nic.connectable().allowGuestControl());
    const auto network = nic.backing().as<vim::VirtualEthernetCardNetworkBackingInfo>();
    EXPECT_EQ(network.network()->id, "network-1");

    const auto drive = device_at<vim::VirtualCdrom>(config, 16000);
    ASSERT_TRUE(drive);
    EXPECT_TRUE(drive.backing().is<vim::VirtualCdromAtapiBackingInfo>());
    EXPECT_EQ(drive.deviceInfo().label(), "CD/DVD drive 1");
    EXPECT_FALSE(drive.connectable().startConnected());
    EXPECT_TRUE(device_at<vim::VirtualSerialPort>(config, 9000));

    const auto order = config.bootOptions().bootOrder();
    ASSERT_EQ(order.size(), 4U);
    EXPECT_EQ(order[0].as<vim::VirtualMachineBootOptionsBootableEthernetDevice>().deviceKey(),
              4000);
    EXPECT_EQ(order[1].as<vim::VirtualMachineBootOptionsBootableDiskDevice>().deviceKey(), 2001);
}

TEST(Config, ShowsUnknownKeysAndNoSecrets) {
    const auto config = config_from_vmx(golden("esx_linux.vmx"), test_context());
    std::map<std::string, std::string> extra;
    for (const auto& option : config.extraConfig()) {
        extra[std::string(option.key())] = option.value().as_string();
    }
    EXPECT_EQ(extra.at("guestinfo.role"), "web");
    EXPECT_EQ(extra.at("RemoteDisplay.vnc.port"), "5950");
    EXPECT_FALSE(extra.contains("RemoteDisplay.vnc.password"));
    EXPECT_FALSE(extra.contains("scsi0:0.fileName"));
    EXPECT_TRUE(extra.contains("scsi0:0.redo"));
}

TEST(Config, WritesBackUnchangedFilesByteForByte) {
    for (const char* name : {"esx_linux.vmx", "workstation.vmx"}) {
        auto file = golden(name);
        const std::string before = file.to_string();
        auto context = test_context();
        apply_to_vmx(file, config_from_vmx(file, context), context.datastores);
        EXPECT_EQ(file.to_string(), before);
    }
}

TEST(Config, ReadsADesktopMachine) {
    auto context = test_context();
    const auto config = config_from_vmx(golden("workstation.vmx"), context);
    EXPECT_EQ(config.name(), "Old XP");
    EXPECT_EQ(config.guestId(), "winXPProGuest");
    EXPECT_EQ(config.version(), "vmx-07");
    EXPECT_FALSE(config.instanceUuid());
    EXPECT_EQ(config.tools().syncTimeWithHost(), true);
    EXPECT_TRUE(device_at<vim::VirtualPCNet32>(config, 4000));
    const auto second = device_at<vim::VirtualE1000>(config, 4001);
    EXPECT_EQ(second.addressType(), "manual");
    EXPECT_EQ(second.macAddress(), "00:50:56:00:00:07");
    EXPECT_FALSE(device_at<vim::VirtualDevice>(config, 2000)) << "its controller is absent";
    const auto iso =
        device_at<vim::VirtualCdrom>(config, 3002).backing().as<vim::VirtualCdromIsoBackingInfo>();
    EXPECT_EQ(iso.fileName(), "[] /usr/lib/vmware/isoimages/windows.iso");
    EXPECT_EQ(device_at<vim::VirtualUSBController>(config, 7000).ehciEnabled(), true);
    EXPECT_TRUE(device_at<vim::VirtualFloppy>(config, 8000));
    EXPECT_EQ(device_at<vim::VirtualDisk>(config, 3000).capacityInKB(), 0) << "no facts";
}

TEST(Config, GivesTheSameBackFromANewFile) {
    for (const char* name : {"esx_linux.vmx", "workstation.vmx"}) {
        const auto context = test_context();
        const auto config = config_from_vmx(golden(name), context);
        const auto again = config_from_vmx(vmx_from_config(config), context);
        EXPECT_EQ(vim::to_debug_string(config), vim::to_debug_string(again));
        EXPECT_EQ(config, again);
    }
}

TEST(Config, TreatsMalformedValuesAsAbsent) {
    auto file = golden("esx_linux.vmx");
    file.set("numvcpus", "many");
    file.set("firmware", "openfirmware");
    file.set("memSize", "-7");
    file.set("uuid.bios", "no uuid");
    file.set("scsi0:0.fileName", "../../../etc/shadow");
    const auto config = config_from_vmx(file, test_context());
    EXPECT_EQ(config.hardware().numCPU(), 1);
    EXPECT_EQ(config.firmware(), "bios");
    EXPECT_EQ(config.hardware().memoryMB(), 4);
    EXPECT_EQ(config.uuid(), "");
    const auto backing =
        device_at<vim::VirtualDisk>(config, 2000).backing().as<vim::VirtualDeviceFileBackingInfo>();
    EXPECT_EQ(backing.fileName(), "[] ../../../etc/shadow");
}

TEST(Settings, EveryRowIsConsistent) {
    for (const Setting& setting : settings()) {
        if (setting.unset_if_absent) continue;
        EXPECT_TRUE(setting_from_text(setting, setting.absent)) << setting.property;
    }
}

TEST(GuestOs, NamesGoBothWays) {
    EXPECT_GE(guest_systems().size(), 120U);
    for (const GuestOs& os : guest_systems()) {
        EXPECT_EQ(guest_id_from_vmx(guest_id_to_vmx(os.id)), os.id);
    }
    EXPECT_EQ(guest_id_to_vmx("ubuntu64Guest"), "ubuntu-64");
    EXPECT_EQ(guest_id_to_vmx("winNetStandardGuest"), "winnetstandard");
    EXPECT_EQ(guest_id_from_vmx("windows9srv-64"), "windows9Server64Guest");
    EXPECT_EQ(guest_id_from_vmx("plan9-64"), "plan9_64Guest");
    EXPECT_EQ(guest_id_to_vmx("plan9_64Guest"), "plan9-64");
}

TEST(UuidText, GoesBothWays) {
    const std::string uuid = "564d1234-5678-9abc-def0-123456789abc";
    EXPECT_EQ(uuid_to_vmx(uuid), "56 4d 12 34 56 78 9a bc-de f0 12 34 56 78 9a bc");
    EXPECT_EQ(parse_uuid(uuid_to_vmx(uuid)), uuid);
    EXPECT_FALSE(parse_uuid("564d1234"));
    EXPECT_EQ(parse_mac("00-50-56-AB-00-01"), "00:50:56:ab:00:01");
    EXPECT_FALSE(parse_mac("00:50:56:ab:00"));
}

TEST(DatastoreFile, RefusesWhatLeadsOut) {
    EXPECT_TRUE(DatastoreFile::parse("[ds] vm/a.vmdk"));
    EXPECT_EQ(DatastoreFile::parse("[ds] dir/")->relative, "dir");
    for (const char* bad :
         {"[ds] ../a", "[ds] /a", "[ds] a//b", "[ds] a/./b", "vm/a.vmdk", "[ds"}) {
        EXPECT_FALSE(DatastoreFile::parse(bad)) << bad;
    }
    const auto context = test_context();
    const DatastoreFile home{"ds1", "web01"};
    EXPECT_EQ(file_from_vmx("../base/base.vmdk", home, context.datastores), "[ds1] base/base.vmdk");
    EXPECT_EQ(file_from_vmx("/vmfs/volumes/nowhere/x.vmdk", home, context.datastores),
              "[] /vmfs/volumes/nowhere/x.vmdk");
}

TEST(Layout, FollowsFromConfigAndFacts) {
    const auto context = test_context();
    const auto config = config_from_vmx(golden("esx_linux.vmx"), context);
    const auto summary = config_summary(config);
    EXPECT_EQ(summary.numVirtualDisks(), 2);
    EXPECT_EQ(summary.numEthernetCards(), 1);
    EXPECT_EQ(summary.memorySizeMB(), 4096);
    const std::vector<MachineFile> files{{"[ds1] web01/web01.vmx", "config", 2000},
                                         {"[ds1] web01/drover.log", "log", 500}};
    const auto layout = file_layout(config, context.disks, files);
    ASSERT_EQ(layout.disk().size(), 2U);
    EXPECT_EQ(layout.disk()[1].diskFile()[0], "[ds1] base/base.vmdk");
    const auto ex = file_layout_ex(config, context.disks, files, kNow);
    EXPECT_EQ(ex.disk()[1].chain().size(), 2U);
    EXPECT_EQ(ex.file()[0].name(), "[ds1] web01/web01.vmx");
    const auto storage = storage_info(config, context, files, kNow);
    ASSERT_EQ(storage.perDatastoreUsage().size(), 2U);
    const auto sum = storage_summary(storage);
    EXPECT_EQ(sum.committed(), 3 * (1LL << 30) + 2500);
    EXPECT_EQ(sum.unshared(), 2 * (1LL << 30) + 2500);
    EXPECT_EQ(sum.uncommitted(), 2 * (15LL << 30));
}

}  // namespace
}  // namespace drover::machine
