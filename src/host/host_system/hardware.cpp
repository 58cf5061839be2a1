#include "host/host_system/hardware.hpp"

#include <algorithm>
#include <charconv>

namespace drover::host {
namespace {

constexpr std::int64_t kHzInMhz = 1'000'000;
constexpr std::string_view kUnknown = "Unknown";

std::string_view or_unknown(std::string_view text) {
    return text.empty() ? kUnknown : text;
}

vim::HostSystemIdentificationInfo identification(std::string_view key, std::string_view label,
                                                 std::string_view value) {
    auto type = vim::ElementDescription::make();
    type.set_key(key);
    type.set_label(label);
    type.set_summary(label);
    auto info = vim::HostSystemIdentificationInfo::make();
    info.set_identifierType(type);
    info.set_identifierValue(value);
    return info;
}

std::vector<vim::HostSystemIdentificationInfo> identifications(const HostFacts& facts) {
    std::vector<vim::HostSystemIdentificationInfo> list;
    if (!facts.identity.serial.empty()) {
        list.push_back(identification("ServiceTag", "Service tag", facts.identity.serial));
    }
    return list;
}

vim::HostSystemInfo make_system_info(const HostFacts& facts, const std::string& uuid) {
    auto system = vim::HostSystemInfo::make();
    system.set_vendor(or_unknown(facts.identity.vendor));
    system.set_model(or_unknown(facts.identity.model));
    system.set_uuid(uuid);
    system.set_otherIdentifyingInfo(identifications(facts));
    if (!facts.identity.serial.empty()) system.set_serialNumber(facts.identity.serial);
    return system;
}

std::string package_vendor(std::string_view vendor) {
    std::string text(vendor);
    std::ranges::transform(text, text.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return text;
}

// The hypervisor tells how many threads there are, not which socket they are on: they are dealt out
// evenly, neighbours together.
std::vector<vim::HostCpuPackage> make_packages(const hypervisor::HostInfo& info,
                                               const HostFacts& facts, const Capacity& capacity) {
    std::vector<vim::HostCpuIdInfo> features;
    for (const CpuidLeaf& leaf : facts.cpuid) features.push_back(cpu_id_info(leaf));
    const CpuSignature signature = cpu_signature(facts.cpuid);
    std::vector<vim::HostCpuPackage> packages;
    for (std::uint32_t socket = 0; socket < capacity.sockets; ++socket) {
        auto package = vim::HostCpuPackage::make();
        package.set_index(static_cast<std::int16_t>(socket));
        package.set_vendor(package_vendor(info.cpu_vendor));
        package.set_hz(capacity.core_mhz * kHzInMhz);
        package.set_busHz(0);
        package.set_description(info.cpu_brand.empty() ? info.cpu_model : info.cpu_brand);
        std::vector<std::int16_t> threads;
        for (auto thread = capacity.threads * socket / capacity.sockets;
             thread < capacity.threads * (socket + 1) / capacity.sockets; ++thread) {
            threads.push_back(static_cast<std::int16_t>(thread));
        }
        package.set_threadId(threads);
        package.set_cpuFeature(features);
        package.set_family(signature.family);
        package.set_model(signature.model);
        package.set_stepping(signature.stepping);
        packages.push_back(std::move(package));
    }
    return packages;
}

vim::HostCpuInfo make_cpu_info(const Capacity& capacity) {
    auto cpu = vim::HostCpuInfo::make();
    cpu.set_numCpuPackages(static_cast<std::int16_t>(capacity.sockets));
    cpu.set_numCpuCores(static_cast<std::int16_t>(capacity.cores));
    cpu.set_numCpuThreads(static_cast<std::int16_t>(capacity.threads));
    cpu.set_hz(capacity.core_mhz * kHzInMhz);
    return cpu;
}

vim::HostNumaNode make_node(std::size_t index, std::vector<std::int16_t> cpus,
                            std::uint64_t begin_bytes, std::uint64_t length_bytes) {
    auto node = vim::HostNumaNode::make();
    node.set_typeId(static_cast<std::int8_t>(index));
    node.set_cpuID(cpus);
    node.set_memorySize(static_cast<std::int64_t>(length_bytes));
    node.set_memoryRangeBegin(static_cast<std::int64_t>(begin_bytes));
    node.set_memoryRangeLength(static_cast<std::int64_t>(length_bytes));
    return node;
}

// Where a node's memory begins is not known: ranges follow one another.
vim::HostNumaInfo make_numa(const hypervisor::HostInfo& info, const Capacity& capacity) {
    constexpr std::size_t most_nodes = 127;  // the node's number is a byte
    std::vector<vim::HostNumaNode> nodes;
    if (capacity.is_part || info.numa_cells.empty()) {
        std::vector<std::int16_t> cpus;
        for (std::uint32_t thread = 0; thread < capacity.threads; ++thread) {
            cpus.push_back(static_cast<std::int16_t>(thread));
        }
        nodes.push_back(make_node(0, std::move(cpus), 0, capacity.memory_bytes));
    } else {
        std::uint64_t begin = 0;
        for (const auto& cell : info.numa_cells) {
            if (nodes.size() == most_nodes) break;
            std::vector<std::int16_t> cpus;
            for (const auto cpu : cell.cpus) cpus.push_back(static_cast<std::int16_t>(cpu));
            nodes.push_back(make_node(nodes.size(), std::move(cpus), begin, cell.memory_bytes));
            begin += cell.memory_bytes;
        }
    }
    auto numa = vim::HostNumaInfo::make();
    numa.set_type(nodes.size() > 1 ? "NUMA" : "None");
    numa.set_numNodes(static_cast<std::int32_t>(nodes.size()));
    numa.set_numaNode(nodes);
    return numa;
}

vim::HostBIOSInfo make_bios(const HostFacts& facts) {
    auto bios = vim::HostBIOSInfo::make();
    bios.set_biosVersion(or_unknown(facts.identity.bios_version));
    if (const auto date = firmware_date(facts.identity.bios_date)) bios.set_releaseDate(*date);
    bios.set_firmwareType(facts.uefi ? "UEFI" : "BIOS");
    return bios;
}

}  // namespace

std::optional<base::WallTime> firmware_date(std::string_view text) {
    if (text.size() != 10 || text[2] != '/' || text[5] != '/') return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t length) {
        int value = -1;
        const auto [end, error] =
            std::from_chars(text.data() + at, text.data() + at + length, value);
        return error == std::errc{} && end == text.data() + at + length ? value : -1;
    };
    const std::chrono::year_month_day date{std::chrono::year(number(6, 4)),
                                           std::chrono::month(static_cast<unsigned>(number(0, 2))),
                                           std::chrono::day(static_cast<unsigned>(number(3, 2)))};
    if (number(6, 4) < 1970 || !date.ok()) return std::nullopt;
    return base::WallTime(std::chrono::sys_days(date));
}

vim::HostHardwareInfo make_hardware(const hypervisor::HostInfo& info, const HostFacts& facts,
                                    const Capacity& capacity, const std::string& uuid) {
    auto hardware = vim::HostHardwareInfo::make();
    hardware.set_systemInfo(make_system_info(facts, uuid));
    hardware.set_cpuInfo(make_cpu_info(capacity));
    hardware.set_cpuPkg(make_packages(info, facts, capacity));
    hardware.set_memorySize(static_cast<std::int64_t>(capacity.memory_bytes));
    hardware.set_numaInfo(make_numa(info, capacity));
    hardware.set_smcPresent(false);
    std::vector<vim::HostCpuIdInfo> features;
    for (const CpuidLeaf& leaf : facts.cpuid) features.push_back(cpu_id_info(leaf));
    hardware.set_cpuFeature(features);
    hardware.set_biosInfo(make_bios(facts));
    return hardware;
}

vim::HostHardwareSummary make_hardware_summary(const hypervisor::HostInfo& info,
                                               const HostFacts& facts, const Capacity& capacity,
                                               const std::string& uuid, std::size_t nic_count) {
    auto summary = vim::HostHardwareSummary::make();
    summary.set_vendor(or_unknown(facts.identity.vendor));
    summary.set_model(or_unknown(facts.identity.model));
    summary.set_uuid(uuid);
    summary.set_otherIdentifyingInfo(identifications(facts));
    summary.set_memorySize(static_cast<std::int64_t>(capacity.memory_bytes));
    summary.set_cpuModel(info.cpu_brand.empty() ? info.cpu_model : info.cpu_brand);
    summary.set_cpuMhz(static_cast<std::int32_t>(capacity.core_mhz));
    summary.set_numCpuPkgs(static_cast<std::int16_t>(capacity.sockets));
    summary.set_numCpuCores(static_cast<std::int16_t>(capacity.cores));
    summary.set_numCpuThreads(static_cast<std::int16_t>(capacity.threads));
    summary.set_numNics(static_cast<std::int32_t>(nic_count));
    summary.set_numHBAs(0);
    return summary;
}

}  // namespace drover::host
