#include "machine/reconfigure.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <source_location>

#include "machine/cpu_mask.hpp"
#include "machine/pinning.hpp"
#include "machine/testing.hpp"

namespace drover::machine {
namespace {

using vim::VirtualMachineConfigSpec;

template <class T>
T refused(const VirtualMachineConfigSpec& spec, const Rules& rules = {},
          std::source_location caller = std::source_location::current()) {
    const testing::ScopedTrace trace(caller.file_name(), static_cast<int>(caller.line()), "here");
    try {
        plan(spec, rules);
    } catch (const vim::Fault& fault) {
        EXPECT_TRUE(fault.fault().is<T>()) << fault.message();
        EXPECT_FALSE(fault.message().empty());
        return fault.fault().as<T>();
    }
    ADD_FAILURE() << "was accepted";
    return T::make();
}

void refused_argument(const VirtualMachineConfigSpec& spec, std::string_view path) {
    EXPECT_EQ(refused<vim::InvalidArgument>(spec).invalidProperty(), path);
}

TEST(Reconfigure, CreatesAMachineWithEverything) {
    auto spec = with_changes({add(controller(-1, 0)), add_new(disk(-1, 1 << 20)),
                              add_new(disk(-1, 1 << 20, "[ds2]")), add(nic("VM Network"))});
    spec.set_name("web/01");
    spec.set_guestId("debian11_64Guest");
    spec.set_numCPUs(2);
    spec.set_memoryMB(512);
    base::SeededRandom random(1);
    auto context = test_context();
    context.vm_path = "[ds1] vm1/vm1.vmx";
    const auto made = plan_new_machine(context, spec, {}, random, kNow);
    EXPECT_EQ(made.config.name(), "web%2f01");
    ASSERT_EQ(made.create.size(), 2U);
    EXPECT_EQ(made.create[0].file, "[ds1] vm1/vm1.vmdk");
    EXPECT_EQ(made.create[1].file, "[ds2] vm1/vm1.vmdk");
    EXPECT_EQ(made.create[0].provisioning, Provisioning::thin);
    EXPECT_EQ(made.create[0].adapter, "pvscsi");
    EXPECT_EQ(made.create[0].capacity_bytes, 1LL << 30);
    EXPECT_TRUE(made.config.uuid().starts_with("564d"));
    EXPECT_EQ(made.config.version(), "vmx-19");
    EXPECT_EQ(made.config.cpuAllocation().shares().shares(), 2000);
    const auto card = device_at<vim::VirtualVmxnet3>(made.config, 4000);
    EXPECT_TRUE(card.macAddress()->starts_with("00:0c:29:"));
    EXPECT_EQ(pinned_machine_type(made.file), "pc-i440fx-7.2");
    EXPECT_TRUE(pinned_address(made.file, "scsi0"));
    EXPECT_EQ(config_from_vmx(vmx::VmxFile::parse(made.file.to_string()).value(),
                              carried_out(context, made)),
              made.config);
    EXPECT_EQ(config_from_vmx(vmx_from_config(made.config), carried_out(context, made)).name(),
              "web%2f01");
}

TEST(Reconfigure, KeepsWhatItDoesNotKnow) {
    auto spec = VirtualMachineConfigSpec::make();
    spec.set_annotation("new");
    const auto done = plan(spec);
    EXPECT_EQ(done.file.get("migrate.hostLog"), "web01-1.hlog");
    EXPECT_EQ(done.file.get("scsi0.pciSlotNumber"), "160");
    EXPECT_EQ(done.changed, std::vector<std::string>{"annotation"});
    EXPECT_NE(done.config.changeVersion(), "");
    EXPECT_EQ(done.file.get("RemoteDisplay.vnc.password"), "secret");
}

TEST(Reconfigure, ConnectsSerialPorts) {
    const auto port = [](std::string_view uri, std::string_view direction) {
        auto backing = vim::VirtualSerialPortURIBackingInfo::make();
        backing.set_serviceURI(uri);
        backing.set_direction(direction);
        auto device = vim::VirtualSerialPort::make();
        device.set_key(-1);
        device.set_yieldOnPoll(true);
        device.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));
        return with_changes({add(device)});
    };
    const auto summary_of = [&](const VirtualMachineConfigSpec& spec) {
        const auto done = plan(spec);
        for (const auto& device : done.config.hardware().device()) {
            const auto uri = device.backing().as<vim::VirtualSerialPortURIBackingInfo>();
            if (uri) return std::string(device.deviceInfo().summary());
        }
        return std::string("no port");
    };
    EXPECT_EQ(summary_of(port("localhost:0", "client")), "Remote localhost:0");
    EXPECT_EQ(summary_of(port("tcp://10.0.0.1:80", "client")), "Remote tcp://10.0.0.1:80");
    EXPECT_EQ(summary_of(port("telnet://:33233", "server")), "Remote telnet://:33233");
    refused<vim::InvalidDeviceBacking>(port("tcp://127.0.0.1:80", "client"));
    refused<vim::InvalidDeviceBacking>(port("tcp://10.0.0.1:80", "both"));
    refused<vim::InvalidDeviceBacking>(port("10.0.0.1", "server"));
}

