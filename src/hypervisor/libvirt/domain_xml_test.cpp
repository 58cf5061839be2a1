#include "hypervisor/libvirt/domain_xml.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <pugixml.hpp>
#include <sstream>

#include "hypervisor/libvirt/live_xml.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

void expect_golden(const std::string& name, const DomainSpec& spec) {
    EXPECT_NO_THROW(validate(spec));
    const auto xml = to_domain_xml(spec);
    const auto path = std::string(DROVER_TESTDATA) + "/" + name;
    if (std::getenv("DROVER_UPDATE_GOLDEN")) std::ofstream(path) << xml;
    EXPECT_EQ(xml, read(path)) << "differs from " << path;
}

DomainSpec base() {
    DomainSpec spec;
    spec.uuid = DomainUuid("564d2f1a-0c3b-4e5d-8f60-718293a4b5c6");
    spec.display_name = "web-01";
    spec.machine_type = "pc-i440fx-7.2";
    spec.memory_bytes = 256U << 20;
    return spec;
}

// What an ordinary machine of the vSphere API becomes.
DomainSpec ordinary() {
    auto spec = base();
    spec.cpu = {.mode = CpuMode::named,
                .model = "qemu64",
                .disabled_features = {"svm"},
                .vcpus = 4,
                .cores_per_socket = 2};
    spec.cpu_tuning = {.shares = 2000, .limit_cores = 1.5};
    spec.cgroup_partition = "/drover";
    spec.controllers = {{ControllerKind::ide, 0, PciAddress{0, 1, 1}},
                        {ControllerKind::usb_uhci, 0, PciAddress{0, 1, 2}},
                        {ControllerKind::scsi_pvscsi, 0, PciAddress{0, 16, 0}},
                        {ControllerKind::virtio_serial, 0, PciAddress{0, 7, 0}}};
    DiskSpec disk;
    disk.image = DiskImage{"/vmfs/volumes/ds1/web-01/web-01-000001-flat.qcow2", ImageFormat::qcow2};
    disk.backing_chain = {{"/vmfs/volumes/ds1/web-01/web-01-flat.qcow2", ImageFormat::qcow2},
                          {"/vmfs/volumes/ds1/golden/golden-flat.raw", ImageFormat::raw}};
    disk.serial = "6000c29f";
    disk.boot_index = 1;
    DiskSpec cdrom;
    cdrom.device = DiskDevice::cdrom;
    cdrom.bus = DiskBus::ide;
    cdrom.channel = 1;
    cdrom.boot_index = 2;
    spec.disks = {disk, cdrom};
    spec.nics = {{.mac = "00:50:56:8a:00:01",
                  .model = NicModel::vmxnet3,
                  .bridge = "vmbr0",
                  .address = PciAddress{0, 17, 0},
                  .boot_index = 3}};
    spec.serial_ports = {{.path = "/vmfs/volumes/ds1/web-01/serial.log"}};
    spec.video = VideoSpec{.address = PciAddress{0, 15, 0}};
    spec.vnc = VncSpec{};
    spec.usb_tablet = true;
    spec.guest_agent = true;
    spec.balloon = BalloonSpec{.address = PciAddress{0, 8, 0}};
    spec.rng = RngSpec{.address = PciAddress{0, 9, 0}};
    spec.metadata = {{"vmx", "/vmfs/volumes/ds1/web-01/web-01.vmx"}, {"generation", "12"}};
    return spec;
}

TEST(DomainXml, Least) {
    expect_golden("least.xml", base());
}
TEST(DomainXml, Ordinary) {
    expect_golden("ordinary.xml", ordinary());
}

TEST(DomainXml, SecureUefi) {
    auto spec = base();
    spec.machine_type = "pc-q35-7.2";
    spec.accelerator = Accelerator::kvm;
    spec.cpu.mode = CpuMode::host_model;
    spec.firmware = {.kind = FirmwareKind::uefi,
                     .secure_boot = true,
                     .loader_path = "/usr/share/OVMF/OVMF_CODE_4M.ms.fd",
                     .nvram_path = "/vmfs/volumes/ds1/web-01/web-01.nvram",
                     .nvram_template = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd",
                     .boot_menu = true,
                     .boot_menu_timeout_ms = 3000};
    spec.smbios = SmbiosSpec{.manufacturer = "VMware, Inc.",
                             .product = "VMware Virtual Platform",
                             .serial = "VMware-56 4d 2f 1a"};
    spec.controllers = {{ControllerKind::pcie_root_port, 1, PciAddress{0, 1, 0}},
                        {ControllerKind::sata_ahci, 0, PciAddress{0, 31, 2}},
                        {ControllerKind::usb_xhci, 0, PciAddress{1, 0, 0}}};
    DiskSpec disk;
    disk.bus = DiskBus::sata;
    disk.unit = 5;
    disk.image = DiskImage{"/vm/a.raw", ImageFormat::raw};
    disk.io = IoMode::native;
    disk.discard = DiscardMode::ignore;
    disk.on_io_error = IoErrorPolicy::report;
    disk.shareable = true;
    spec.disks = {disk};
    expect_golden("secure_uefi.xml", spec);
}

