#include "host/performance/usage.hpp"

#include <gtest/gtest.h>

#include "host/performance/machine_shape.hpp"

namespace drover::host {
namespace {

using hypervisor::DomainStats;
using std::chrono::steady_clock;

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kMiB = 1 << 20;

DomainStats at_second(int second) {
    DomainStats stats;
    stats.taken_at = steady_clock::time_point(std::chrono::seconds(second));
    return stats;
}

std::optional<std::uint32_t> reading(const std::vector<Reading>& readings, Counter counter,
                                     std::string_view instance = "") {
    for (const Reading& each : readings) {
        if (each.counter == counter && each.instance == instance) return each.value;
    }
    return std::nullopt;
}

// Two vCPUs over 10 s: one runs half the time, the other is ready for 1 s.
struct TwoVcpus {
    DomainStats before = at_second(0);
    DomainStats now = at_second(10);
    TwoVcpus() {
        before.vcpus = {{.index = 0, .time_ns = 7 * kSecondNs}, {.index = 1}};
        now.vcpus = {{.index = 0, .time_ns = 12 * kSecondNs, .wait_ns = kSecondNs},
                     {.index = 1, .ready_ns = kSecondNs}};
        before.cpu_time_ns = 8 * kSecondNs;
        now.cpu_time_ns = 14 * kSecondNs;  // 1 s more than the vCPUs: QEMU's own threads
    }
};

TEST(MachineUsage, CpuRatesAreWhatVsphereCallsThem) {
    const TwoVcpus stats;
    const auto usage = measure_machine(&stats.before, stats.now, {.vcpus = 2}, 2000);
    EXPECT_EQ(usage.cpu_mhz, 1200u);             // 6 s of CPU in 10 s at 2000 MHz
    EXPECT_EQ(usage.cpu_demand_mhz, 1400u);      // and 1 s of waiting for a CPU
    EXPECT_EQ(usage.cpu_readiness_percent, 5u);  // 10 % and 0 %, on average
    EXPECT_EQ(reading(usage.readings, Counter::cpu_usage), 3000u);  // 30.00 % of two vCPUs
    EXPECT_EQ(reading(usage.readings, Counter::cpu_usage, "0"), 5000u);
    EXPECT_EQ(reading(usage.readings, Counter::cpu_usage_mhz, "0"), 1000u);
}

TEST(MachineUsage, SummationsReferToTwentySeconds) {
    const TwoVcpus stats;
    const auto readings = measure_machine(&stats.before, stats.now, {.vcpus = 2}, 2000).readings;
    EXPECT_EQ(reading(readings, Counter::cpu_ready, "1"), 2000u);
    EXPECT_EQ(reading(readings, Counter::cpu_ready), 2000u);
    EXPECT_EQ(reading(readings, Counter::cpu_used, "0"), 10'000u);
    EXPECT_EQ(reading(readings, Counter::cpu_wait, "0"), 10'000u);
    EXPECT_EQ(reading(readings, Counter::cpu_idle, "0"), 8'000u);  // 2 s of waiting were for I/O
    EXPECT_EQ(reading(readings, Counter::cpu_wait, "1"), 18'000u);
}

TEST(MachineUsage, AFirstLookHasMemoryOnly) {
    DomainStats now = at_second(5);
    now.vcpus = {{.index = 0, .time_ns = kSecondNs}};
    now.balloon.current_bytes = 100 * kMiB;
    now.balloon.maximum_bytes = 128 * kMiB;
    now.balloon.rss_bytes = 90 * kMiB;
    const auto usage =
        measure_machine(nullptr, now, {.vcpus = 1, .memory_bytes = 128 * kMiB}, 2000);
    EXPECT_FALSE(usage.cpu_mhz);
    EXPECT_FALSE(usage.disk_read_bytes_per_second);
    EXPECT_EQ(usage.guest_memory_bytes, 90 * kMiB);
    EXPECT_EQ(usage.ballooned_memory_bytes, 28 * kMiB);
    EXPECT_EQ(reading(usage.readings, Counter::memory_usage), 7031u);
    EXPECT_EQ(reading(usage.readings, Counter::memory_granted), 100u * 1024);
}

TEST(MachineUsage, TheGuestsOwnWordOnMemoryWinsButIsBound) {
    DomainStats now = at_second(5);
    now.balloon.current_bytes = 100 * kMiB;
    now.balloon.maximum_bytes = 100 * kMiB;
    now.balloon.rss_bytes = 130 * kMiB;
    now.balloon.available_bytes = 96 * kMiB;
    now.balloon.usable_bytes = 66 * kMiB;
    const MachineShape shape{.memory_bytes = 100 * kMiB};
    auto usage = measure_machine(nullptr, now, shape, 2000);
    EXPECT_EQ(usage.guest_memory_bytes, 30 * kMiB);
    EXPECT_EQ(usage.overhead_memory_bytes, 30 * kMiB);
    EXPECT_EQ(reading(usage.readings, Counter::memory_consumed), 100u * 1024);
    now.balloon.usable_bytes = UINT64_MAX;  // a guest that lies
    EXPECT_EQ(measure_machine(nullptr, now, shape, 2000).guest_memory_bytes, 100 * kMiB);
}

TEST(MachineUsage, DisksAndNicsHaveTheInterfacesNames) {
    DomainStats before = at_second(0);
    DomainStats now = at_second(10);
    before.disks.resize(1);
    before.disks[0].target = "sda";
    now.disks = before.disks;
    now.disks[0].read_bytes = 10 * kMiB;
    now.disks[0].read_requests = 100;
    now.disks[0].read_time_ns = kSecondNs;
    before.nics.resize(1);
    now.nics = before.nics;
    now.nics[0].rx_bytes = 20 * 1024;
    now.nics[0].rx_packets = 30;
    const MachineShape shape{.disk_names = {{"sda", "scsi0:0"}}, .nic_names = {"4000"}};
    const auto usage = measure_machine(&before, now, shape, 2000);
    const auto& readings = usage.readings;
    EXPECT_EQ(usage.disk_read_bytes_per_second, kMiB);
    EXPECT_EQ(reading(readings, Counter::disk_read), 1024u);
    EXPECT_EQ(reading(readings, Counter::disk_reads), 200u);
    EXPECT_EQ(reading(readings, Counter::virtual_disk_read, "scsi0:0"), 1024u);
    EXPECT_EQ(reading(readings, Counter::virtual_disk_read_latency, "scsi0:0"), 10u);
    EXPECT_EQ(reading(readings, Counter::virtual_disk_write_latency, "scsi0:0"), 0u);
    EXPECT_EQ(reading(readings, Counter::net_received, "4000"), 2u);
    EXPECT_EQ(reading(readings, Counter::net_packets_received), 60u);
}

TEST(MachineUsage, CountersThatStartAnewDoNotExplode) {
    DomainStats before = at_second(0);
    DomainStats now = at_second(10);
    before.cpu_time_ns = 1000 * kSecondNs;
    now.cpu_time_ns = 5 * kSecondNs;  // after a migration
    EXPECT_EQ(measure_machine(&before, now, {}, 2000).cpu_mhz, 1000u);
}

TEST(MachineUsage, LooksAtTheSameMomentGiveNoRates) {
    const DomainStats stats = at_second(3);
    EXPECT_FALSE(measure_machine(&stats, stats, {}, 2000).cpu_mhz);
}

TEST(HostUsage, CountsTheWholeComputer) {
    HostCounters before;
    HostCounters now;
    now.taken_at = before.taken_at + std::chrono::seconds(10);
    now.stats.cpu_user_ns = 5 * kSecondNs;
    now.stats.cpu_idle_ns = 15 * kSecondNs;
    now.stats.memory_total_bytes = 1000 * kMiB;
    now.stats.memory_free_bytes = 300 * kMiB;
    now.stats.memory_cached_bytes = 200 * kMiB;
    before.nics = {{.name = "eth0"}};
    now.nics = {{.name = "eth0", .rx_bytes = 10240, .tx_bytes = 20480}};
    const HostCapacity capacity{.cpu_mhz = 2000, .cores = 2, .memory_bytes = 1000 * kMiB};
    const auto usage = measure_host(&before, now, {}, capacity);
    EXPECT_EQ(usage.cpu_mhz, 1000u);
    EXPECT_EQ(usage.memory_bytes, 500 * kMiB);
    EXPECT_EQ(reading(usage.readings, Counter::cpu_usage), 2500u);
    EXPECT_EQ(reading(usage.readings, Counter::memory_usage), 5000u);
    EXPECT_EQ(reading(usage.readings, Counter::net_usage, "eth0"), 3u);
    EXPECT_EQ(reading(usage.readings, Counter::net_usage), 3u);
}

TEST(HostUsage, ASliceCountsItsMachines) {
    HostCounters before;
    HostCounters now;
    now.taken_at = before.taken_at + std::chrono::seconds(10);
    now.stats.cpu_user_ns = 99 * kSecondNs;  // of other hosts on the same computer
    now.stats.memory_total_bytes = 1000 * kMiB;
    std::vector<MachineUsage> machines(2);
    for (auto& machine : machines) {
        machine.host_memory_bytes = 40 * kMiB;
        machine.readings = {{Counter::cpu_usage_mhz, "", 300}, {Counter::cpu_usage_mhz, "0", 300}};
    }
    const HostCapacity capacity{
        .cpu_mhz = 1000, .cores = 1, .memory_bytes = 200 * kMiB, .is_slice = true};
    const auto usage = measure_host(&before, now, machines, capacity);
    EXPECT_EQ(usage.cpu_mhz, 600u);
    EXPECT_EQ(usage.memory_bytes, 80 * kMiB);
}

TEST(NetDev, ReadsTheKernelsTable) {
    const auto nics = parse_net_dev(
        "Inter-|   Receive                         |  Transmit\n"
        " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs\n"
        "    lo: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n"
        "  eth0:1500 10 0 0 0 0 0 0 700 7 0 0 0 0 0 0\n"
        " short: 1 2 3\n");
    ASSERT_EQ(nics.size(), 2u);
    EXPECT_EQ(nics[1].name, "eth0");
    EXPECT_EQ(nics[1].rx_bytes, 1500u);
    EXPECT_EQ(nics[1].tx_bytes, 700u);
    EXPECT_EQ(nics[1].tx_packets, 7u);
    EXPECT_TRUE(parse_net_dev("").empty());
}

TEST(MachineShape, NamesFollowFromPlaces) {
    auto disk = vim::VirtualDisk::make();
    disk.set_key(2001);
    disk.set_controllerKey(1000);
    disk.set_unitNumber(1);
    auto ide_disk = vim::VirtualDisk::make();
    ide_disk.set_key(3002);
    ide_disk.set_controllerKey(201);
    ide_disk.set_unitNumber(0);
    auto nic = vim::VirtualE1000::make();
    nic.set_key(4000);
    auto hardware = vim::VirtualHardware::make();
    hardware.set_numCPU(2);
    hardware.set_memoryMB(256);
    hardware.set_device({disk, ide_disk, nic});
    auto config = vim::VirtualMachineConfigInfo::make();
    config.set_hardware(hardware);
    const base::WallTime now{std::chrono::hours(1000)};
    const auto shape = shape_of(config, now - std::chrono::milliseconds(61'500), now);
    EXPECT_EQ(shape.vcpus, 2u);
    EXPECT_EQ(shape.memory_bytes, 256 * kMiB);
    EXPECT_EQ(shape.uptime, std::chrono::seconds(61));
    EXPECT_EQ(shape.disk_names.at("sdb"), "scsi0:1");
    EXPECT_EQ(shape.disk_names.at("hdc"), "ide1:0");
    EXPECT_EQ(shape.nic_names, std::vector<std::string>{"4000"});
    EXPECT_FALSE(shape_of({}, now + std::chrono::hours(1), now).uptime);
}

}  // namespace
}  // namespace drover::host