TEST(Reconfigure, ReservesAllMemoryThatIsLocked) {
    auto spec = VirtualMachineConfigSpec::make();
    spec.set_memoryReservationLockedToMax(true);
    spec.set_memoryMB(512);
    EXPECT_EQ(plan(spec).config.memoryAllocation().reservation(), 512);
}

TEST(Reconfigure, BootsSecurelyByEfiOnly) {
    auto boot = vim::VirtualMachineBootOptions::make();
    boot.set_efiSecureBootEnabled(true);
    auto spec = VirtualMachineConfigSpec::make();
    spec.set_bootOptions(boot);
    spec.set_firmware("bios");
    EXPECT_EQ(refused<vim::InvalidVmConfig>(spec).property(),
              "configSpec.bootOptions.efiSecureBootEnabled");
    spec.set_firmware("efi");
    EXPECT_EQ(plan(spec).config.bootOptions().efiSecureBootEnabled(), true);
}

TEST(Reconfigure, AddsGrowsAndRemovesDisks) {
    auto grown =
        device_at<vim::VirtualDisk>(config_from_vmx(golden("esx_linux.vmx"), test_context()), 2000);
    grown.set_capacityInKB(32LL << 20);
    const auto bigger =
        plan(with_changes({change(vim::VirtualDeviceConfigSpecOperation::edit, grown)}));
    ASSERT_EQ(bigger.grow.size(), 1U);
    EXPECT_EQ(bigger.grow[0].capacity_bytes, 32LL << 30);
    EXPECT_EQ(device_at<vim::VirtualDisk>(bigger.config, 2000).capacityInKB(), 32LL << 20);
    auto govc = change(vim::VirtualDeviceConfigSpecOperation::edit, grown);
    govc.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::replace);
    EXPECT_EQ(plan(with_changes({govc})).grow.size(), 1U) << "as govc asks for it";

    auto gone = remove(2000);
    gone.set_fileOperation(vim::VirtualDeviceConfigSpecFileOperation::destroy);
    const auto removed = plan(with_changes({gone, add_new(disk(1000, 4096))}));
    EXPECT_EQ(removed.destroy, std::vector<std::string>{"[ds1] web01/web01.vmdk"});
    ASSERT_EQ(removed.create.size(), 1U);
    EXPECT_EQ(removed.create[0].file, "[ds1] web01/web01_1.vmdk") << "the old one is still there";
    EXPECT_EQ(removed.create[0].device_key, 2000);
    EXPECT_FALSE(removed.file.contains("scsi0:0.redo"));

    const auto attached = plan(with_changes({add(disk(1000, 0, "[ds1] base/base.vmdk"))}));
    EXPECT_EQ(attached.attach, std::vector<std::string>{"[ds1] base/base.vmdk"});
    EXPECT_EQ(device_at<vim::VirtualDisk>(attached.config, 2002).capacityInKB(), 16LL << 20);
}

