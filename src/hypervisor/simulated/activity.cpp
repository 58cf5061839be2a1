#include "hypervisor/simulated/activity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>
#include <string_view>

namespace drover::hypervisor::simulated {
namespace {

constexpr std::uint64_t kBlockBytes = 16 << 10;
constexpr std::uint64_t kPacketBytes = 800;
constexpr std::uint64_t kHostOwnBytes = 1ULL << 30;
constexpr std::size_t kLongestHostName = 63;

// FNV-1a, and a last stir so that neighbours differ in all bits.
std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
    std::uint64_t value = 0xcbf29ce484222325ULL ^ seed;
    for (const char c : text) {
        value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    value ^= value >> 29;
    value *= 0xbf58476d1ce4e5b9ULL;
    return value ^ (value >> 32);
}

// A number from 0 to 1 that belongs to a domain and a purpose.
double share_of(const RunningDomain& domain, std::uint64_t seed, std::string_view purpose) {
    const std::uint64_t bits = hash_of(purpose, hash_of(domain.uuid.value(), seed));
    return static_cast<double>(bits >> 11) / static_cast<double>(1ULL << 53);
}

// A level that swings: level * (1 + swing * sin(2 pi t / period + phase)), and its integral.
struct Wave {
    double level = 0;
    double swing = 0;
    double period_s = 1;
    double phase = 0;

    double at(double time_s) const {
        return level * (1 + swing * std::sin(turn() * time_s + phase));
    }
    double until(double time_s) const {
        const double swung = (std::cos(phase) - std::cos(turn() * time_s + phase)) / turn();
        return level * (time_s + swing * swung);
    }
    double turn() const { return 2 * std::numbers::pi / period_s; }
};

Wave wave_of(const RunningDomain& domain, std::uint64_t seed, std::string_view purpose,
             double most) {
    // Most machines do little: the cube of an even share.
    const double level = std::pow(share_of(domain, seed, purpose), 3);
    return {.level = (0.01 + 0.5 * level) * most,
            .swing = 0.8,
            .period_s = 300 + 3300 * share_of(domain, seed, "period"),
            .phase = 2 * std::numbers::pi * share_of(domain, seed, "phase")};
}

// A name that ends in "-load80" keeps 80 percent of the machine's CPUs busy: load to order.
std::optional<double> ordered_load(std::string_view name) {
    constexpr std::string_view kMark = "-load";
    const auto at = name.rfind(kMark);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view digits = name.substr(at + kMark.size());
    unsigned percent = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), percent);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return std::min(percent, 100u) / 100.0;
}

Wave cpu_wave_of(const RunningDomain& domain, std::uint64_t seed) {
    if (const auto load = ordered_load(domain.display_name)) {
        return {.level = *load, .swing = 0, .period_s = 300, .phase = 0};
    }
    return wave_of(domain, seed, "cpu", 1);
}

std::uint64_t whole(double value) {
    return static_cast<std::uint64_t>(std::max(value, 0.0));
}

void add_cpu(DomainStats& stats, const RunningDomain& domain, std::uint64_t seed, double time_s) {
    const double busy_ns = cpu_wave_of(domain, seed).until(time_s) * 1e9;
    for (std::uint32_t i = 0; i < domain.vcpus; ++i) {
        VcpuStats vcpu;
        vcpu.index = i;
        vcpu.time_ns = whole(busy_ns);
        vcpu.wait_ns = whole(busy_ns / 50);
        vcpu.ready_ns = whole(busy_ns / 100);
        stats.vcpus.push_back(vcpu);
        stats.cpu_time_ns += vcpu.time_ns;
    }
    stats.cpu_user_ns = stats.cpu_time_ns / 10 * 9;
    stats.cpu_system_ns = stats.cpu_time_ns - stats.cpu_user_ns;
}

BalloonStats balloon_of(const RunningDomain& domain, std::uint64_t seed, double time_s) {
    BalloonStats balloon;
    balloon.current_bytes = domain.balloon_bytes;
    balloon.maximum_bytes = domain.memory_bytes;
    // Memory is touched in the first minutes, then some of it is in use at a time.
    const double touched = 0.3 + 0.6 * (1 - std::exp(-time_s / 300));
    const auto size = static_cast<double>(domain.balloon_bytes);
    balloon.rss_bytes = whole(size * touched);
    const double used = std::min(0.1 + wave_of(domain, seed, "memory", 0.8).at(time_s), touched);
    balloon.available_bytes = domain.balloon_bytes;
    balloon.usable_bytes = whole(size * (1 - used));
    balloon.unused_bytes = whole(size * (1 - used) / 2);
    return balloon;
}

