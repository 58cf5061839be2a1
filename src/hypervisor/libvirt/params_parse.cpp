#include "hypervisor/libvirt/params_parse.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "hypervisor/text.hpp"

namespace drover::hypervisor::libvirt {
namespace {

constexpr std::uint64_t vcpu_limit = 1024;
constexpr std::uint64_t device_limit = 1024;
constexpr std::uint64_t guest_list_limit = 128;
constexpr std::size_t guest_text_limit = 256;
constexpr std::uint64_t kib = 1024;

std::uint64_t bounded(const TypedParams& params, std::string_view name, std::uint64_t limit) {
    return std::min(params.number_or_0(name), limit);
}

std::optional<std::uint64_t> kib_to_bytes(std::optional<std::uint64_t> value) {
    if (!value || *value > (~0ULL) / kib) return std::nullopt;
    return *value * kib;
}

void parse_vcpus(const TypedParams& params, DomainStats& stats) {
    // vCPUs that are not plugged leave holes, so the maximum bounds the numbers.
    const auto count = bounded(params, "vcpu.maximum", vcpu_limit);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto prefix = fmt::format("vcpu.{}.", i);
        const auto state = params.number(prefix + "state");
        if (!state || *state == VIR_VCPU_OFFLINE) continue;
        VcpuStats vcpu;
        vcpu.index = static_cast<std::uint32_t>(i);
        vcpu.time_ns = params.number_or_0(prefix + "time");
        vcpu.wait_ns = params.number_or_0(prefix + "wait");
        vcpu.ready_ns = params.number_or_0(prefix + "delay");
        vcpu.halted = params.number_or_0(prefix + "halted") != 0;
        stats.vcpus.push_back(vcpu);
    }
}

void parse_balloon(const TypedParams& params, BalloonStats& balloon) {
    const auto bytes = [&](std::string_view name) { return kib_to_bytes(params.number(name)); };
    balloon.maximum_bytes = bytes("balloon.maximum").value_or(0);
    // An emulated guest has two pages more than was asked for (domain_xml.cpp); nobody shall see
    // them.
    balloon.current_bytes = std::min(bytes("balloon.current").value_or(0), balloon.maximum_bytes);
    balloon.rss_bytes = bytes("balloon.rss").value_or(0);
    balloon.unused_bytes = bytes("balloon.unused");
    balloon.available_bytes = bytes("balloon.available");
    balloon.usable_bytes = bytes("balloon.usable");
    balloon.swap_in_bytes = bytes("balloon.swap_in");
    balloon.swap_out_bytes = bytes("balloon.swap_out");
}

BlockStats parse_block(const TypedParams& params, const std::string& prefix) {
    BlockStats block;
    block.target = params.text(prefix + "name");
    block.path = params.text(prefix + "path");
    block.read_requests = params.number_or_0(prefix + "rd.reqs");
    block.read_bytes = params.number_or_0(prefix + "rd.bytes");
    block.read_time_ns = params.number_or_0(prefix + "rd.times");
    block.write_requests = params.number_or_0(prefix + "wr.reqs");
    block.write_bytes = params.number_or_0(prefix + "wr.bytes");
    block.write_time_ns = params.number_or_0(prefix + "wr.times");
    block.flush_requests = params.number_or_0(prefix + "fl.reqs");
    block.flush_time_ns = params.number_or_0(prefix + "fl.times");
    block.allocation_bytes = params.number_or_0(prefix + "allocation");
    block.capacity_bytes = params.number_or_0(prefix + "capacity");
    block.physical_bytes = params.number_or_0(prefix + "physical");
    return block;
}

NicStats parse_nic(const TypedParams& params, std::uint64_t index) {
    const auto prefix = fmt::format("net.{}.", index);
    NicStats nic;
    nic.index = static_cast<std::uint32_t>(index);
    nic.tap = params.text(prefix + "name");
    nic.rx_bytes = params.number_or_0(prefix + "rx.bytes");
    nic.rx_packets = params.number_or_0(prefix + "rx.pkts");
    nic.rx_drops = params.number_or_0(prefix + "rx.drop");
    nic.tx_bytes = params.number_or_0(prefix + "tx.bytes");
    nic.tx_packets = params.number_or_0(prefix + "tx.pkts");
    nic.tx_drops = params.number_or_0(prefix + "tx.drop");
    return nic;
}

std::string guest_text(const TypedParams& params, const std::string& name) {
    return to_plain_text(params.text(name), guest_text_limit);
}

GuestInterface parse_interface(const TypedParams& params, const std::string& prefix) {
    GuestInterface interface;
    interface.name = guest_text(params, prefix + "name");
    interface.mac = guest_text(params, prefix + "hwaddr");
    const auto count = bounded(params, prefix + "addr.count", guest_list_limit);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto address = fmt::format("{}addr.{}.", prefix, i);
        const auto bits = std::min<std::uint64_t>(params.number_or_0(address + "prefix"), 128);
        interface.addresses.push_back(
            {guest_text(params, address + "addr"), static_cast<std::uint32_t>(bits)});
    }
    return interface;
}

GuestFilesystem parse_filesystem(const TypedParams& params, const std::string& prefix) {
    GuestFilesystem filesystem;
    filesystem.device = guest_text(params, prefix + "name");
    filesystem.mount_point = guest_text(params, prefix + "mountpoint");
    filesystem.type = guest_text(params, prefix + "fstype");
    filesystem.total_bytes = params.number_or_0(prefix + "total-bytes");
    filesystem.used_bytes = params.number_or_0(prefix + "used-bytes");
    return filesystem;
}

}  // namespace