TEST(Reconfigure, MakesLinkedClones) {
    auto clone = disk(1000, 0);
    auto backing = clone.backing().as<vim::VirtualDiskFlatVer2BackingInfo>();
    auto parent = vim::VirtualDiskFlatVer2BackingInfo::make();
    parent.set_fileName("[ds1] base/base.vmdk");
    backing.set_parent(parent);
    clone.set_backing(backing);
    const auto done = plan(with_changes({add_new(clone)}));
    ASSERT_EQ(done.create.size(), 1U);
    EXPECT_EQ(done.create[0].parent, "[ds1] base/base.vmdk");
    EXPECT_EQ(done.create[0].capacity_bytes, 16LL << 30);
}

TEST(Reconfigure, SkipsUnitSevenAndFillsUp) {
    std::vector<vim::VirtualDeviceConfigSpec> changes;
    for (int i = 0; i < 61; ++i) changes.push_back(add_new(disk(1000, 4096)));
    const auto done = plan(with_changes(changes));
    EXPECT_FALSE(device_at<vim::VirtualDisk>(done.config, 2007));
    EXPECT_TRUE(device_at<vim::VirtualDisk>(done.config, 2064));
    changes.push_back(add_new(disk(1000, 4096)));
    refused<vim::TooManyDevices>(with_changes(changes));
}

TEST(Reconfigure, SetsAndRemovesOptions) {
    auto spec = VirtualMachineConfigSpec::make();
    const auto option = [](std::string_view key, std::string_view value) {
        auto made = vim::OptionValue::make();
        made.set_key(key);
        made.set_value(vim::Value::string(value));
        return made;
    };
    spec.set_extraConfig({option("guestinfo.role", ""), option("guestinfo.new", "x"),
                          option("disk.EnableUUID", "FALSE"),
                          option("RemoteDisplay.vnc.password", "other"),
                          option("bios.bootOrder", "cdrom,hdd")});
    const auto done = plan(spec);
    EXPECT_FALSE(done.file.contains("guestinfo.role"));
    EXPECT_EQ(done.file.get("guestinfo.new"), "x");
    EXPECT_EQ(done.config.flags().diskUuidEnabled(), false);
    EXPECT_EQ(done.file.get("RemoteDisplay.vnc.password"), "other");
    EXPECT_EQ(done.file.get("bios.bootOrder"), "cdrom,hdd");
    EXPECT_TRUE(done.config.bootOptions()
                    .bootOrder()
                    .to_vector()
                    .at(0)
                    .is<vim::VirtualMachineBootOptionsBootableCdromDevice>());
    for (const char* key : {"scsi0:0.fileName", "uuid.bios", "drover.machineType", "memSize"}) {
        spec.set_extraConfig({option(key, "1")});
        refused<vim::InvalidArgument>(spec);
    }
}

TEST(Reconfigure, RefusesBadValues) {
    const auto base = VirtualMachineConfigSpec::make();
    auto spec = base;
    spec.set_memoryMB(510 + 3);
    refused_argument(spec, "configSpec.memoryMB");
    spec = base;
    spec.set_numCPUs(0);
    refused_argument(spec, "configSpec.numCPUs");
    spec = base;
    spec.set_numCPUs(3);
    refused_argument(spec, "configSpec.numCoresPerSocket");
    spec = base;
    spec.set_numCPUs(4000);
    EXPECT_EQ(refused<vim::NumVirtualCpusNotSupported>(spec).numCpuVm(), 4000);
    spec = base;
    spec.set_memoryMB(1 << 30);
    refused<vim::MemorySizeNotSupported>(spec);
    spec = base;
    spec.set_memoryMB(1LL << 40);
    refused_argument(spec, "configSpec.memoryMB");
    spec = base;
    spec.set_guestId("plan9Guest");
    refused_argument(spec, "configSpec.guestId");
    spec = base;
    spec.set_firmware("coreboot");
    refused_argument(spec, "configSpec.firmware");
    spec = base;
    spec.set_uuid("xyz");
    refused_argument(spec, "configSpec.uuid");
    spec = base;
    spec.set_version("vmx-99");
    refused_argument(spec, "configSpec.version");
    spec = base;
    spec.set_changeVersion("old");
    refused<vim::ConcurrentAccess>(spec);
    spec = base;
    spec.set_name(std::string(81, 'x'));
    refused<vim::InvalidName>(spec);
    spec.set_name("");
    refused<vim::InvalidName>(spec);
}

