#include "host/performance/counters.hpp"

#include <algorithm>
#include <array>

#include "base/check.hpp"

namespace drover::host {
namespace {

using Rollup = vim::PerfSummaryType;
using Kind = vim::PerfStatsType;
using Unit = vim::PerformanceManagerUnit;

// Ids, groups, names, kinds and levels are vSphere's (as vCenter numbers them), so that scripts
// which carry numbers work here as well.
constexpr auto kCounters = std::to_array<CounterDefinition>({
    {Counter::cpu_usage, 2, "cpu", "usage", Rollup::average, Kind::rate, Unit::percent, 1, 3,
     "Usage", "Share of the CPU that was used"},
    {Counter::cpu_usage_mhz, 6, "cpu", "usagemhz", Rollup::average, Kind::rate, Unit::megaHertz, 1,
     3, "Usage in MHz", "CPU that was used, in megahertz"},
    {Counter::cpu_wait, 11, "cpu", "wait", Rollup::summation, Kind::delta, Unit::millisecond, 3, 3,
     "Wait", "Time without work or waiting for I/O"},
    {Counter::cpu_ready, 12, "cpu", "ready", Rollup::summation, Kind::delta, Unit::millisecond, 1,
     3, "Ready", "Time in which there was work, but no free physical CPU"},
    {Counter::cpu_idle, 13, "cpu", "idle", Rollup::summation, Kind::delta, Unit::millisecond, 2, 3,
     "Idle", "Time without work"},
    {Counter::cpu_used, 14, "cpu", "used", Rollup::summation, Kind::delta, Unit::millisecond, 3, 3,
     "Used", "Time spent on a physical CPU"},
    {Counter::memory_usage, 24, "mem", "usage", Rollup::average, Kind::absolute, Unit::percent, 1,
     4, "Usage", "Memory in use, as a share of what is configured or installed"},
    {Counter::memory_granted, 29, "mem", "granted", Rollup::average, Kind::absolute,
     Unit::kiloBytes, 2, 4, "Granted", "Memory that guests may use now"},
    {Counter::memory_active, 33, "mem", "active", Rollup::average, Kind::absolute, Unit::kiloBytes,
     2, 4, "Active", "Memory that guests are using"},
    {Counter::memory_shared, 37, "mem", "shared", Rollup::average, Kind::absolute, Unit::kiloBytes,
     2, 4, "Shared", "Memory that is one copy for several guests"},
    {Counter::memory_swap_used, 49, "mem", "swapused", Rollup::average, Kind::absolute,
     Unit::kiloBytes, 2, 3, "Swap used", "The host's swap space in use"},
    {Counter::memory_shared_common, 57, "mem", "sharedcommon", Rollup::average, Kind::absolute,
     Unit::kiloBytes, 2, 3, "Shared common", "Memory that the one copy of shared pages takes"},
    {Counter::memory_swapped, 70, "mem", "swapped", Rollup::average, Kind::absolute,
     Unit::kiloBytes, 2, 3, "Swapped", "Memory of guests that the host has swapped out"},
    {Counter::memory_ballooned, 90, "mem", "vmmemctl", Rollup::average, Kind::absolute,
     Unit::kiloBytes, 1, 4, "Balloon", "Memory that the balloon driver has taken back"},
    {Counter::memory_consumed, 98, "mem", "consumed", Rollup::average, Kind::absolute,
     Unit::kiloBytes, 1, 4, "Consumed", "The host's memory in use"},
    {Counter::memory_overhead, 102, "mem", "overhead", Rollup::average, Kind::absolute,
     Unit::kiloBytes, 1, 4, "Overhead", "The host's memory spent on running the machine"},
    {Counter::disk_usage, 125, "disk", "usage", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 1, 3, "Usage", "Rate of reading and writing"},
    {Counter::disk_reads, 128, "disk", "numberRead", Rollup::summation, Kind::delta, Unit::number,
     3, 3, "Read requests", "Reads in the interval"},
    {Counter::disk_writes, 129, "disk", "numberWrite", Rollup::summation, Kind::delta, Unit::number,
     3, 3, "Write requests", "Writes in the interval"},
    {Counter::disk_read, 130, "disk", "read", Rollup::average, Kind::rate, Unit::kiloBytesPerSecond,
     2, 3, "Read rate", "Rate of reading"},
    {Counter::disk_write, 131, "disk", "write", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 2, 3, "Write rate", "Rate of writing"},
    {Counter::disk_max_latency, 133, "disk", "maxTotalLatency", Rollup::latest, Kind::absolute,
     Unit::millisecond, 1, 3, "Highest latency", "What one request takes on the slowest disk"},
    {Counter::disk_reads_per_second, 136, "disk", "numberReadAveraged", Rollup::average, Kind::rate,
     Unit::number, 1, 3, "Average read requests per second", "Reads in a second"},
    {Counter::disk_writes_per_second, 137, "disk", "numberWriteAveraged", Rollup::average,
     Kind::rate, Unit::number, 1, 3, "Average write requests per second", "Writes in a second"},
    {Counter::net_usage, 143, "net", "usage", Rollup::average, Kind::rate, Unit::kiloBytesPerSecond,
     1, 3, "Usage", "Rate of receiving and sending"},
    {Counter::net_packets_received, 146, "net", "packetsRx", Rollup::summation, Kind::delta,
     Unit::number, 2, 3, "Packets received", "Packets received in the interval"},
    {Counter::net_packets_sent, 147, "net", "packetsTx", Rollup::summation, Kind::delta,
     Unit::number, 2, 3, "Packets transmitted", "Packets sent in the interval"},
    {Counter::net_received, 148, "net", "received", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 2, 3, "Data receive rate", "Rate of receiving"},
    {Counter::net_sent, 149, "net", "transmitted", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 2, 3, "Data transmit rate", "Rate of sending"},
    {Counter::uptime, 155, "sys", "uptime", Rollup::latest, Kind::absolute, Unit::second, 1, 3,
     "Uptime", "Time since the start"},
    {Counter::virtual_disk_reads_per_second, 171, "virtualDisk", "numberReadAveraged",
     Rollup::average, Kind::rate, Unit::number, 1, 3, "Average read requests per second",
     "Reads in a second"},
    {Counter::virtual_disk_writes_per_second, 172, "virtualDisk", "numberWriteAveraged",
     Rollup::average, Kind::rate, Unit::number, 1, 3, "Average write requests per second",
     "Writes in a second"},
    {Counter::virtual_disk_read, 173, "virtualDisk", "read", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 2, 2, "Read rate", "Rate of reading from the virtual disk"},
    {Counter::virtual_disk_write, 174, "virtualDisk", "write", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 2, 2, "Write rate", "Rate of writing to the virtual disk"},
    {Counter::virtual_disk_read_latency, 175, "virtualDisk", "totalReadLatency", Rollup::average,
     Kind::absolute, Unit::millisecond, 1, 3, "Read latency", "What one read takes on average"},
    {Counter::virtual_disk_write_latency, 176, "virtualDisk", "totalWriteLatency", Rollup::average,
     Kind::absolute, Unit::millisecond, 1, 3, "Write latency", "What one write takes on average"},
    {Counter::datastore_reads_per_second, 178, "datastore", "numberReadAveraged", Rollup::average,
     Kind::rate, Unit::number, 1, 3, "Average read requests per second",
     "Reads from the datastore in a second"},
    {Counter::datastore_writes_per_second, 179, "datastore", "numberWriteAveraged", Rollup::average,
     Kind::rate, Unit::number, 1, 3, "Average write requests per second",
     "Writes to the datastore in a second"},
    {Counter::datastore_read, 180, "datastore", "read", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 2, 2, "Read rate", "Rate of reading from the datastore"},
    {Counter::datastore_write, 181, "datastore", "write", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 2, 2, "Write rate", "Rate of writing to the datastore"},
    {Counter::datastore_read_latency, 182, "datastore", "totalReadLatency", Rollup::average,
     Kind::absolute, Unit::millisecond, 1, 3, "Read latency",
     "What one read from the datastore takes on average"},
    {Counter::datastore_write_latency, 183, "datastore", "totalWriteLatency", Rollup::average,
     Kind::absolute, Unit::millisecond, 1, 3, "Write latency",
     "What one write to the datastore takes on average"},
    {Counter::datastore_max_latency, 184, "datastore", "maxTotalLatency", Rollup::latest,
     Kind::absolute, Unit::millisecond, 3, 3, "Highest latency",
     "What one request takes on the slowest datastore"},
    {Counter::cpu_utilization, 388, "cpu", "utilization", Rollup::average, Kind::rate,
     Unit::percent, 2, 3, "Utilization", "Share of the time in which the CPU was busy"},
    {Counter::cpu_capacity, 395, "cpu", "totalCapacity", Rollup::average, Kind::absolute,
     Unit::megaHertz, 2, 3, "Total capacity", "What the host has for machines"},
    {Counter::cpu_demand, 398, "cpu", "demand", Rollup::average, Kind::absolute, Unit::megaHertz, 2,
     3, "Demand", "CPU that would be used if nobody else wanted it"},
    {Counter::cpu_run, 402, "cpu", "run", Rollup::summation, Kind::delta, Unit::millisecond, 2, 3,
     "Run", "Time in which the CPU was scheduled to run"},
    {Counter::cpu_readiness, 404, "cpu", "readiness", Rollup::average, Kind::rate, Unit::percent, 4,
     4, "Readiness", "Share of the time in which there was work, but no free physical CPU"},
    {Counter::memory_capacity, 419, "mem", "totalCapacity", Rollup::average, Kind::absolute,
     Unit::megaBytes, 2, 3, "Total capacity", "What the host has for machines"},
    {Counter::disk_commands, 446, "disk", "commands", Rollup::summation, Kind::delta, Unit::number,
     2, 3, "Commands issued", "Reads and writes in the interval"},
    {Counter::net_dropped_received, 460, "net", "droppedRx", Rollup::summation, Kind::delta,
     Unit::number, 2, 3, "Receive packets dropped", "Received packets that were dropped"},
    {Counter::net_dropped_sent, 461, "net", "droppedTx", Rollup::summation, Kind::delta,
     Unit::number, 2, 3, "Transmit packets dropped", "Packets to be sent that were dropped"},
    {Counter::net_bytes_received, 462, "net", "bytesRx", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 2, 3, "Data receive rate", "Rate of receiving"},
    {Counter::net_bytes_sent, 463, "net", "bytesTx", Rollup::average, Kind::rate,
     Unit::kiloBytesPerSecond, 2, 3, "Data transmit rate", "Rate of sending"},
    {Counter::net_errors_received, 468, "net", "errorsRx", Rollup::summation, Kind::delta,
     Unit::number, 2, 3, "Packet receive errors", "Packets that were received wrongly"},
    {Counter::net_errors_sent, 469, "net", "errorsTx", Rollup::summation, Kind::delta, Unit::number,
     2, 3, "Packet transmit errors", "Packets that could not be sent"},
    {Counter::virtual_disk_read_latency_us, 532, "virtualDisk", "readLatencyUS", Rollup::latest,
     Kind::absolute, Unit::microsecond, 4, 4, "Read latency", "What one read takes on average"},
    {Counter::virtual_disk_write_latency_us, 533, "virtualDisk", "writeLatencyUS", Rollup::latest,
     Kind::absolute, Unit::microsecond, 4, 4, "Write latency", "What one write takes on average"},
});

constexpr bool is_sorted() {
    return std::ranges::is_sorted(kCounters, {}, &CounterDefinition::id);
}
static_assert(is_sorted(), "find_counter() needs the order of the ids");

struct Words {
    std::string_view label;
    std::string_view summary;
};

Words words_of_group(std::string_view group) {
    if (group == "cpu") return {"CPU", "CPU"};
    if (group == "mem") return {"Memory", "Memory"};
    if (group == "disk") return {"Disk", "Disk"};
    if (group == "net") return {"Network", "Network"};
    if (group == "sys") return {"System", "System"};
    if (group == "datastore") return {"Datastore", "Datastore"};
    return {"Virtual disk", "Virtual disk"};
}

Words words_of_unit(Unit unit) {
    switch (unit) {
        case Unit::percent:
            return {"%", "Percentage"};
        case Unit::kiloBytes:
            return {"KB", "Kilobytes"};
        case Unit::megaBytes:
            return {"MB", "Megabytes"};
        case Unit::microsecond:
            return {"\u00b5s", "Microseconds"};
        case Unit::megaHertz:
            return {"MHz", "Megahertz"};
        case Unit::millisecond:
            return {"ms", "Milliseconds"};
        case Unit::second:
            return {"s", "Seconds"};
        case Unit::kiloBytesPerSecond:
            return {"KBps", "Kilobytes per second"};
        default:
            return {"num", "Number"};
    }
}

vim::ElementDescription element(std::string_view key, Words words) {
    auto made = vim::ElementDescription::make();
    made.set_key(key);
    made.set_label(words.label);
    made.set_summary(words.summary);
    return made;
}

}  // namespace

std::span<const CounterDefinition> all_counters() {
    return kCounters;
}

const CounterDefinition& definition_of(Counter counter) {
    const auto at = std::ranges::find(kCounters, counter, &CounterDefinition::counter);
    DROVER_CHECK(at != kCounters.end());
    return *at;
}

const CounterDefinition* find_counter(std::int32_t id) {
    const auto at = std::ranges::lower_bound(kCounters, id, {}, &CounterDefinition::id);
    return at != kCounters.end() && at->id == id ? &*at : nullptr;
}

vim::PerfCounterInfo counter_info(const CounterDefinition& definition) {
    auto info = vim::PerfCounterInfo::make();
    info.set_key(definition.id);
    info.set_nameInfo(element(definition.name, {definition.label, definition.summary}));
    info.set_groupInfo(element(definition.group, words_of_group(definition.group)));
    info.set_unitInfo(element(vim::to_string(definition.unit), words_of_unit(definition.unit)));
    info.set_rollupType(definition.rollup);
    info.set_statsType(definition.kind);
    info.set_level(definition.level);
    info.set_perDeviceLevel(definition.device_level);
    return info;
}

}  // namespace drover::host