DomainState domain_state(int libvirt_state) {
    switch (libvirt_state) {
        case VIR_DOMAIN_PAUSED:
        case VIR_DOMAIN_PMSUSPENDED:
            return DomainState::paused;
        case VIR_DOMAIN_SHUTDOWN:
            return DomainState::shutting_down;
        case VIR_DOMAIN_CRASHED:
            return DomainState::crashed;
        case VIR_DOMAIN_SHUTOFF:
            return DomainState::stopped;
        default:
            return DomainState::running;
    }
}

PausedReason paused_reason(int libvirt_reason) {
    switch (libvirt_reason) {
        case VIR_DOMAIN_PAUSED_USER:
            return PausedReason::user;
        case VIR_DOMAIN_PAUSED_IOERROR:
            return PausedReason::io_error;
        case VIR_DOMAIN_PAUSED_MIGRATION:
            return PausedReason::migration;
        case VIR_DOMAIN_PAUSED_POSTCOPY:
            return PausedReason::post_copy;
        case VIR_DOMAIN_PAUSED_POSTCOPY_FAILED:
            return PausedReason::post_copy_failed;
        case VIR_DOMAIN_PAUSED_SAVE:
        case VIR_DOMAIN_PAUSED_DUMP:
        case VIR_DOMAIN_PAUSED_SNAPSHOT:
            return PausedReason::saving;
        case VIR_DOMAIN_PAUSED_STARTING_UP:
            return PausedReason::starting;
        default:
            return PausedReason::other;
    }
}

DomainStats parse_stats(const TypedParams& params) {
    DomainStats stats;
    stats.state = domain_state(static_cast<int>(bounded(params, "state.state", 64)));
    stats.cpu_time_ns = params.number_or_0("cpu.time");
    stats.cpu_user_ns = params.number_or_0("cpu.user");
    stats.cpu_system_ns = params.number_or_0("cpu.system");
    parse_vcpus(params, stats);
    parse_balloon(params, stats.balloon);
    const auto blocks = bounded(params, "block.count", device_limit);
    for (std::uint64_t i = 0; i < blocks; ++i) {
        const auto prefix = fmt::format("block.{}.", i);
        stats.disks.push_back(parse_block(params, prefix));
    }
    const auto nics = bounded(params, "net.count", device_limit);
    for (std::uint64_t i = 0; i < nics; ++i) stats.nics.push_back(parse_nic(params, i));
    return stats;
}

GuestInfo parse_guest_info(const TypedParams& params) {
    GuestInfo info;
    info.host_name = guest_text(params, "hostname");
    info.os_id = guest_text(params, "os.id");
    info.os_name = guest_text(params, "os.name");
    info.os_pretty = guest_text(params, "os.pretty-name");
    info.os_version = guest_text(params, "os.version");
    info.kernel_release = guest_text(params, "os.kernel-release");
    info.machine = guest_text(params, "os.machine");
    const auto interfaces = bounded(params, "if.count", guest_list_limit);
    for (std::uint64_t i = 0; i < interfaces; ++i)
        info.interfaces.push_back(parse_interface(params, fmt::format("if.{}.", i)));
    const auto filesystems = bounded(params, "fs.count", guest_list_limit);
    for (std::uint64_t i = 0; i < filesystems; ++i)
        info.filesystems.push_back(parse_filesystem(params, fmt::format("fs.{}.", i)));
    return info;
}

MigrationProgress parse_migration_progress(const TypedParams& params) {
    using std::chrono::milliseconds;
    const auto as_milliseconds = [](std::uint64_t value) {
        return milliseconds(std::min<std::uint64_t>(value, 1ULL << 53));
    };
    MigrationProgress progress;
    progress.memory_total_bytes = params.number_or_0(VIR_DOMAIN_JOB_MEMORY_TOTAL);
    progress.memory_remaining_bytes = params.number_or_0(VIR_DOMAIN_JOB_MEMORY_REMAINING);
    const auto disk_total_bytes = params.number_or_0(VIR_DOMAIN_JOB_DISK_TOTAL);
    const auto disk_done_bytes = params.number_or_0(VIR_DOMAIN_JOB_DISK_PROCESSED);
    const auto disk_left_bytes = params.number_or_0(VIR_DOMAIN_JOB_DISK_REMAINING);
    progress.total_bytes = progress.memory_total_bytes + disk_total_bytes;
    progress.transferred_bytes =
        params.number_or_0(VIR_DOMAIN_JOB_MEMORY_PROCESSED) + disk_done_bytes;
    progress.remaining_bytes = progress.memory_remaining_bytes + disk_left_bytes;
    auto page_bytes = bounded(params, VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE, kib * kib * kib);
    if (page_bytes == 0) page_bytes = 4 * kib;
    progress.dirty_bytes_per_s =
        bounded(params, VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE, 0xFFFFFFFF) * page_bytes;
    progress.throughput_bytes_per_s = params.number_or_0(VIR_DOMAIN_JOB_MEMORY_BPS);
    progress.iteration =
        static_cast<std::uint32_t>(bounded(params, VIR_DOMAIN_JOB_MEMORY_ITERATION, 0xFFFFFFFF));
    progress.throttle_percent =
        static_cast<std::uint32_t>(bounded(params, VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE, 100));
    progress.elapsed = as_milliseconds(params.number_or_0(VIR_DOMAIN_JOB_TIME_ELAPSED));
    if (const auto downtime = params.number(VIR_DOMAIN_JOB_DOWNTIME))
        progress.expected_downtime = as_milliseconds(*downtime);
    if (progress.memory_total_bytes != 0)
        progress.phase = MigrationPhase::copying_memory;
    else if (disk_total_bytes != 0)
        progress.phase = MigrationPhase::copying_disks;
    return progress;
}

}  // namespace drover::hypervisor::libvirt