TEST(Reconfigure, RefusesBadDevices) {
    const auto index = [](const vim::InvalidDeviceSpec& fault) { return fault.deviceIndex(); };
    EXPECT_EQ(index(refused<vim::InvalidController>(
                  with_changes({remove(4000), add_new(disk(1003, 1024))}))),
              1);
    EXPECT_EQ(index(refused<vim::DeviceNotFound>(with_changes({remove(2009)}))), 0);
    refused<vim::MissingController>(with_changes({remove(1000)}));
    refused<vim::InvalidDeviceOperation>(with_changes({remove(200)}));
    refused<vim::DeviceUnsupportedForVmPlatform>(
        with_changes({add(controller<vim::VirtualBusLogicController>(-1, 1))}));
    refused<vim::DeviceUnsupportedForVmPlatform>(
        with_changes({add(nic<vim::VirtualVmxnet>("lab"))}));
    refused<vim::DeviceUnsupportedForVmPlatform>(with_changes({add(vim::VirtualTPM::make())}));
    refused<vim::InvalidDeviceBacking>(with_changes({add(nic("nowhere"))}));
    refused<vim::InvalidDeviceSpec>(with_changes({add(nic("lab", "01:50:56:00:00:01"))}));
    refused<vim::InvalidDeviceSpec>(with_changes({add(nic("lab", "00:50:56:9A:11:22"))}));
    refused<vim::InvalidDeviceSpec>(with_changes({add(controller(-1, 0))}));
    refused<vim::InvalidDeviceSpec>(with_changes({add_new(disk(1000, 0))}));
    refused<vim::InvalidDeviceSpec>(with_changes({add_new(disk(1000, INT64_MAX))}));
    refused<vim::FileAlreadyExists>(
        with_changes({add_new(disk(1000, 1024, "[ds1] base/base.vmdk"))}));
    refused<vim::FileNotFound>(with_changes({add(disk(1000, 0, "[ds1] base/none.vmdk"))}));
    refused<vim::InvalidDatastorePath>(
        with_changes({add_new(disk(1000, 1024, "[ds1] ../x.vmdk"))}));
    refused<vim::InvalidDatastorePath>(with_changes({add_new(disk(1000, 1024, "[other] x.vmdk"))}));
    auto seven = disk(1000, 1024);
    seven.set_unitNumber(7);
    refused<vim::InvalidDeviceSpec>(with_changes({add_new(seven)}));
    seven.set_unitNumber(0);
    refused<vim::InvalidDeviceSpec>(with_changes({add_new(seven)}));

    auto iso = vim::VirtualCdromIsoBackingInfo::make();
    iso.set_fileName("[] /etc/shadow");
    auto drive = vim::VirtualCdrom::make();
    drive.set_key(-5);
    drive.set_backing(iso);
    refused<vim::InvalidDeviceBacking>(with_changes({add(drive)}));

    std::vector<vim::VirtualDeviceConfigSpec> many(10, add(nic("lab")));
    refused<vim::TooManyDevices>(with_changes(many));
    auto shrunk =
        device_at<vim::VirtualDisk>(config_from_vmx(golden("esx_linux.vmx"), test_context()), 2000);
    shrunk.set_capacityInKB(1024);
    refused<vim::InvalidDeviceSpec>(
        with_changes({change(vim::VirtualDeviceConfigSpecOperation::edit, shrunk)}));
}

TEST(Reconfigure, DisksAndNetworkAdaptersComeAndGoWhileTheMachineRuns) {
    Rules running;
    running.power_state = vim::VirtualMachinePowerState::poweredOn;
    const auto added = plan(with_changes({add_new(disk(1000, 1024)), add(nic("lab"))}), running);
    EXPECT_EQ(added.create.size(), 1U);
    const auto removed = plan(with_changes({remove(4000), remove(2000)}), running);
    EXPECT_FALSE(device_at<vim::VirtualEthernetCard>(removed.config, 4000));
    EXPECT_FALSE(device_at<vim::VirtualDisk>(removed.config, 2000));
}

