#include <gmock/gmock.h>

#include <functional>

#include "hypervisor/domain_spec.hpp"
#include "hypervisor/hypervisor_error.hpp"
#include "hypervisor/text.hpp"

namespace drover::hypervisor {
namespace {

using ::testing::HasSubstr;

DomainSpec good() {
    DomainSpec spec;
    spec.uuid = DomainUuid("11111111-2222-4333-8444-555555555555");
    spec.machine_type = "pc-i440fx-7.2";
    spec.memory_bytes = 64U << 20;
    spec.controllers = {{ControllerKind::scsi_pvscsi, 0, PciAddress{0, 5, 0}},
                        {ControllerKind::usb_uhci, 0, PciAddress{0, 1, 2}}};
    DiskSpec disk;
    disk.image = DiskImage{"/vm/disk.qcow2", ImageFormat::qcow2};
    spec.disks = {disk};
    spec.nics = {{.mac = "00:50:56:01:02:03", .bridge = "br0"}};
    return spec;
}

std::string refusal(const std::function<void(DomainSpec&)>& change) {
    auto spec = good();
    change(spec);
    try {
        validate(spec);
    } catch (const HypervisorError& error) {
        EXPECT_EQ(error.kind(), ErrorKind::invalid_spec);
        return error.what();
    }
    return "accepted";
}

TEST(DomainSpec, AcceptsAGoodOne) {
    EXPECT_NO_THROW(validate(good()));
}

TEST(DomainSpec, NamesTheFieldThatIsWrong) {
    const std::pair<std::function<void(DomainSpec&)>, const char*> cases[] = {
        {[](auto& s) { s.uuid = DomainUuid("x"); }, "uuid"},
        {[](auto& s) { s.uuid = DomainUuid("00000000-0000-0000-0000-000000000000"); }, "uuid"},
        {[](auto& s) { s.uuid = DomainUuid("AAAAAAAA-2222-4333-8444-555555555555"); }, "uuid"},
        {[](auto& s) { s.machine_type = "pc"; }, "machine_type"},
        {[](auto& s) { s.machine_type = "pc-i440fx-7.2,x=y"; }, "machine_type"},
        {[](auto& s) { s.memory_bytes = 0; }, "memory_bytes"},
        {[](auto& s) { s.memory_bytes = (64U << 20) + 1; }, "memory_bytes"},
        {[](auto& s) { s.cpu.vcpus = 0; }, "cpu.vcpus"},
        {[](auto& s) { s.cpu.cores_per_socket = 2; }, "cpu.cores_per_socket"},
        {[](auto& s) { s.cpu.cores_per_socket = 0; }, "cpu.cores_per_socket"},
        {[](auto& s) { s.cpu.mode = CpuMode::named; }, "cpu.model"},
        {[](auto& s) { s.cpu_tuning.shares = 1; }, "cpu_tuning.shares"},
        {[](auto& s) { s.cpu_tuning.limit_cores = 0.0; }, "cpu_tuning.limit_cores"},
        {[](auto& s) { s.firmware.kind = FirmwareKind::uefi; }, "firmware.loader_path"},
        {[](auto& s) { s.firmware.secure_boot = true; }, "firmware.secure_boot"},
        {[](auto& s) { s.controllers[0].index = 16; }, "controllers[0].index"},
        {[](auto& s) { s.controllers.push_back(s.controllers[0]); }, "controllers[2].index"},
        {[](auto& s) { s.controllers[1].address = PciAddress{0, 5, 0}; }, "controllers[1].address"},
        {[](auto& s) { s.controllers[1].address = PciAddress{0, 32, 0}; },
         "controllers[1].address"},
        {[](auto& s) { s.disks[0].image.reset(); }, "disks[0].image"},
        {[](auto& s) { s.disks[0].image->path = "relative"; }, "disks[0].image.path"},
        {[](auto& s) { s.disks[0].image->path = std::string("/a\0b", 4); }, "disks[0].image.path"},
        {[](auto& s) { s.disks[0].image->path = "/a\nb"; }, "disks[0].image.path"},
        {[](auto& s) { s.disks[0].image->path = "/\xC3"; }, "disks[0].image.path"},
        {[](auto& s) { s.disks[0].image->path = "/" + std::string(5000, 'a'); },
         "disks[0].image.path"},
        {[](auto& s) { s.disks[0].controller = 1; }, "disks[0].controller"},
        {[](auto& s) { s.disks[0].unit = 64; }, "disks[0].unit"},
        {[](auto& s) { s.disks[0].serial = "a,b=c"; }, "disks[0].serial"},
        {[](auto& s) { s.disks[0].shareable = true; }, "disks[0].shareable"},
        {[](auto& s) {
             s.disks[0].io = IoMode::native;
             s.disks[0].cache = CacheMode::writeback;
         },
         "disks[0].io"},
        {[](auto& s) {
             s.disks[0].image->format = ImageFormat::raw;
             s.disks[0].backing_chain = {{"/vm/base", ImageFormat::raw}};
         },
         "disks[0].backing_chain"},
        {[](auto& s) { s.disks.push_back(s.disks[0]); }, "disks[1]"},
        {[](auto& s) {
             s.disks[0].boot_index = 1;
             s.nics[0].boot_index = 1;
         },
         "nics[0].boot_index"},
        {[](auto& s) { s.nics[0].mac = "00:50:56:01:02"; }, "nics[0].mac"},
        {[](auto& s) { s.nics[0].mac = "01:50:56:01:02:03"; }, "nics[0].mac"},
        {[](auto& s) { s.nics[0].bridge = "a bridge"; }, "nics[0].bridge"},
        {[](auto& s) { s.nics.push_back(s.nics[0]); }, "nics[1].mac"},
        {[](auto& s) { s.serial_ports = {{.port = 4, .path = "/x"}}; }, "serial_ports[0].port"},
        {[](auto& s) { s.vnc = VncSpec{.password = "123456789"}; }, "vnc.password"},
        {[](auto& s) { s.video = VideoSpec{.memory_bytes = 5U << 20}; }, "video.memory_bytes"},
        {[](auto& s) { s.guest_agent = true; }, "guest_agent"},
        {[](auto& s) { s.metadata = {{"a b", "c"}}; }, "metadata key"},
        {[](auto& s) { s.metadata = {{"a", "\x01"}}; }, "metadata.a"},
    };
    for (const auto& [change, field] : cases) {
        const auto message = refusal(change);
        EXPECT_THAT(message, HasSubstr(std::string(field) + ":")) << field;
    }
}

TEST(DomainSpec, EveryPlaceHasATargetOfItsOwn) {
    std::map<std::string, int> seen;
    DiskSpec disk;
    for (std::uint32_t controller = 0; controller < 16; ++controller) {
        disk.controller = controller;
        for (const auto& [bus, units] :
             {std::pair{DiskBus::scsi, 256U}, {DiskBus::sata, 6U}, {DiskBus::usb, 16U}})
            for (disk.bus = bus, disk.unit = 0; disk.unit < units; ++disk.unit)
                ++seen[disk_target(disk)];
    }
    for (const auto& [target, count] : seen) EXPECT_EQ(count, 1) << target;
    disk = {};
    EXPECT_EQ(disk_target(disk), "sda");
    disk.unit = 26;
    EXPECT_EQ(disk_target(disk), "sdaa");
    disk.bus = DiskBus::ide;
    disk.channel = 1;
    disk.unit = 1;
    EXPECT_EQ(disk_target(disk), "hdd");
}

TEST(Text, KnowsPlainText) {
    EXPECT_TRUE(is_plain_text("naïve 日本 🐑"));
    EXPECT_TRUE(is_plain_text(""));
    for (const auto* bad : {"\x01", "\n", "\x7F", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                            "\xEF\xBF\xBF", "\xFF", "\xE2\x82"})
        EXPECT_FALSE(is_plain_text(bad)) << bad;
    EXPECT_EQ(to_plain_text("a\nb\xFF", 100),
              "a\xEF\xBF\xBD"
              "b\xEF\xBF\xBD");
    EXPECT_EQ(to_plain_text("日本", 4), "日");
}

}  // namespace
}  // namespace drover::hypervisor
