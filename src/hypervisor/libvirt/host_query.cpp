#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <algorithm>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "base/log.hpp"
#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/host_xml.hpp"
#include "hypervisor/libvirt/operations.hpp"

namespace drover::hypervisor::libvirt {
namespace {

constexpr std::uint64_t cpuinfo_limit_bytes = 16U << 20;
constexpr std::uint64_t descriptor_limit_bytes = 1U << 20;
constexpr std::size_t descriptor_limit = 256;

std::string version_text(unsigned long version) {
    return fmt::format("{}.{}.{}", version / 1000000, version / 1000 % 1000, version % 1000);
}

std::string read_if_possible(const std::filesystem::path& path, std::uint64_t limit) {
    try {
        return base::read_file(path, limit);
    } catch (const std::system_error& error) {
        base::log_warning("hypervisor: {}", error.what());
        return {};
    }
}

std::vector<UefiFirmware> find_firmware(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error))
        if (at->path().extension() == ".json" && files.size() < descriptor_limit)
            files.push_back(at->path());
    // The numbers that the names start with are their order of preference.
    std::ranges::sort(files);
    std::vector<UefiFirmware> found;
    for (const auto& file : files) {
        auto firmware = parse_firmware_descriptor(read_if_possible(file, descriptor_limit_bytes));
        if (firmware && std::filesystem::exists(firmware->loader_path, error))
            found.push_back(std::move(*firmware));
    }
    return found;
}

void read_node(virConnectPtr connection, HostInfo& info) {
    virNodeInfo node{};
    if (virNodeGetInfo(connection, &node) < 0) throw_last_error("read the host");
    info.memory_bytes = std::uint64_t{node.memory} * 1024;
    info.logical_cpus = node.cpus;
    info.cpu_mhz = node.mhz;
    // libvirt counts sockets per NUMA cell; odd topologies come as one socket with all CPUs.
    info.sockets = node.nodes * node.sockets;
    info.cores = info.sockets * node.cores;
    info.threads_per_core = node.threads;
}

void read_versions(virConnectPtr connection, HostInfo& info) {
    unsigned long version = 0;
    if (virConnectGetLibVersion(connection, &version) < 0) throw_last_error("read the version");
    info.libvirt_version = version_text(version);
    if (virConnectGetVersion(connection, &version) < 0) throw_last_error("read QEMU's version");
    info.qemu_version = version_text(version);
    const CString name(virConnectGetHostname(connection));
    if (!name) throw_last_error("read the host's name");
    info.host_name = name.get();
}

// What machines can have as their CPU. An engine that can't tell leaves the features empty.
void read_machine_cpu(virConnectPtr connection, const LibvirtOptions& options, HostInfo& info) {
    info.cpu_features.clear();
    const char* type = info.accelerator == Accelerator::kvm ? "kvm" : "qemu";
    const char* emulator = options.emulator_path.c_str();
    const CString capabilities(
        virConnectGetDomainCapabilities(connection, emulator, "x86_64", nullptr, type, 0));
    std::string cpu = capabilities ? model_cpu_xml(capabilities.get()) : std::string();
    if (cpu.empty()) {
        base::log_warning("hypervisor: what CPU machines can have is unknown");
        return;
    }
    const char* list[] = {cpu.c_str()};
    const CString expanded(virConnectBaselineHypervisorCPU(
        connection, emulator, "x86_64", nullptr, type, list, 1,
        VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES | VIR_CONNECT_BASELINE_CPU_MIGRATABLE));
    if (expanded) return parse_expanded_cpu(expanded.get(), info);
    base::log_warning("hypervisor: the CPU's features can't be told");
}

// libvirt's two-step calls: how many values, then the values.
template <class Stat, class Call>
std::vector<Stat> read_stats(const char* what, Call call) {
    int count = 0;
    if (call(static_cast<Stat*>(nullptr), &count) < 0) throw_last_error(what);
    std::vector<Stat> stats(static_cast<std::size_t>(std::clamp(count, 0, 1024)));
    if (!stats.empty() && call(stats.data(), &count) < 0) throw_last_error(what);
    return stats;
}

}  // namespace

HostInfo host_info(virConnectPtr connection, const LibvirtOptions& options) {
    HostInfo info;
    const CString capabilities(virConnectGetCapabilities(connection));
    if (!capabilities) throw_last_error("read capabilities");
    const bool kvm_offered = parse_capabilities(capabilities.get(), info);
    read_node(connection, info);
    read_versions(connection, info);
    const auto cpu = parse_cpuinfo(read_if_possible(options.cpuinfo_path, cpuinfo_limit_bytes));
    info.cpu_brand = cpu.brand;
    std::error_code error;
    const bool kvm = cpu.hardware_virtualization && kvm_offered &&
                     std::filesystem::exists(options.kvm_device_path, error);
    info.accelerator = kvm ? Accelerator::kvm : Accelerator::tcg;
    read_machine_cpu(connection, options, info);
    info.uefi_firmware = find_firmware(options.firmware_descriptors);
    return info;
}

HostStats host_stats(virConnectPtr connection) {
    HostStats stats;
    const auto cpu = read_stats<virNodeCPUStats>("read CPU use", [&](auto* values, int* count) {
        return virNodeGetCPUStats(connection, VIR_NODE_CPU_STATS_ALL_CPUS, values, count, 0);
    });
    for (const auto& value : cpu) {
        const std::string_view field = value.field;
        if (field == VIR_NODE_CPU_STATS_USER) stats.cpu_user_ns = value.value;
        if (field == VIR_NODE_CPU_STATS_KERNEL) stats.cpu_system_ns = value.value;
        if (field == VIR_NODE_CPU_STATS_IDLE) stats.cpu_idle_ns = value.value;
        if (field == VIR_NODE_CPU_STATS_IOWAIT) stats.cpu_iowait_ns = value.value;
    }
    const auto memory = read_stats<virNodeMemoryStats>("read memory use", [&](auto* values,
                                                                              int* count) {
        return virNodeGetMemoryStats(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, values, count, 0);
    });
    for (const auto& value : memory) {
        const std::string_view field = value.field;
        const auto bytes = std::uint64_t{value.value} * 1024;
        if (field == VIR_NODE_MEMORY_STATS_TOTAL) stats.memory_total_bytes = bytes;
        if (field == VIR_NODE_MEMORY_STATS_FREE) stats.memory_free_bytes = bytes;
        if (field == VIR_NODE_MEMORY_STATS_CACHED || field == VIR_NODE_MEMORY_STATS_BUFFERS)
            stats.memory_cached_bytes += bytes;
    }
    return stats;
}

}  // namespace drover::hypervisor::libvirt