TEST(Reconfigure, ChangesLittleWhileTheMachineRuns) {
    Rules running;
    running.power_state = vim::VirtualMachinePowerState::poweredOn;
    auto spec = VirtualMachineConfigSpec::make();
    spec.set_memoryMB(2048);
    refused<vim::MemoryHotPlugNotSupported>(spec, running);
    spec = VirtualMachineConfigSpec::make();
    spec.set_numCPUs(3);
    refused<vim::CpuHotPlugNotSupported>(spec, running);
    EXPECT_EQ(refused<vim::InvalidPowerState>(with_changes({add(controller(-1, 2))}), running)
                  .existingState(),
              vim::VirtualMachinePowerState::poweredOn);
    refused<vim::InvalidPowerState>(with_changes({remove(16000)}), running);
    Rules suspended;
    suspended.power_state = vim::VirtualMachinePowerState::suspended;
    refused<vim::InvalidPowerState>(with_changes({add_new(disk(1000, 1024))}), suspended);
    refused<vim::InvalidPowerState>(with_changes({remove(4000)}), suspended);

    auto drive = device_at<vim::VirtualCdrom>(
        config_from_vmx(golden("esx_linux.vmx"), test_context()), 16000);
    auto iso = vim::VirtualCdromIsoBackingInfo::make();
    iso.set_fileName("[ds1] iso/debian.iso");
    drive.set_backing(iso);
    spec = with_changes({change(vim::VirtualDeviceConfigSpecOperation::edit, drive)});
    spec.set_annotation("runs");
    const auto done = plan(spec, running);
    EXPECT_EQ(device_at<vim::VirtualCdrom>(done.config, 16000).deviceInfo().summary(),
              "ISO [ds1] iso/debian.iso");
}

TEST(Pinning, PlacesAForeignMachineInItsOwnOrder) {
    base::SeededRandom random(3);
    const auto adopted = adopt(golden("esx_linux.vmx"), test_context(), {}, random);
    // VMware's numbers: sata0 32, scsi0 160, ethernet0 192, usb_xhci 224.
    EXPECT_EQ(pinned_address(adopted, "sata0")->slot, 6);
    EXPECT_EQ(pinned_address(adopted, "scsi0")->slot, 7);
    EXPECT_EQ(pinned_address(adopted, "ethernet0")->slot, 8);
    EXPECT_EQ(pinned_address(adopted, "usb_xhci")->slot, 9);
    EXPECT_EQ(adopted.get("scsi0.pciSlotNumber"), "160");
    EXPECT_EQ(adopt(adopted, test_context(), {}, random).to_string(), adopted.to_string());
}

std::map<std::string, std::string> pins(const vmx::VmxFile& file) {
    std::map<std::string, std::string> out;
    for (const auto& key : file.keys("drover.")) {
        if (key.ends_with(".pciAddress")) out[key] = *file.get(key);
    }
    return out;
}

void check_invariants(const ReconfigurePlan& done, const ReadContext& context) {
    std::set<std::int32_t> keys;
    std::set<std::pair<std::int32_t, std::int32_t>> places;
    std::set<std::string> macs;
    for (const auto& device : done.config.hardware().device()) {
        RC_ASSERT(keys.insert(device.key()).second);
        if (device.is<vim::VirtualDisk>() || device.is<vim::VirtualCdrom>()) {
            RC_ASSERT(places.emplace(*device.controllerKey(), *device.unitNumber()).second);
        }
        if (const auto card = device.as<vim::VirtualEthernetCard>()) {
            RC_ASSERT(macs.insert(std::string(*card.macAddress())).second);
        }
    }
    std::set<std::string> addresses;
    for (const auto& [key, address] : pins(done.file)) RC_ASSERT(addresses.insert(address).second);
    const auto parsed = vmx::VmxFile::parse(done.file.to_string()).value();
    RC_ASSERT(config_from_vmx(parsed, context) == done.config);
    RC_ASSERT(config_from_vmx(vmx_from_config(done.config), context) == done.config);
}