BlockStats block_of(const RunningDomain::Disk& disk, const Wave& wave, double time_s) {
    BlockStats block;
    block.target = disk.target;
    block.path = disk.path;
    if (disk.path.empty()) return block;
    block.read_bytes = whole(wave.until(time_s) * 0.6);
    block.write_bytes = whole(wave.until(time_s) * 0.4);
    block.read_requests = block.read_bytes / kBlockBytes;
    block.write_requests = block.write_bytes / kBlockBytes;
    block.read_time_ns = block.read_requests * 400'000;
    block.write_time_ns = block.write_requests * 900'000;
    block.flush_requests = block.write_requests / 20;
    block.flush_time_ns = block.flush_requests * 2'000'000;
    return block;
}

NicStats nic_of(std::uint32_t index, const RunningDomain::Nic& nic, const Wave& wave,
                double time_s) {
    NicStats made;
    made.index = index;
    made.tap = fmt::format("sim{}", index);
    if (!nic.link_up) return made;
    made.rx_bytes = whole(wave.until(time_s) * 0.7);
    made.tx_bytes = whole(wave.until(time_s) * 0.3);
    made.rx_packets = made.rx_bytes / kPacketBytes;
    made.tx_packets = made.tx_bytes / kPacketBytes;
    return made;
}

std::string host_name_of(const std::string& display_name) {
    std::string name;
    for (const char c : display_name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain) {
            name += c;
        } else if (c >= 'A' && c <= 'Z') {
            name += static_cast<char>(c - 'A' + 'a');
        } else if (!name.empty() && name.back() != '-') {
            name += '-';
        }
    }
    while (name.ends_with('-')) name.pop_back();
    name.resize(std::min(name.size(), kLongestHostName));
    return name.empty() ? "guest" : name;
}

}  // namespace

DomainStats stats_of(const RunningDomain& domain, std::uint64_t seed,
                     std::chrono::nanoseconds uptime) {
    const double time_s = std::max(std::chrono::duration<double>(uptime).count(), 0.0);
    DomainStats stats;
    stats.uuid = domain.uuid;
    stats.state = domain.state;
    stats.taken_at = std::chrono::steady_clock::now();
    add_cpu(stats, domain, seed, time_s);
    stats.balloon = balloon_of(domain, seed, time_s);
    const Wave disk = wave_of(domain, seed, "disk", 20e6);
    for (const auto& each : domain.disks) stats.disks.push_back(block_of(each, disk, time_s));
    const Wave net = wave_of(domain, seed, "net", 10e6);
    for (std::uint32_t i = 0; i < domain.nics.size(); ++i) {
        stats.nics.push_back(nic_of(i, domain.nics[i], net, time_s));
    }
    return stats;
}

GuestInfo guest_of(const RunningDomain& domain) {
    GuestInfo guest;
    guest.host_name = host_name_of(domain.display_name);
    guest.os_id = "debian";
    guest.os_name = "Debian GNU/Linux";
    guest.os_pretty = "Debian GNU/Linux 12 (bookworm)";
    guest.os_version = "12 (bookworm)";
    guest.kernel_release = "6.1.0-25-cloud-amd64";
    guest.machine = "x86_64";
    for (std::uint32_t i = 0; i < domain.nics.size(); ++i) {
        const std::uint64_t bits = hash_of(domain.nics[i].mac, 0);
        GuestInterface nic;
        nic.name = fmt::format("eth{}", i);
        nic.mac = domain.nics[i].mac;
        nic.addresses.push_back(
            {fmt::format("10.{}.{}.{}", bits % 256, bits / 256 % 256, 1 + bits / 65536 % 254), 8});
        guest.interfaces.push_back(std::move(nic));
    }
    constexpr std::uint64_t gibibyte = 1ULL << 30;
    guest.filesystems.push_back({"/", "/dev/sda1", "ext4", 8 * gibibyte, 3 * gibibyte});
    return guest;
}

Load load_of(const RunningDomain& domain, std::uint64_t seed, std::chrono::nanoseconds uptime) {
    const double time_s = std::max(std::chrono::duration<double>(uptime).count(), 0.0);
    Load load;
    load.cores = cpu_wave_of(domain, seed).at(time_s) * domain.vcpus;
    load.memory_bytes = balloon_of(domain, seed, time_s).rss_bytes;
    return load;
}

HostStats host_stats_of(const HostInfo& host, double cpu_time_s, std::uint64_t memory_bytes,
                        std::chrono::nanoseconds uptime) {
    HostStats stats;
    const auto up_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(uptime.count(), 0));
    const std::uint64_t all_ns = up_ns * std::max(host.logical_cpus, 1u);
    const std::uint64_t busy_ns = std::min(whole(cpu_time_s * 1e9), all_ns);
    stats.cpu_user_ns = busy_ns / 10 * 9;
    stats.cpu_system_ns = busy_ns - stats.cpu_user_ns;
    stats.cpu_idle_ns = all_ns - busy_ns;
    stats.memory_total_bytes = host.memory_bytes;
    const std::uint64_t used = std::min(memory_bytes + kHostOwnBytes, host.memory_bytes);
    stats.memory_free_bytes = host.memory_bytes - used;
    stats.memory_cached_bytes = stats.memory_free_bytes / 8;
    return stats;
}

}  // namespace drover::hypervisor::simulated
