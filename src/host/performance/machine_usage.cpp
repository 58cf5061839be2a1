#include <fmt/format.h>

#include "host/performance/interval.hpp"
#include "host/performance/totals.hpp"
#include "host/performance/usage.hpp"

namespace drover::host {
namespace {

using hypervisor::BlockStats;
using hypervisor::DomainStats;
using hypervisor::NicStats;
using hypervisor::VcpuStats;

constexpr double kMillisecondNs = 1e6;

// Adds readings of one machine; a little shorthand.
class Readings {
public:
    explicit Readings(std::vector<Reading>& into) : into_(into) {}
    void add(Counter counter, const std::string& instance, double value) {
        into_.push_back({counter, instance, bounded(value)});
    }
    void add(Counter counter, double value) { add(counter, {}, value); }
    void add_bytes(Counter counter, std::uint64_t bytes) {
        add(counter, static_cast<double>(bytes >> 10));
    }

private:
    std::vector<Reading>& into_;
};

double percent_x100(double share) {
    return std::min(share, 1.0) * 10'000;
}

const VcpuStats* find(const std::vector<VcpuStats>& list, std::uint32_t index) {
    const auto at = std::ranges::find(list, index, &VcpuStats::index);
    return at == list.end() ? nullptr : &*at;
}

struct CpuTimes {
    double used_ms = 0;
    double ready_ms = 0;
    double wait_ms = 0;
    double idle_ms = 0;
};

// A vCPU is always in one of three states: it runs, it is ready, or it waits; waiting for nothing
// in particular is being idle. All in milliseconds of a sample.
CpuTimes vcpu_times(const VcpuStats& before, const VcpuStats& now, const Interval& interval) {
    const double whole = std::chrono::duration<double, std::milli>(kSampleInterval).count();
    const auto ms = [&](std::uint64_t from, std::uint64_t to) {
        return std::min(interval.in_sample(growth(from, to), kSampleInterval) / kMillisecondNs,
                        whole);
    };
    CpuTimes times;
    times.used_ms = ms(before.time_ns, now.time_ns);
    times.ready_ms = ms(before.ready_ns, now.ready_ns);
    times.wait_ms = std::max(whole - times.used_ms - times.ready_ms, 0.0);
    times.idle_ms = std::max(times.wait_ms - ms(before.wait_ns, now.wait_ns), 0.0);
    return times;
}

void add_cpu_times(Readings& readings, const std::string& instance, const CpuTimes& times) {
    readings.add(Counter::cpu_used, instance, times.used_ms);
    readings.add(Counter::cpu_ready, instance, times.ready_ms);
    readings.add(Counter::cpu_wait, instance, times.wait_ms);
    readings.add(Counter::cpu_idle, instance, times.idle_ms);
    readings.add(Counter::cpu_run, instance, times.used_ms);
}

void measure_cpu(const DomainStats& before, const DomainStats& now, const MachineShape& shape,
                 const Interval& interval, std::uint32_t mhz, MachineUsage& usage) {
    Readings readings(usage.readings);
    const double whole_ms = std::chrono::duration<double, std::milli>(kSampleInterval).count();
    CpuTimes sum;
    std::size_t counted = 0;
    for (const VcpuStats& vcpu : now.vcpus) {
        const VcpuStats* earlier = find(before.vcpus, vcpu.index);
        if (earlier == nullptr) continue;
        const CpuTimes times = vcpu_times(*earlier, vcpu, interval);
        const std::string instance = fmt::format("{}", vcpu.index);
        const double cores = interval.cores(growth(earlier->time_ns, vcpu.time_ns));
        readings.add(Counter::cpu_readiness, instance, percent_x100(times.ready_ms / whole_ms));
        readings.add(Counter::cpu_usage, instance, percent_x100(cores));
        readings.add(Counter::cpu_usage_mhz, instance, cores * mhz);
        add_cpu_times(readings, instance, times);
        sum.used_ms += times.used_ms;
        sum.ready_ms += times.ready_ms;
        sum.wait_ms += times.wait_ms;
        sum.idle_ms += times.idle_ms;
        ++counted;
    }
    const double cores = interval.cores(growth(before.cpu_time_ns, now.cpu_time_ns));
    const double ready_cores = sum.ready_ms / whole_ms;
    usage.cpu_mhz = bounded(cores * mhz);
    usage.cpu_demand_mhz = bounded((cores + ready_cores) * mhz);
    // VMware's knowledge base, article 2002181: ready % = summation in ms / (interval in s * 1000)
    // * 100; the sum over the vCPUs divided by their number is the average vCPU's.
    if (counted > 0) {
        usage.cpu_readiness_percent =
            bounded(ready_cores * 100 / static_cast<double>(counted) + 0.5);
        readings.add(Counter::cpu_readiness,
                     percent_x100(ready_cores / static_cast<double>(counted)));
    }
    readings.add(Counter::cpu_demand, *usage.cpu_demand_mhz);
    readings.add(Counter::cpu_usage, percent_x100(cores / std::max(shape.vcpus, 1u)));
    readings.add(Counter::cpu_usage_mhz, cores * mhz);
    if (counted > 0) add_cpu_times(readings, {}, sum);
}

// The guest's own word (its balloon driver reports) if there is one: all but what it could give
// away at once. Else what it has touched.
std::uint64_t active_bytes(const hypervisor::BalloonStats& balloon) {
    const std::uint64_t touched = std::min(balloon.rss_bytes, balloon.current_bytes);
    if (!balloon.available_bytes) return touched;
    const auto left = balloon.usable_bytes ? balloon.usable_bytes : balloon.unused_bytes;
    if (!left || *left > *balloon.available_bytes) return touched;
    return std::min(*balloon.available_bytes - *left, balloon.current_bytes);
}

void measure_memory(const DomainStats& now, const MachineShape& shape, MachineUsage& usage) {
    const auto& balloon = now.balloon;
    const std::uint64_t configured =
        shape.memory_bytes ? shape.memory_bytes : balloon.maximum_bytes;
    usage.guest_memory_bytes = active_bytes(balloon);
    usage.host_memory_bytes = balloon.rss_bytes;
    usage.granted_memory_bytes = balloon.current_bytes;
    usage.ballooned_memory_bytes =
        balloon.maximum_bytes - std::min(balloon.current_bytes, balloon.maximum_bytes);
    // How much of the process is not the guest's memory is known for certain only where the process
    // is larger than the guest.
    usage.overhead_memory_bytes =
        balloon.rss_bytes - std::min(balloon.rss_bytes, balloon.current_bytes);
    Readings readings(usage.readings);
    if (configured > 0) {
        readings.add(Counter::memory_usage,
                     percent_x100(static_cast<double>(usage.guest_memory_bytes) /
                                  static_cast<double>(configured)));
    }
    readings.add_bytes(Counter::memory_granted, usage.granted_memory_bytes);
    readings.add_bytes(Counter::memory_active, usage.guest_memory_bytes);
    readings.add_bytes(Counter::memory_ballooned, usage.ballooned_memory_bytes);
    readings.add_bytes(Counter::memory_consumed,
                       usage.host_memory_bytes - usage.overhead_memory_bytes);
    readings.add_bytes(Counter::memory_overhead, usage.overhead_memory_bytes);
    usage.shared_memory_bytes = shape.shared_bytes;
    usage.swapped_memory_bytes = shape.swapped_bytes;
    if (shape.shared_bytes) readings.add_bytes(Counter::memory_shared, *shape.shared_bytes);
    if (shape.swapped_bytes) readings.add_bytes(Counter::memory_swapped, *shape.swapped_bytes);
}

DiskRates rates_of(const BlockStats& before, const BlockStats& now, const Interval& interval) {
    return {
        .reads = interval.per_second(growth(before.read_requests, now.read_requests)),
        .writes = interval.per_second(growth(before.write_requests, now.write_requests)),
        .read_kilobytes = interval.kilobytes_per_second(growth(before.read_bytes, now.read_bytes)),
        .write_kilobytes =
            interval.kilobytes_per_second(growth(before.write_bytes, now.write_bytes)),
        .read_ns = interval.per_second(growth(before.read_time_ns, now.read_time_ns)),
        .write_ns = interval.per_second(growth(before.write_time_ns, now.write_time_ns))};
}

void add_virtual_disk(Readings& readings, const std::string& instance, const DiskRates& rates) {
    constexpr double us = 1000;
    readings.add(Counter::virtual_disk_reads_per_second, instance, rates.reads);
    readings.add(Counter::virtual_disk_writes_per_second, instance, rates.writes);
    readings.add(Counter::virtual_disk_read, instance, rates.read_kilobytes);
    readings.add(Counter::virtual_disk_write, instance, rates.write_kilobytes);
    readings.add(Counter::virtual_disk_read_latency, instance, rates.read_latency_ms());
    readings.add(Counter::virtual_disk_write_latency, instance, rates.write_latency_ms());
    readings.add(Counter::virtual_disk_read_latency_us, instance, rates.read_latency_ms() * us);
    readings.add(Counter::virtual_disk_write_latency_us, instance, rates.write_latency_ms() * us);
}

void add_disk_sum(Readings& readings, const DiskRates& sum) {
    const auto interval_s = static_cast<double>(kSampleInterval.count());
    readings.add(Counter::disk_read, sum.read_kilobytes);
    readings.add(Counter::disk_write, sum.write_kilobytes);
    readings.add(Counter::disk_usage, sum.read_kilobytes + sum.write_kilobytes);
    readings.add(Counter::disk_reads, sum.reads * interval_s);
    readings.add(Counter::disk_writes, sum.writes * interval_s);
    readings.add(Counter::disk_commands, (sum.reads + sum.writes) * interval_s);
    readings.add(Counter::disk_reads_per_second, sum.reads);
    readings.add(Counter::disk_writes_per_second, sum.writes);
}

void measure_disks(const DomainStats& before, const DomainStats& now, const MachineShape& shape,
                   const Interval& interval, MachineUsage& usage) {
    Readings readings(usage.readings);
    DiskRates sum;
    double highest_ms = 0;
    for (const BlockStats& disk : now.disks) {
        const auto at = std::ranges::find(before.disks, disk.target, &BlockStats::target);
        if (at == before.disks.end()) continue;
        const DiskRates rates = rates_of(*at, disk, interval);
        sum += rates;
        highest_ms = std::max(highest_ms, rates.latency_ms());
        const auto name = shape.disk_names.find(disk.target);
        if (name != shape.disk_names.end()) add_virtual_disk(readings, name->second, rates);
        const auto datastore = shape.disk_datastores.find(disk.target);
        if (datastore != shape.disk_datastores.end()) usage.datastores[datastore->second] += rates;
    }
    usage.disk_read_bytes_per_second = static_cast<std::uint64_t>(sum.read_kilobytes * 1024);
    usage.disk_write_bytes_per_second = static_cast<std::uint64_t>(sum.write_kilobytes * 1024);
    add_disk_sum(readings, sum);
    readings.add(Counter::disk_max_latency, highest_ms);
    add_datastores(usage.datastores, usage.readings);
}

void add_net(Readings& readings, const std::string& instance, const NicStats& grown,
             const Interval& interval) {
    readings.add(Counter::net_received, instance, interval.kilobytes_per_second(grown.rx_bytes));
    readings.add(Counter::net_sent, instance, interval.kilobytes_per_second(grown.tx_bytes));
    readings.add(Counter::net_usage, instance,
                 interval.kilobytes_per_second(grown.rx_bytes + grown.tx_bytes));
    readings.add(Counter::net_packets_received, instance,
                 interval.in_sample(grown.rx_packets, kSampleInterval));
    readings.add(Counter::net_packets_sent, instance,
                 interval.in_sample(grown.tx_packets, kSampleInterval));
    readings.add(Counter::net_dropped_received, instance,
                 interval.in_sample(grown.rx_drops, kSampleInterval));
    readings.add(Counter::net_dropped_sent, instance,
                 interval.in_sample(grown.tx_drops, kSampleInterval));
    readings.add(Counter::net_bytes_received, instance,
                 interval.kilobytes_per_second(grown.rx_bytes));
    readings.add(Counter::net_bytes_sent, instance, interval.kilobytes_per_second(grown.tx_bytes));
}

void measure_nics(const DomainStats& before, const DomainStats& now, const MachineShape& shape,
                  const Interval& interval, MachineUsage& usage) {
    Readings readings(usage.readings);
    NicStats sum;
    for (const NicStats& nic : now.nics) {
        const auto at = std::ranges::find(before.nics, nic.index, &NicStats::index);
        if (at == before.nics.end()) continue;
        NicStats grown;
        grown.rx_bytes = growth(at->rx_bytes, nic.rx_bytes);
        grown.tx_bytes = growth(at->tx_bytes, nic.tx_bytes);
        grown.rx_packets = growth(at->rx_packets, nic.rx_packets);
        grown.tx_packets = growth(at->tx_packets, nic.tx_packets);
        grown.rx_drops = growth(at->rx_drops, nic.rx_drops);
        grown.tx_drops = growth(at->tx_drops, nic.tx_drops);
        sum.rx_bytes += grown.rx_bytes;
        sum.tx_bytes += grown.tx_bytes;
        sum.rx_packets += grown.rx_packets;
        sum.tx_packets += grown.tx_packets;
        sum.rx_drops += grown.rx_drops;
        sum.tx_drops += grown.tx_drops;
        if (nic.index < shape.nic_names.size()) {
            add_net(readings, shape.nic_names[nic.index], grown, interval);
        }
    }
    usage.net_received_bytes_per_second =
        static_cast<std::uint64_t>(interval.per_second(sum.rx_bytes));
    usage.net_sent_bytes_per_second = static_cast<std::uint64_t>(interval.per_second(sum.tx_bytes));
    add_net(readings, {}, sum, interval);
}

}  // namespace

DiskRates& DiskRates::operator+=(const DiskRates& other) {
    reads += other.reads;
    writes += other.writes;
    read_kilobytes += other.read_kilobytes;
    write_kilobytes += other.write_kilobytes;
    read_ns += other.read_ns;
    write_ns += other.write_ns;
    return *this;
}

void add_datastores(const std::map<std::string, DiskRates>& datastores,
                    std::vector<Reading>& into) {
    Readings readings(into);
    double highest_ms = 0;
    for (const auto& [id, rates] : datastores) {
        readings.add(Counter::datastore_reads_per_second, id, rates.reads);
        readings.add(Counter::datastore_writes_per_second, id, rates.writes);
        readings.add(Counter::datastore_read, id, rates.read_kilobytes);
        readings.add(Counter::datastore_write, id, rates.write_kilobytes);
        readings.add(Counter::datastore_read_latency, id, rates.read_latency_ms());
        readings.add(Counter::datastore_write_latency, id, rates.write_latency_ms());
        highest_ms = std::max(highest_ms, rates.latency_ms());
    }
    if (!datastores.empty()) readings.add(Counter::datastore_max_latency, highest_ms);
}

std::vector<Reading> sum_of_pool(std::span<const MachineUsage* const> machines) {
    Totals totals;
    for (const MachineUsage* machine : machines) totals.add(*machine);
    std::vector<Reading> sums;
    for (const Counter counter :
         {Counter::cpu_usage_mhz, Counter::memory_granted, Counter::memory_active,
          Counter::memory_shared, Counter::memory_swapped, Counter::memory_ballooned,
          Counter::memory_consumed, Counter::memory_overhead}) {
        if (machines.empty() || totals.is_known(counter)) {
            sums.push_back({counter, {}, bounded(totals.sum(counter))});
        }
    }
    return sums;
}

MachineUsage measure_machine(const DomainStats* before, const DomainStats& now,
                             const MachineShape& shape, std::uint32_t host_cpu_mhz) {
    constexpr std::size_t about = 96;  // of a machine with a disk, a NIC and two vCPUs
    MachineUsage usage;
    if (before != nullptr) usage.readings.reserve(about);
    usage.uptime = shape.uptime;
    measure_memory(now, shape, usage);
    if (shape.uptime) {
        Readings(usage.readings).add(Counter::uptime, static_cast<double>(shape.uptime->count()));
    }
    if (before == nullptr) return usage;
    const Interval interval(before->taken_at, now.taken_at);
    if (!interval.is_usable()) return usage;
    measure_cpu(*before, now, shape, interval, host_cpu_mhz, usage);
    measure_disks(*before, now, shape, interval, usage);
    measure_nics(*before, now, shape, interval, usage);
    return usage;
}

}  // namespace drover::host
