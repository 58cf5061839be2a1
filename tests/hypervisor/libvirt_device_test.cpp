// Every device model in its pinned place, on a real libvirtd and QEMU.

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "private_libvirt.hpp"

namespace drover::hypervisor::testing {
namespace {

using ::testing::HasSubstr;

class Devices : public HypervisorTest {
protected:
    std::string raw_image(const std::string& name) {
        return boot_disk(PrivateLibvirt::work_directory, name, {0xF4}, 1U << 20);
    }
    DiskSpec disk(DiskBus bus, std::uint32_t controller, std::uint32_t unit) {
        DiskSpec spec;
        spec.bus = bus;
        spec.controller = controller;
        spec.unit = unit;
        spec.serial = "drover-0001";
        spec.image = DiskImage{raw_image(disk_target(spec) + ".raw"), ImageFormat::raw};
        return spec;
    }
};

TEST_F(Devices, AllControllersAndDisksSitWhereTheyShould) {
    auto spec = tiny();
    spec.controllers = {
        {ControllerKind::ide, 0, PciAddress{0, 1, 1}},
        {ControllerKind::usb_uhci, 0, PciAddress{0, 1, 2}},
        {ControllerKind::usb_ehci, 1, PciAddress{0, 3, 0}},
        {ControllerKind::usb_xhci, 2, PciAddress{0, 4, 0}},
        {ControllerKind::scsi_lsilogic, 0, PciAddress{0, 5, 0}},
        {ControllerKind::scsi_lsisas1068, 1, PciAddress{0, 6, 0}},
        {ControllerKind::scsi_pvscsi, 2, PciAddress{0, 7, 0}},
        {ControllerKind::scsi_virtio, 3, PciAddress{0, 8, 0}},
        {ControllerKind::sata_ahci, 0, PciAddress{0, 9, 0}},
        {ControllerKind::virtio_serial, 0, PciAddress{0, 10, 0}},
        {ControllerKind::pci_bridge, 1, PciAddress{0, 11, 0}},
    };
    spec.disks = {disk(DiskBus::ide, 0, 0),   disk(DiskBus::scsi, 0, 6),  disk(DiskBus::scsi, 1, 7),
                  disk(DiskBus::scsi, 2, 63), disk(DiskBus::scsi, 3, 15), disk(DiskBus::sata, 0, 5),
                  disk(DiskBus::usb, 1, 2)};
    auto virtio = disk(DiskBus::virtio, 0, 0);
    virtio.address = PciAddress{1, 1, 0};
    spec.disks.push_back(virtio);
    DiskSpec cdrom;
    cdrom.device = DiskDevice::cdrom;
    cdrom.bus = DiskBus::ide;
    cdrom.channel = 1;
    spec.disks.push_back(cdrom);
    DiskSpec floppy;
    floppy.device = DiskDevice::floppy;
    floppy.bus = DiskBus::floppy;
    floppy.image = DiskImage{raw_image("floppy.raw"), ImageFormat::raw};
    spec.disks.push_back(floppy);
    spec.usb_tablet = true;
    spec.guest_agent = true;
    spec.balloon = BalloonSpec{.address = PciAddress{0, 12, 0}};
    spec.rng = RngSpec{.address = PciAddress{0, 13, 0}};
    spec.video = VideoSpec{.model = VideoModel::vmvga, .address = PciAddress{0, 2, 0}};
    spec.vnc = VncSpec{.port = 5977, .password = "secret"};
    spec.smbios = SmbiosSpec{.manufacturer = "VMware, Inc.", .product = "VMware Virtual Platform"};

    const auto info = hypervisor().start(spec);
    EXPECT_EQ(info.vnc_port, 5977);
    const auto stats = hypervisor().stats();
    ASSERT_EQ(stats.size(), 1U);
    std::vector<std::string> targets, wanted;
    for (const auto& block : stats[0].disks) targets.push_back(block.target);
    for (const auto& one : spec.disks) wanted.push_back(disk_target(one));
    EXPECT_THAT(targets, ::testing::UnorderedElementsAreArray(wanted));
    EXPECT_EQ(stats[0].balloon.current_bytes, spec.memory_bytes);

    // The same machine again from its memory image: the engine checks that nothing has moved.
    const std::string image = std::string(PrivateLibvirt::work_directory) + "/devices.save";
    hypervisor().save(spec.uuid, image);
    EXPECT_NO_THROW(hypervisor().restore(image, spec));
}

TEST_F(Devices, AllNetworkCardsSitWhereTheyShould) {
    auto spec = tiny();
    const NicModel models[] = {NicModel::e1000, NicModel::e1000e, NicModel::vmxnet3,
                               NicModel::pcnet, NicModel::virtio};
    std::uint8_t slot = 3;
    for (const auto model : models) {
        NicSpec nic;
        nic.mac = "00:50:56:01:02:0" + std::to_string(slot);
        nic.model = model;
        nic.bridge = PrivateLibvirt::bridge;
        nic.address = PciAddress{0, slot++, 0};
        nic.boot_index = slot;
        spec.nics.push_back(nic);
    }
    spec.nics[1].link_up = false;
    hypervisor().start(spec);
    const auto stats = hypervisor().stats();
    ASSERT_EQ(stats.at(0).nics.size(), 5U);
    EXPECT_FALSE(stats[0].nics[0].tap.empty());
    hypervisor().set_link_state(spec.uuid, spec.nics[0].mac, false);
    hypervisor().set_link_state(spec.uuid, spec.nics[0].mac, true);
    hypervisor().set_link_state(spec.uuid, spec.nics[1].mac, true);
    EXPECT_EQ(error_of([&] { hypervisor().set_link_state(spec.uuid, "00:50:56:0f:0f:0f", true); }),
              ErrorKind::not_found);
}

TEST_F(Devices, SerialPortsReachTheirBackends) {
    auto spec = tiny();
    const std::string directory = PrivateLibvirt::work_directory;
    spec.serial_ports = {
        {.port = 0, .backend = SerialBackend::file, .path = directory + "/com1"},
        {.port = 1, .backend = SerialBackend::pty},
        {.port = 2, .backend = SerialBackend::unix_listen, .path = directory + "/com3.sock"},
        {.port = 3, .backend = SerialBackend::tcp_listen, .host = "127.0.0.1", .tcp_port = 4555}};
    // mov dx,3f8h; mov al,'!'; out dx,al; hlt
    DiskSpec disk;
    disk.bus = DiskBus::ide;
    disk.image = DiskImage{
        boot_disk(directory, "serial.raw", {0xBA, 0xF8, 0x03, 0xB0, '!', 0xEE, 0xF4}, 1U << 20),
        ImageFormat::raw};
    disk.boot_index = 1;
    spec.disks = {disk};
    std::ofstream(libvirt().outside(directory + "/com1")) << "before";
    const auto info = hypervisor().start(spec);
    EXPECT_THAT(info.serial_ptys.at(1), HasSubstr("/dev/pts/"));
    EXPECT_TRUE(std::filesystem::exists(libvirt().outside(directory + "/com3.sock")));
    std::string text;
    for (int i = 0; i < 200 && text.find('!') == std::string::npos; ++i) {
        usleep(50000);
        std::ostringstream read;
        read << std::ifstream(libvirt().outside(directory + "/com1")).rdbuf();
        text = read.str();
    }
    EXPECT_THAT(text, ::testing::AllOf(::testing::StartsWith("before"), HasSubstr("!")));
}

TEST_F(Devices, ChangesMediaMetadataAndLimitsWhileRunning) {
    auto spec = tiny();
    DiskSpec cdrom;
    cdrom.device = DiskDevice::cdrom;
    cdrom.bus = DiskBus::ide;
    cdrom.channel = 1;
    spec.disks = {cdrom, disk(DiskBus::ide, 0, 0)};
    spec.cpu_tuning = {.shares = 500, .limit_cores = 0.5};
    spec.video = VideoSpec{.address = PciAddress{0, 2, 0}};
    spec.balloon = BalloonSpec{.stats_period_s = 1, .address = PciAddress{0, 3, 0}};
    hypervisor().start(spec);
    const auto target = disk_target(cdrom);
    const DiskImage media{raw_image("media.iso"), ImageFormat::raw};
    const auto path_of_cdrom = [&] {
        const auto stats = hypervisor().stats();
        for (const auto& block : stats.at(0).disks)
            if (block.target == target) return block.path;
        return std::string("no drive");
    };
    EXPECT_EQ(path_of_cdrom(), "");
    hypervisor().change_media(spec.uuid, target, media);
    EXPECT_EQ(path_of_cdrom(), media.path);
    hypervisor().change_media(spec.uuid, target, std::nullopt);
    EXPECT_EQ(path_of_cdrom(), "");
    EXPECT_EQ(error_of([&] { hypervisor().change_media(spec.uuid, "hda", std::nullopt); }),
              ErrorKind::unsupported);
    EXPECT_EQ(error_of([&] { hypervisor().change_media(spec.uuid, "sdz", std::nullopt); }),
              ErrorKind::not_found);

    hypervisor().set_metadata(spec.uuid, {{"a", "<b> & \"c\""}});
    EXPECT_EQ(hypervisor().find(spec.uuid)->metadata,
              (std::map<std::string, std::string>{{"a", "<b> & \"c\""}}));
    hypervisor().set_cpu_tuning(spec.uuid, {.shares = 2000, .limit_cores = 0.25});
    hypervisor().set_cpu_tuning(spec.uuid, {});
    hypervisor().set_balloon(spec.uuid, 8U << 20);
    const auto shot = hypervisor().screenshot(spec.uuid);
    EXPECT_THAT(shot.mime_type, HasSubstr("image/"));
    EXPECT_GT(shot.bytes.size(), 100U);
}

TEST_F(Devices, BootsUefi) {
    const auto host = hypervisor().host_info();
    const auto firmware = std::ranges::find_if(host.uefi_firmware, [](const UefiFirmware& one) {
        return !one.secure_boot && std::ranges::count(one.machine_patterns, "pc-i440fx-*");
    });
    if (firmware == host.uefi_firmware.end()) GTEST_SKIP() << "no OVMF is installed";
    auto spec = tiny();
    spec.memory_bytes = 128U << 20;
    const std::string nvram = std::string(PrivateLibvirt::work_directory) + "/machine.nvram";
    spec.firmware = {.kind = FirmwareKind::uefi,
                     .loader_path = firmware->loader_path,
                     .nvram_path = nvram,
                     .nvram_template = firmware->nvram_template};
    hypervisor().start(spec);
    EXPECT_TRUE(std::filesystem::exists(libvirt().outside(nvram)));
    hypervisor().destroy(spec.uuid);

    const auto secure = std::ranges::find_if(
        host.uefi_firmware, [](const UefiFirmware& one) { return one.secure_boot; });
    if (secure == host.uefi_firmware.end()) return;
    spec.machine_type = "pc-q35-7.2";
    spec.firmware = {.kind = FirmwareKind::uefi,
                     .secure_boot = true,
                     .loader_path = secure->loader_path,
                     .nvram_path = nvram + ".secure",
                     .nvram_template = secure->nvram_template};
    EXPECT_NO_THROW(hypervisor().start(spec));
}

TEST_F(Devices, EveryCpuModeStartsAndSurvivesASave) {
    const auto base = tiny();
    CpuSpec named;
    named.mode = CpuMode::named;
    named.model = "qemu64";
    named.disabled_features = {"svm"};
    named.vcpus = 2;
    named.cores_per_socket = 2;
    CpuSpec host_model;
    host_model.mode = CpuMode::host_model;
    for (const auto& cpu : {CpuSpec{}, named, host_model}) {
        auto spec = base;
        spec.cpu = cpu;
        const std::string image = std::string(PrivateLibvirt::work_directory) + "/cpu.save";
        hypervisor().start(spec);
        EXPECT_EQ(hypervisor().stats().at(0).vcpus.size(), cpu.vcpus);
        hypervisor().save(spec.uuid, image);
        EXPECT_NO_THROW(hypervisor().restore(image, spec));
        hypervisor().destroy(spec.uuid);
    }
}

}  // namespace
}  // namespace drover::hypervisor::testing
