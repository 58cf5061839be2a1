#include "center/alarms/figures.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "vim/properties.hpp"

namespace drover::center {

using vim::TypeId;
namespace property = vim::property;

namespace {

constexpr std::array kOfHosts{counter::cpu_usage, counter::cpu_usage_mhz, counter::memory_usage,
                              counter::memory_consumed};
constexpr std::array kOfMachines{counter::cpu_usage,       counter::cpu_usage_mhz,
                                 counter::memory_usage,    counter::memory_active,
                                 counter::memory_swapped,  counter::memory_balloon,
                                 counter::memory_consumed, counter::cpu_readiness};
constexpr std::array kOfDatastores{counter::disk_used};

constexpr std::int64_t kKilobytes = 1'024;  // in a megabyte
constexpr std::int64_t kHundredths = 100;   // of a percent

Figure unknown() {
    return {Figure::Kind::unknown, 0, true};
}

Figure share(std::optional<std::int64_t> part, std::int64_t whole) {
    if (!part || whole <= 0) return unknown();
    return {
        Figure::Kind::value,
        static_cast<std::int64_t>(static_cast<double>(*part) / static_cast<double>(whole) * 10'000),
        true};
}

Figure amount(std::optional<std::int64_t> value, std::int64_t factor = 1) {
    if (!value) return unknown();
    return {Figure::Kind::value, *value * factor, false};
}

Figure of_machine(const model::ManagedObject& machine, std::int32_t wanted) {
    const vim::VirtualMachineRuntimeInfo runtime(
        machine.property(property::VirtualMachine::runtime));
    const vim::VirtualMachineSummary summary(machine.property(property::VirtualMachine::summary));
    if (!runtime || !summary) return unknown();
    if (runtime.connectionState() != vim::VirtualMachineConnectionState::connected) {
        return unknown();
    }
    if (runtime.powerState() != vim::VirtualMachinePowerState::poweredOn) return {};
    const auto stats = summary.quickStats();
    const auto config = summary.config();
    // Shown before anything was measured.
    if (!stats || !config || stats.uptimeSeconds().value_or(0) == 0) return unknown();
    switch (wanted) {
        case counter::cpu_usage:
            return share(stats.overallCpuUsage(), runtime.maxCpuUsage().value_or(0));
        case counter::cpu_usage_mhz:
            return amount(stats.overallCpuUsage());
        case counter::memory_usage:
            return share(stats.guestMemoryUsage(), config.memorySizeMB().value_or(0));
        case counter::memory_active:
            return amount(stats.guestMemoryUsage(), kKilobytes);
        case counter::memory_swapped:
            return amount(stats.swappedMemory(), kKilobytes);
        case counter::memory_balloon:
            return amount(stats.balloonedMemory(), kKilobytes);
        case counter::memory_consumed:
            return amount(stats.hostMemoryUsage(), kKilobytes);
        case counter::cpu_readiness: {
            Figure figure = amount(stats.overallCpuReadiness(), kHundredths);
            figure.is_percentage = true;
            return figure;
        }
        default:
            return {};
    }
}

Figure of_host(const model::ManagedObject& host, std::int32_t wanted) {
    const vim::HostRuntimeInfo runtime(host.property(property::HostSystem::runtime));
    const vim::HostListSummary summary(host.property(property::HostSystem::summary));
    if (!runtime || !summary) return unknown();
    if (runtime.connectionState() != vim::HostSystemConnectionState::connected) return unknown();
    const auto stats = summary.quickStats();
    const auto hardware = summary.hardware();
    if (!stats || !hardware) return unknown();
    switch (wanted) {
        case counter::cpu_usage:
            return share(stats.overallCpuUsage(),
                         std::int64_t{hardware.cpuMhz()} * hardware.numCpuCores());
        case counter::cpu_usage_mhz:
            return amount(stats.overallCpuUsage());
        case counter::memory_usage:
            return share(stats.overallMemoryUsage(), hardware.memorySize() >> 20);
        case counter::memory_consumed:
            return amount(stats.overallMemoryUsage(), kKilobytes);
        default:
            return {};
    }
}

Figure of_datastore(const model::ManagedObject& datastore) {
    const vim::DatastoreSummary summary(datastore.property(property::Datastore::summary));
    if (!summary || !summary.accessible()) return unknown();
    return share(summary.capacity() - summary.freeSpace(), summary.capacity());
}

std::span<const std::int32_t> counters_of(TypeId type) {
    if (vim::is_a(type, TypeId::VirtualMachine)) return kOfMachines;
    if (vim::is_a(type, TypeId::HostSystem)) return kOfHosts;
    if (vim::is_a(type, TypeId::Datastore)) return kOfDatastores;
    return {};
}

}  // namespace

bool has_figure(TypeId type, std::int32_t counter) {
    return std::ranges::find(counters_of(type), counter) != counters_of(type).end();
}

Figure figure_of(const model::ManagedObject& entity, std::int32_t counter) {
    if (!has_figure(entity.type(), counter)) return {};
    if (vim::is_a(entity.type(), TypeId::VirtualMachine)) return of_machine(entity, counter);
    if (vim::is_a(entity.type(), TypeId::HostSystem)) return of_host(entity, counter);
    return of_datastore(entity);
}

std::vector<model::PropertyIndex> figure_properties(TypeId type) {
    if (vim::is_a(type, TypeId::VirtualMachine)) {
        return {property::VirtualMachine::runtime, property::VirtualMachine::summary};
    }
    if (vim::is_a(type, TypeId::HostSystem)) {
        return {property::HostSystem::runtime, property::HostSystem::summary};
    }
    if (vim::is_a(type, TypeId::Datastore)) return {property::Datastore::summary};
    return {};
}

}  // namespace drover::center