TEST(DomainXml, Devices) {
    auto spec = base();
    spec.controllers = {{ControllerKind::scsi_lsilogic, 0, PciAddress{0, 5, 0}},
                        {ControllerKind::scsi_lsisas1068, 1, PciAddress{0, 6, 0}},
                        {ControllerKind::usb_ehci, 0, std::nullopt}};
    DiskSpec disk;
    disk.image = DiskImage{"/vm/a.raw", ImageFormat::raw};
    for (const auto& [bus, controller, unit] : {std::tuple{DiskBus::scsi, 0U, 6U},
                                                {DiskBus::scsi, 1U, 7U},
                                                {DiskBus::usb, 0U, 2U},
                                                {DiskBus::virtio, 0U, 0U},
                                                {DiskBus::ide, 0U, 1U}}) {
        disk.bus = bus;
        disk.controller = controller;
        disk.unit = unit;
        disk.address = bus == DiskBus::virtio ? std::optional(PciAddress{0, 9, 0}) : std::nullopt;
        spec.disks.push_back(disk);
    }
    DiskSpec floppy;
    floppy.device = DiskDevice::floppy;
    floppy.bus = DiskBus::floppy;
    spec.disks.push_back(floppy);
    spec.nics = {{.mac = "00:50:56:00:00:01", .bridge = "br0", .link_up = false}};
    spec.serial_ports = {
        {.port = 0, .backend = SerialBackend::pty},
        {.port = 1, .backend = SerialBackend::unix_listen, .path = "/run/s"},
        {.port = 2, .backend = SerialBackend::tcp_listen, .host = "10.0.0.1", .tcp_port = 4000}};
    spec.vnc = VncSpec{.listen_address = "::", .port = 5901, .password = "hunter2"};
    spec.video = VideoSpec{.model = VideoModel::vmvga, .memory_bytes = 4U << 20};
    expect_golden("devices.xml", spec);
}

TEST(DomainXml, ConnectsPortsWhoeverListensOrNot) {
    auto spec = ordinary();
    spec.serial_ports = {
        {.port = 0, .backend = SerialBackend::tcp_connect, .host = "10.0.0.9", .tcp_port = 4000}};
    pugi::xml_document document;
    ASSERT_TRUE(document.load_string(to_domain_xml(spec).c_str()));
    const auto source = document.child("domain").child("devices").child("serial").child("source");
    EXPECT_STREQ(source.attribute("mode").value(), "connect");
    EXPECT_STREQ(source.attribute("host").value(), "10.0.0.9");
    EXPECT_STREQ(source.attribute("service").value(), "4000");
    EXPECT_STREQ(source.child("reconnect").attribute("enabled").value(), "yes");
}

// See append_uneven_memory(): 64 pages of 4 KiB are what QEMU's list of changed pages has in a
// word.
TEST(DomainXml, MemoryOfAnEmulatedGuestIsNoMultipleOf64Pages) {
    auto spec = base();
    spec.accelerator = Accelerator::tcg;
    EXPECT_THAT(to_domain_xml(spec), HasSubstr("id=uneven.ram,size=268443648"));
    EXPECT_NE(268443648 % (64 * 4096), 0);
    spec.accelerator = Accelerator::kvm;
    EXPECT_THAT(to_domain_xml(spec), Not(HasSubstr("uneven")));
}

TEST(DomainXml, NoTextEscapesFromItsPlace) {
    const std::string hostile = R"(</title><devices>"'&<![CDATA[]]>)";
    auto spec = ordinary();
    spec.display_name = hostile + "\n\x01\xFF";
    spec.metadata = {{"a", hostile}};
    spec.disks[0].image->path = "/" + hostile;
    const auto xml = to_domain_xml(spec);
    pugi::xml_document document;
    ASSERT_TRUE(document.load_string(xml.c_str()));
    const auto domain = document.child("domain");
    EXPECT_EQ(domain.child_value("title"), hostile + "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(std::distance(domain.children("devices").begin(), domain.children("devices").end()),
              1);
    const auto disk = domain.child("devices").child("disk");
    EXPECT_EQ(disk.child("source").attribute("file").value(), "/" + hostile);
    EXPECT_EQ(parse_live_xml(xml).metadata, spec.metadata);
}

}  // namespace
}  // namespace drover::hypervisor::libvirt
