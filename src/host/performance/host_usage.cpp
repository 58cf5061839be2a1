#include <sstream>

#include "host/performance/interval.hpp"
#include "host/performance/usage.hpp"

namespace drover::host {
namespace {

void add(HostUsage& usage, Counter counter, double value, const std::string& instance = {}) {
    usage.readings.push_back({counter, instance, bounded(value)});
}

// The readings of the machines' whole, added up.
double sum_of(std::span<const MachineUsage> machines, Counter counter) {
    double sum = 0;
    for (const MachineUsage& machine : machines) {
        for (const Reading& reading : machine.readings) {
            if (reading.counter == counter && reading.instance.empty()) sum += reading.value;
        }
    }
    return sum;
}

std::optional<double> busy_mhz(const HostCounters* before, const HostCounters& now,
                               std::span<const MachineUsage> machines,
                               const HostCapacity& capacity) {
    if (before == nullptr) return std::nullopt;
    if (capacity.is_slice) return sum_of(machines, Counter::cpu_usage_mhz);
    const auto& from = before->stats;
    const auto& to = now.stats;
    const auto busy = static_cast<double>(growth(from.cpu_user_ns, to.cpu_user_ns) +
                                          growth(from.cpu_system_ns, to.cpu_system_ns));
    const auto rest = static_cast<double>(growth(from.cpu_idle_ns, to.cpu_idle_ns) +
                                          growth(from.cpu_iowait_ns, to.cpu_iowait_ns));
    if (busy + rest <= 0) return std::nullopt;
    return busy / (busy + rest) * capacity.cores * capacity.cpu_mhz;
}

std::uint64_t used_memory(const HostCounters& now, std::span<const MachineUsage> machines,
                          const HostCapacity& capacity) {
    if (capacity.is_slice) {
        std::uint64_t sum = 0;
        for (const MachineUsage& machine : machines) sum += machine.host_memory_bytes;
        return std::min(sum, capacity.memory_bytes);
    }
    const auto& stats = now.stats;
    const std::uint64_t free = stats.memory_free_bytes + stats.memory_cached_bytes;
    return stats.memory_total_bytes - std::min(free, stats.memory_total_bytes);
}

void add_nics(const HostCounters& before, const HostCounters& now, const Interval& interval,
              HostUsage& usage) {
    NicCounters sum;
    const auto add_one = [&](const std::string& instance, const NicCounters& grown) {
        add(usage, Counter::net_received, interval.kilobytes_per_second(grown.rx_bytes), instance);
        add(usage, Counter::net_sent, interval.kilobytes_per_second(grown.tx_bytes), instance);
        add(usage, Counter::net_usage,
            interval.kilobytes_per_second(grown.rx_bytes + grown.tx_bytes), instance);
        add(usage, Counter::net_packets_received,
            interval.in_sample(grown.rx_packets, kSampleInterval), instance);
        add(usage, Counter::net_packets_sent, interval.in_sample(grown.tx_packets, kSampleInterval),
            instance);
    };
    for (const NicCounters& nic : now.nics) {
        const auto at = std::ranges::find(before.nics, nic.name, &NicCounters::name);
        if (at == before.nics.end()) continue;
        const NicCounters grown{
            nic.name, growth(at->rx_bytes, nic.rx_bytes), growth(at->rx_packets, nic.rx_packets),
            growth(at->tx_bytes, nic.tx_bytes), growth(at->tx_packets, nic.tx_packets)};
        add_one(nic.name, grown);
        sum.rx_bytes += grown.rx_bytes;
        sum.rx_packets += grown.rx_packets;
        sum.tx_bytes += grown.tx_bytes;
        sum.tx_packets += grown.tx_packets;
    }
    add_one({}, sum);
}

void add_memory(const HostCounters& now, std::span<const MachineUsage> machines,
                const HostCapacity& capacity, HostUsage& usage) {
    if (capacity.memory_bytes > 0) {
        const double share =
            static_cast<double>(usage.memory_bytes) / static_cast<double>(capacity.memory_bytes);
        add(usage, Counter::memory_usage, std::min(share, 1.0) * 10'000);
    }
    add(usage, Counter::memory_consumed, static_cast<double>(usage.memory_bytes >> 10));
    for (const Counter counter : {Counter::memory_granted, Counter::memory_active,
                                  Counter::memory_ballooned, Counter::memory_overhead}) {
        add(usage, counter, sum_of(machines, counter));
    }
    // The kernel shares among all that runs on the computer; a slice can't tell its part.
    if (now.shared_memory_bytes && !capacity.is_slice) {
        add(usage, Counter::memory_shared, static_cast<double>(*now.shared_memory_bytes >> 10));
    }
}

}  // namespace

HostUsage measure_host(const HostCounters* before, const HostCounters& now,
                       std::span<const MachineUsage> machines, const HostCapacity& capacity) {
    HostUsage usage;
    usage.uptime = now.uptime;
    usage.memory_bytes = used_memory(now, machines, capacity);
    add_memory(now, machines, capacity, usage);
    add(usage, Counter::uptime, static_cast<double>(now.uptime.count()));
    if (before == nullptr) return usage;
    const Interval interval(before->taken_at, now.taken_at);
    if (!interval.is_usable()) return usage;
    const double most_mhz = capacity.cores * capacity.cpu_mhz;
    if (const auto busy = busy_mhz(before, now, machines, capacity)) {
        usage.cpu_mhz = bounded(std::min(*busy, most_mhz));
        add(usage, Counter::cpu_usage_mhz, *usage.cpu_mhz);
        if (most_mhz > 0) add(usage, Counter::cpu_usage, *usage.cpu_mhz / most_mhz * 10'000);
    }
    // The disks' work is what the machines ask for, as the hosts of vSphere count it.
    for (const Counter counter : {Counter::cpu_ready, Counter::disk_usage, Counter::disk_reads,
                                  Counter::disk_writes, Counter::disk_read, Counter::disk_write}) {
        add(usage, counter, sum_of(machines, counter));
    }
    add_nics(*before, now, interval, usage);
    return usage;
}

std::vector<NicCounters> parse_net_dev(std::string_view text) {
    constexpr std::size_t fields_before_tx_bytes = 8;
    constexpr std::size_t most_lines = 4096;
    std::vector<NicCounters> nics;
    std::istringstream lines{std::string(text)};
    std::string line;
    while (nics.size() < most_lines && std::getline(lines, line)) {
        const auto colon = line.find(':');
        if (colon == std::string::npos) continue;
        const auto start = line.find_first_not_of(' ');
        if (start >= colon) continue;
        std::istringstream numbers(line.substr(colon + 1));
        std::vector<std::uint64_t> found;
        for (std::uint64_t number = 0; found.size() < 16 && numbers >> number;) {
            found.push_back(number);
        }
        if (found.size() < fields_before_tx_bytes + 2) continue;
        nics.push_back({line.substr(start, colon - start), found[0], found[1],
                        found[fields_before_tx_bytes], found[fields_before_tx_bytes + 1]});
    }
    return nics;
}

}  // namespace drover::host
