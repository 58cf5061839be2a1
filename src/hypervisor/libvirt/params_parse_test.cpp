#include "hypervisor/libvirt/params_parse.hpp"

#include <gmock/gmock.h>
#include <libvirt/virterror.h>

#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/event_map.hpp"

namespace drover::hypervisor::libvirt {
namespace {

using Value = std::variant<std::uint64_t, std::string>;

TypedParams params(std::initializer_list<std::pair<const char*, Value>> values) {
    TypedParams all;
    for (const auto& [name, value] : values) all.set(name, value);
    return all;
}
Value number(std::uint64_t value) {
    return value;
}
Value text(const char* value) {
    return std::string(value);
}

TEST(TypedParams, ReadsAllKindsOfNumbers) {
    virTypedParameter raw[5]{};
    const auto name = [](virTypedParameter& param, const char* field) {
        std::string_view(field).copy(param.field, sizeof(param.field) - 1);
    };
    name(raw[0], "int");
    raw[0].type = VIR_TYPED_PARAM_INT;
    raw[0].value.i = 7;
    name(raw[1], "negative");
    raw[1].type = VIR_TYPED_PARAM_LLONG;
    raw[1].value.l = -1;
    name(raw[2], "huge");
    raw[2].type = VIR_TYPED_PARAM_ULLONG;
    raw[2].value.ul = ~0ULL;
    name(raw[3], "double");
    raw[3].type = VIR_TYPED_PARAM_DOUBLE;
    raw[3].value.d = 1e300;
    name(raw[4], "text");
    raw[4].type = VIR_TYPED_PARAM_STRING;
    std::string value = "abc";
    raw[4].value.s = value.data();
    const TypedParams all(raw, 5);
    EXPECT_EQ(all.number("int"), 7U);
    EXPECT_FALSE(all.number("negative").has_value());
    EXPECT_EQ(all.number("huge"), ~0ULL);
    EXPECT_FALSE(all.number("double").has_value());
    EXPECT_EQ(all.text("text"), "abc");
    EXPECT_EQ(all.text("text", 2), "ab");
    EXPECT_FALSE(all.number("text").has_value());
    EXPECT_EQ(all.text("int"), "");
}

TEST(Stats, ReadsAllGroups) {
    const auto stats = parse_stats(params({
        {"state.state", number(VIR_DOMAIN_PAUSED)},
        {"cpu.time", number(100)},
        {"cpu.user", number(60)},
        {"cpu.system", number(40)},
        {"vcpu.current", number(2)},
        {"vcpu.maximum", number(3)},
        {"vcpu.0.state", number(VIR_VCPU_RUNNING)},
        {"vcpu.0.time", number(11)},
        {"vcpu.0.wait", number(12)},
        {"vcpu.0.delay", number(13)},
        {"vcpu.1.state", number(VIR_VCPU_OFFLINE)},
        {"vcpu.2.state", number(VIR_VCPU_RUNNING)},
        {"vcpu.2.halted", number(1)},
        {"balloon.current", number(1024)},
        {"balloon.maximum", number(2048)},
        {"balloon.rss", number(512)},
        {"balloon.unused", number(4)},
        {"net.count", number(1)},
        {"net.0.name", text("vnet0")},
        {"net.0.rx.bytes", number(1)},
        {"net.0.rx.pkts", number(2)},
        {"net.0.rx.drop", number(3)},
        {"net.0.tx.bytes", number(4)},
        {"net.0.tx.pkts", number(5)},
        {"net.0.tx.drop", number(6)},
        {"block.count", number(1)},
        {"block.0.name", text("sda")},
        {"block.0.path", text("/a")},
        {"block.0.rd.reqs", number(1)},
        {"block.0.rd.bytes", number(2)},
        {"block.0.rd.times", number(3)},
        {"block.0.wr.reqs", number(4)},
        {"block.0.wr.bytes", number(5)},
        {"block.0.wr.times", number(6)},
        {"block.0.fl.reqs", number(7)},
        {"block.0.fl.times", number(8)},
        {"block.0.allocation", number(9)},
        {"block.0.capacity", number(10)},
        {"block.0.physical", number(11)},
    }));
    EXPECT_EQ(stats.state, DomainState::paused);
    EXPECT_EQ(stats.cpu_time_ns, 100U);
    EXPECT_EQ(stats.cpu_user_ns, 60U);
    EXPECT_EQ(stats.cpu_system_ns, 40U);
    ASSERT_EQ(stats.vcpus.size(), 2U);
    EXPECT_EQ(stats.vcpus[0].time_ns, 11U);
    EXPECT_EQ(stats.vcpus[0].wait_ns, 12U);
    EXPECT_EQ(stats.vcpus[0].ready_ns, 13U);
    EXPECT_EQ(stats.vcpus[1].index, 2U);
    EXPECT_TRUE(stats.vcpus[1].halted);
    EXPECT_EQ(stats.balloon.current_bytes, 1U << 20);
    EXPECT_EQ(stats.balloon.rss_bytes, 512U << 10);
    EXPECT_EQ(stats.balloon.unused_bytes, 4096U);
    EXPECT_FALSE(stats.balloon.available_bytes.has_value());
    ASSERT_EQ(stats.nics.size(), 1U);
    EXPECT_EQ(stats.nics[0].tap, "vnet0");
    EXPECT_EQ(stats.nics[0].rx_drops, 3U);
    EXPECT_EQ(stats.nics[0].tx_packets, 5U);
    ASSERT_EQ(stats.disks.size(), 1U);
    EXPECT_EQ(stats.disks[0].target, "sda");
    EXPECT_EQ(stats.disks[0].write_time_ns, 6U);
    EXPECT_EQ(stats.disks[0].flush_requests, 7U);
    EXPECT_EQ(stats.disks[0].capacity_bytes, 10U);
}

TEST(Stats, HidesThePagesThatAnEmulatedGuestHasMoreThanWasAsked) {
    const auto stats = parse_stats(params({
        {"balloon.current", number(16392)},
        {"balloon.maximum", number(16384)},
    }));
    EXPECT_EQ(stats.balloon.current_bytes, 16U << 20);
}

TEST(Stats, BoundsCountsAndSurvivesNothing) {
    EXPECT_TRUE(parse_stats({}).vcpus.empty());
    const auto stats = parse_stats(params({{"vcpu.maximum", number(~0ULL)},
                                           {"block.count", number(~0ULL)},
                                           {"net.count", number(~0ULL)},
                                           {"balloon.current", number(~0ULL)}}));
    EXPECT_LE(stats.disks.size(), 1024U);
    EXPECT_LE(stats.nics.size(), 1024U);
    EXPECT_EQ(stats.balloon.current_bytes, 0U);
}

TEST(GuestInfo, ReadsWhatTheAgentSays) {
    const auto info = parse_guest_info(params({
        {"hostname", text("web\n01")},
        {"os.id", text("debian")},
        {"os.pretty-name", text("Debian GNU/Linux 12 (bookworm)")},
        {"os.kernel-release", text("6.1.0")},
        {"if.count", number(1)},
        {"if.0.name", text("eth0")},
        {"if.0.hwaddr", text("00:50:56:01:02:03")},
        {"if.0.addr.count", number(2)},
        {"if.0.addr.0.addr", text("10.0.0.7")},
        {"if.0.addr.0.prefix", number(24)},
        {"if.0.addr.1.addr", text("fe80::1")},
        {"if.0.addr.1.prefix", number(9999)},
        {"fs.count", number(1)},
        {"fs.0.mountpoint", text("/")},
        {"fs.0.total-bytes", number(1000)},
        {"fs.0.used-bytes", number(10)},
    }));
    EXPECT_EQ(info.host_name,
              "web\xEF\xBF\xBD"
              "01");
    EXPECT_EQ(info.os_id, "debian");
    ASSERT_EQ(info.interfaces.size(), 1U);
    ASSERT_EQ(info.interfaces[0].addresses.size(), 2U);
    EXPECT_EQ(info.interfaces[0].addresses[0].ip, "10.0.0.7");
    EXPECT_EQ(info.interfaces[0].addresses[1].prefix, 128U);
    ASSERT_EQ(info.filesystems.size(), 1U);
    EXPECT_EQ(info.filesystems[0].used_bytes, 10U);
}

TEST(GuestInfo, AHostileAgentIsBounded) {
    const auto info = parse_guest_info(params({{"if.count", number(~0ULL)},
                                               {"if.0.addr.count", number(~0ULL)},
                                               {"fs.count", number(~0ULL)},
                                               {"hostname", std::string(100000, 'x')}}));
    EXPECT_LE(info.interfaces.size(), 128U);
    EXPECT_LE(info.interfaces.at(0).addresses.size(), 128U);
    EXPECT_LE(info.filesystems.size(), 128U);
    EXPECT_LE(info.host_name.size(), 256U);
}

TEST(Errors, AreOfTheirKind) {
    const std::tuple<int, int, int, const char*, ErrorKind> cases[] = {
        {VIR_ERR_NO_DOMAIN, VIR_FROM_QEMU, 0, "Domain not found", ErrorKind::not_found},
        {VIR_ERR_OPERATION_FAILED, VIR_FROM_DOMAIN, 0, "domain 'a' already exists with uuid b",
         ErrorKind::already_running},
        {VIR_ERR_OPERATION_INVALID, VIR_FROM_DOMAIN, 0, "domain is already active as 'a'",
         ErrorKind::already_running},
        {VIR_ERR_OPERATION_INVALID, VIR_FROM_QEMU, 0, "domain is not running",
         ErrorKind::invalid_state},
        {VIR_ERR_OPERATION_TIMEOUT, VIR_FROM_QEMU, 0, "busy", ErrorKind::timed_out},
        {VIR_ERR_AGENT_UNRESPONSIVE, VIR_FROM_QEMU, 0, "x", ErrorKind::agent_unavailable},
        {VIR_ERR_INTERNAL_ERROR, VIR_FROM_RPC, 0, "client socket is closed",
         ErrorKind::unavailable},
        {VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU, 0,
         "process exited: Failed to get \"write\" lock\nIs another process using the image?",
         ErrorKind::device_in_use},
        {VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU, 0,
         "cannot set up guest memory 'pc.ram': Cannot allocate memory",
         ErrorKind::insufficient_memory},
        {VIR_ERR_SYSTEM_ERROR, VIR_FROM_QEMU, ENOSPC, "write", ErrorKind::no_space},
        {VIR_ERR_SYSTEM_ERROR, VIR_FROM_QEMU, EACCES, "open", ErrorKind::permission},
        {VIR_ERR_SYSTEM_ERROR, VIR_FROM_QEMU, ENOENT, "open", ErrorKind::missing_file},
        {VIR_ERR_CONFIG_UNSUPPORTED, VIR_FROM_QEMU, 0, "no", ErrorKind::unsupported},
        {VIR_ERR_INTERNAL_ERROR, VIR_FROM_QEMU, 0, "whatever", ErrorKind::internal},
    };
    for (const auto& [code, from, number_, message, kind] : cases)
        EXPECT_EQ(classify(code, from, number_, message), kind) << message;
}

TEST(Events, AreMapped) {
    const auto stopped = map_lifecycle(VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SAVED);
    ASSERT_TRUE(stopped.has_value());
    EXPECT_EQ(stopped->kind, LifecycleKind::stopped);
    EXPECT_EQ(stopped->stopped_reason, StoppedReason::saved);
    const auto paused =
        map_lifecycle(VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_IOERROR);
    ASSERT_TRUE(paused.has_value());
    EXPECT_EQ(paused->paused_reason, PausedReason::io_error);
    EXPECT_FALSE(map_lifecycle(VIR_DOMAIN_EVENT_DEFINED, 0).has_value());
    EXPECT_FALSE(map_lifecycle(12345, 0).has_value());
    EXPECT_EQ(map_io_error("enospc"), IoErrorReason::no_space);
    EXPECT_EQ(map_io_error(""), IoErrorReason::other);
}

}  // namespace
}  // namespace drover::hypervisor::libvirt