VirtualMachineConfigSpec random_spec(const vim::VirtualMachineConfigInfo& config) {
    const auto devices = config.hardware().device().to_vector();
    auto spec = VirtualMachineConfigSpec::make();
    const int kind = *rc::gen::inRange(0, 9);
    const auto number = *rc::gen::inRange(0, 4);
    if (kind == 0) return with_changes({add(controller(-1, number))});
    if (kind == 1) return with_changes({add(controller<vim::VirtualAHCIController>(-1, number))});
    if (kind == 2) return with_changes({add(nic("lab"))});
    if (kind == 3) return with_changes({add(nic<vim::VirtualE1000>("VM Network"))});
    if (kind == 4) return with_changes({add_new(disk(1000 + number, 4096))});
    if (kind == 5) return with_changes({add_new(disk(15000 + number, 8192))});
    if (kind == 6) {
        const auto at = *rc::gen::inRange<std::size_t>(0, devices.size());
        return with_changes({remove(devices[at].key())});
    }
    if (kind == 7) spec.set_numCPUs(*rc::gen::inRange(0, 9));
    if (kind == 8) spec.set_annotation(*rc::gen::string<std::string>());
    return spec;
}

// Any sequence of changes: keys, places and addresses stay unique, addresses of devices that stay
// never change, and file and configuration say the same.
TEST(Reconfigure, KeepsItsInvariantsUnderRandomChanges) {
    const bool held = rc::check([] {
        base::SeededRandom random(*rc::gen::arbitrary<std::uint64_t>());
        auto context = test_context();
        auto file = adopt(golden("esx_linux.vmx"), context, {}, random);
        auto now = kNow;
        for (int step = 0; step < 12; ++step) {
            const auto before = pins(file);
            try {
                const auto spec = random_spec(config_from_vmx(file, context));
                const auto done = reconfigure(file, context, spec, {}, random, now);
                context = carried_out(context, done);
                check_invariants(done, context);
                for (const auto& [key, address] : pins(done.file)) {
                    const auto old = before.find(key);
                    if (old != before.end()) RC_ASSERT(old->second == address);
                }
                file = done.file;
            } catch (const vim::Fault&) {
                // Refused as a whole: nothing has changed.
            }
            now += std::chrono::seconds(1);
        }
    });
    EXPECT_TRUE(held);
}

vim::DataHandle cpu_mask(std::uint16_t operation, std::int32_t level, std::string_view ecx) {
    vim::Value spec = vim::make_object(vim::TypeId::VirtualMachineCpuIdInfoSpec);
    auto info = vim::HostCpuIdInfo::make();
    info.set_level(level);
    info.set_ecx(ecx);
    const auto& type = vim::describe(spec.type());
    spec.set_slot(*type.find_property("info"), info.raw());
    spec.set_slot(*type.find_property("operation"),
                  vim::Value::enumeration(vim::TypeId::ArrayUpdateOperation, operation));
    return vim::DataHandle(spec);
}

constexpr std::uint16_t kAdd = 0;
constexpr std::uint16_t kRemove = 1;
constexpr std::string_view kNoAes = "----:--0-:----:----:----:----:----:----";

TEST(Reconfigure, MasksCpuFeatures) {
    VirtualMachineConfigSpec spec;
    spec = VirtualMachineConfigSpec::make();
    spec.set_cpuFeatureMask({cpu_mask(kAdd, 1, kNoAes)});
    const auto made = plan(spec);
    EXPECT_EQ(made.file.get("cpuid.1.ecx"), kNoAes);
    ASSERT_EQ(made.config.cpuFeatureMask().size(), 1U);
    EXPECT_EQ(made.config.cpuFeatureMask()[0].ecx(), kNoAes);
    EXPECT_EQ(cpu_mask_of(made.config, plan::CpuVendor::amd).hidden, plan::FeatureSet{"aes"});
    EXPECT_TRUE(std::ranges::none_of(made.config.extraConfig().to_vector(), [](const auto& option) {
        return option.key().starts_with("cpuid.1");
    }));
    Rules running;
    running.power_state = vim::VirtualMachinePowerState::poweredOn;
    refused<vim::InvalidPowerState>(spec, running);
    spec.set_cpuFeatureMask({cpu_mask(kAdd, 1, "----")});
    EXPECT_EQ(refused<vim::InvalidArgument>(spec).invalidProperty(),
              "configSpec.cpuFeatureMask[0].info");
    spec.set_cpuFeatureMask({cpu_mask(kRemove, 7, kNoAes)});
    EXPECT_EQ(refused<vim::InvalidArgument>(spec).invalidProperty(),
              "configSpec.cpuFeatureMask[0]");
}

}  // namespace
}  // namespace drover::machine
