#include <algorithm>
#include <charconv>
#include <sstream>

#include "host/performance/interval.hpp"
#include "host/performance/totals.hpp"
#include "host/performance/usage.hpp"

namespace drover::host {
namespace {

void add(HostUsage& usage, Counter counter, double value, const std::string& instance = {}) {
    usage.readings.push_back({counter, instance, bounded(value)});
}

std::optional<double> busy_mhz(const HostCounters* before, const HostCounters& now,
                               const Totals& totals, const HostCapacity& capacity) {
    if (before == nullptr) return std::nullopt;
    if (capacity.is_slice) return totals.sum(Counter::cpu_usage_mhz);
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
        const auto number = [&](Counter counter, std::uint64_t count) {
            add(usage, counter, interval.in_sample(count, kSampleInterval), instance);
        };
        number(Counter::net_packets_sent, grown.tx_packets);
        number(Counter::net_dropped_received, grown.rx_drops);
        number(Counter::net_dropped_sent, grown.tx_drops);
        number(Counter::net_errors_received, grown.rx_errors);
        number(Counter::net_errors_sent, grown.tx_errors);
        add(usage, Counter::net_bytes_received, interval.kilobytes_per_second(grown.rx_bytes),
            instance);
        add(usage, Counter::net_bytes_sent, interval.kilobytes_per_second(grown.tx_bytes),
            instance);
    };
    for (const NicCounters& nic : now.nics) {
        const auto at = std::ranges::find(before.nics, nic.name, &NicCounters::name);
        if (at == before.nics.end()) continue;
        NicCounters grown{.name = nic.name};
        for (const auto field :
             {&NicCounters::rx_bytes, &NicCounters::rx_packets, &NicCounters::tx_bytes,
              &NicCounters::tx_packets, &NicCounters::rx_errors, &NicCounters::rx_drops,
              &NicCounters::tx_errors, &NicCounters::tx_drops}) {
            grown.*field = growth((*at).*field, nic.*field);
            sum.*field += grown.*field;
        }
        add_one(nic.name, grown);
    }
    add_one({}, sum);
}

void add_memory(const HostCounters& now, std::span<const MachineUsage> machines,
                const Totals& totals, const HostCapacity& capacity, HostUsage& usage) {
    if (capacity.memory_bytes > 0) {
        const double share =
            static_cast<double>(usage.memory_bytes) / static_cast<double>(capacity.memory_bytes);
        add(usage, Counter::memory_usage, std::min(share, 1.0) * 10'000);
    }
    add(usage, Counter::memory_consumed, static_cast<double>(usage.memory_bytes >> 10));
    for (const Counter counter : {Counter::memory_granted, Counter::memory_active,
                                  Counter::memory_ballooned, Counter::memory_overhead}) {
        add(usage, counter, totals.sum(counter));
    }
    add(usage, Counter::memory_capacity, static_cast<double>(capacity.memory_bytes >> 20));
    add(usage, Counter::cpu_capacity, capacity.cores * capacity.cpu_mhz);
    const auto add_bytes = [&](Counter counter, const std::optional<std::uint64_t>& bytes) {
        if (bytes) add(usage, counter, static_cast<double>(*bytes >> 10));
    };
    // The kernel shares and swaps for all that runs on the computer; of a slice only what its
    // machines' processes tell is known.
    if (capacity.is_slice) {
        std::optional<std::uint64_t> shared;
        for (const MachineUsage& machine : machines) {
            if (machine.shared_memory_bytes) {
                shared = shared.value_or(0) + *machine.shared_memory_bytes;
            }
        }
        add_bytes(Counter::memory_shared, shared);
        return;
    }
    add_bytes(Counter::memory_shared, now.shared_memory_bytes);
    add_bytes(Counter::memory_shared_common, now.shared_copies_bytes);
    add_bytes(Counter::memory_swap_used, now.swap_used_bytes);
}

// Each logical CPU. A slice of a computer has none of its own.
void add_cpus(const HostCounters& before, const HostCounters& now, const HostCapacity& capacity,
              HostUsage& usage) {
    if (capacity.is_slice) return;
    const double whole_ms = std::chrono::duration<double, std::milli>(kSampleInterval).count();
    double used_ms = 0;
    double idle_ms = 0;
    for (const CpuCounters& cpu : now.cpus) {
        const auto at = std::ranges::find(before.cpus, cpu.index, &CpuCounters::index);
        if (at == before.cpus.end()) continue;
        const auto busy = static_cast<double>(growth(at->busy, cpu.busy));
        const auto idle = static_cast<double>(growth(at->idle, cpu.idle));
        if (busy + idle <= 0) continue;
        const double share = busy / (busy + idle);
        const std::string instance = std::to_string(cpu.index);
        add(usage, Counter::cpu_usage, share * 10'000, instance);
        add(usage, Counter::cpu_utilization, share * 10'000, instance);
        add(usage, Counter::cpu_used, share * whole_ms, instance);
        add(usage, Counter::cpu_idle, (1 - share) * whole_ms, instance);
        used_ms += share * whole_ms;
        idle_ms += (1 - share) * whole_ms;
    }
    if (used_ms + idle_ms <= 0) return;
    add(usage, Counter::cpu_used, used_ms);
    add(usage, Counter::cpu_idle, idle_ms);
}

}  // namespace

HostUsage measure_host(const HostCounters* before, const HostCounters& now,
                       std::span<const MachineUsage> machines, const HostCapacity& capacity) {
    Totals totals;
    for (const MachineUsage& machine : machines) totals.add(machine);
    HostUsage usage;
    usage.uptime = now.uptime;
    usage.memory_bytes = used_memory(now, machines, capacity);
    add_memory(now, machines, totals, capacity, usage);
    add(usage, Counter::uptime, static_cast<double>(now.uptime.count()));
    if (before == nullptr) return usage;
    const Interval interval(before->taken_at, now.taken_at);
    if (!interval.is_usable()) return usage;
    const double most_mhz = capacity.cores * capacity.cpu_mhz;
    if (const auto busy = busy_mhz(before, now, totals, capacity)) {
        usage.cpu_mhz = bounded(std::min(*busy, most_mhz));
        add(usage, Counter::cpu_usage_mhz, *usage.cpu_mhz);
        if (most_mhz > 0) {
            add(usage, Counter::cpu_usage, *usage.cpu_mhz / most_mhz * 10'000);
            add(usage, Counter::cpu_utilization, *usage.cpu_mhz / most_mhz * 10'000);
        }
    }
    add_cpus(*before, now, capacity, usage);
    // The disks' work is what the machines ask for, as the hosts of vSphere count it.
    for (const Counter counter :
         {Counter::cpu_ready, Counter::cpu_demand, Counter::disk_usage, Counter::disk_reads,
          Counter::disk_writes, Counter::disk_read, Counter::disk_write, Counter::disk_commands,
          Counter::disk_reads_per_second, Counter::disk_writes_per_second}) {
        add(usage, counter, totals.sum(counter));
    }
    add(usage, Counter::disk_max_latency, totals.highest(Counter::disk_max_latency));
    std::map<std::string, DiskRates> datastores;
    for (const MachineUsage& machine : machines) {
        for (const auto& [id, rates] : machine.datastores) datastores[id] += rates;
    }
    add_datastores(datastores, usage.readings);
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
        found.resize(fields_before_tx_bytes * 2);
        const auto sent = std::span(found).subspan(fields_before_tx_bytes);
        nics.push_back({.name = line.substr(start, colon - start),
                        .rx_bytes = found[0],
                        .rx_packets = found[1],
                        .tx_bytes = sent[0],
                        .tx_packets = sent[1],
                        .rx_errors = found[2],
                        .rx_drops = found[3],
                        .tx_errors = sent[2],
                        .tx_drops = sent[3]});
    }
    return nics;
}

std::vector<CpuCounters> parse_stat(std::string_view text) {
    constexpr std::size_t most_cpus = 4096;
    std::vector<CpuCounters> cpus;
    std::istringstream lines{std::string(text)};
    std::string line;
    while (cpus.size() < most_cpus && std::getline(lines, line)) {
        CpuCounters cpu;
        std::istringstream fields(line);
        std::string word;
        fields >> word;
        if (!word.starts_with("cpu") || word.size() < 4) continue;
        const auto [end, error] =
            std::from_chars(word.data() + 3, word.data() + word.size(), cpu.index);
        if (error != std::errc{} || end != word.data() + word.size()) continue;
        // user nice system idle iowait irq softirq steal; guests' time is in user's already
        std::uint64_t number = 0;
        for (int field = 0; field < 8 && fields >> number; ++field) {
            (field == 3 || field == 4 ? cpu.idle : cpu.busy) += number;
        }
        cpus.push_back(cpu);
    }
    return cpus;
}

std::optional<std::uint64_t> kilobytes_of(std::string_view text, std::string_view name) {
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view line = text.substr(at, text.find('\n', at) - at);
        at += line.size() + 1;
        if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') {
            continue;
        }
        const auto digit = line.find_first_of("0123456789", name.size());
        if (digit == std::string_view::npos) return std::nullopt;
        std::uint64_t number = 0;
        const auto [end, error] =
            std::from_chars(line.data() + digit, line.data() + line.size(), number);
        return error == std::errc{} ? std::optional(number) : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace drover::host
