#include "ha/admission/failover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "plan/drs/capacity.hpp"

namespace drover::ha {

namespace {

FailoverVerdict tolerates(const plan::Snapshot& after, std::uint32_t hosts) {
    FailoverVerdict verdict;
    if (hosts == 0) return verdict;
    const auto usable = std::ranges::count(after.hosts, true, &plan::Host::usable);
    if (usable <= static_cast<std::ptrdiff_t>(hosts)) {
        verdict.admitted = false;
        verdict.reason = fmt::format("{} hosts can't bear the loss of {}", usable, hosts);
        return verdict;
    }
    auto capacity = plan::failover_capacity(after, hosts);
    if (capacity.hosts >= hosts) return verdict;
    verdict.admitted = false;
    verdict.fatal = std::move(capacity.fatal);
    verdict.stranded = std::move(capacity.stranded);
    std::string names;
    for (const auto host : verdict.fatal) {
        names += names.empty() ? "" : ", ";
        names += after.hosts[host].name;
    }
    verdict.reason =
        fmt::format("if {} failed, {} machines would find no place, {} among them", names,
                    verdict.stranded.size(), after.machines[verdict.stranded.front()].name);
    return verdict;
}

FailoverVerdict leaves_free(const plan::Snapshot& after, const FailoverSettings& settings) {
    const auto free = free_percent(after);
    FailoverVerdict verdict;
    if (free.cpu < settings.cpu_percent) {
        verdict.admitted = false;
        verdict.reason = fmt::format("{:.1f} % of the CPU would be free, {:.1f} % are to be kept",
                                     free.cpu, settings.cpu_percent);
    } else if (free.memory < settings.memory_percent) {
        verdict.admitted = false;
        verdict.reason =
            fmt::format("{:.1f} % of the memory would be free, {:.1f} % are to be kept",
                        free.memory, settings.memory_percent);
    }
    return verdict;
}

FailoverVerdict keeps_dedicated(const plan::Snapshot& after, const FailoverSettings& settings) {
    FailoverVerdict verdict;
    const auto is_dedicated = [&](plan::HostIndex host) {
        return std::ranges::find(settings.dedicated, host) != settings.dedicated.end();
    };
    for (plan::MachineIndex row = 0; row < after.machines.size(); ++row) {
        const auto& machine = after.machines[row];
        if (machine.host == plan::kNone || !is_dedicated(machine.host)) continue;
        verdict.admitted = false;
        verdict.stranded.push_back(row);
        verdict.reason = fmt::format("{} would run on {}, which is kept for failures", machine.name,
                                     after.hosts[machine.host].name);
    }
    if (!verdict.admitted) return verdict;
    // Only the dedicated hosts take machines of one that is lost.
    plan::Snapshot paper = after;
    for (plan::HostIndex host = 0; host < paper.hosts.size(); ++host) {
        paper.hosts[host].usable = paper.hosts[host].usable && is_dedicated(host);
    }
    const plan::Cluster cluster(paper);
    for (plan::HostIndex host = 0; host < after.hosts.size(); ++host) {
        if (is_dedicated(host) || !after.hosts[host].usable) continue;
        auto stranded = plan::stranded_without(cluster, std::array{host});
        if (stranded.empty()) continue;
        verdict.admitted = false;
        verdict.fatal = {host};
        verdict.stranded = std::move(stranded);
        verdict.reason =
            fmt::format("if {} failed, the hosts that are kept could not take {}",
                        after.hosts[host].name, after.machines[verdict.stranded.front()].name);
        return verdict;
    }
    return verdict;
}

}  // namespace

FreePercent free_percent(const plan::Snapshot& snapshot) {
    double cpu_mhz = 0;
    double memory_bytes = 0;
    for (const auto& host : snapshot.hosts) {
        if (!host.usable) continue;
        cpu_mhz += host.cpu_mhz;
        memory_bytes += host.memory_bytes;
    }
    double used_mhz = 0;
    double used_bytes = 0;
    for (const auto& machine : snapshot.machines) {
        if (machine.host == plan::kNone) continue;
        const auto load = plan::load_of(machine);
        used_mhz += load.cpu_reserved_mhz;
        used_bytes += load.memory_reserved_bytes;
    }
    const auto part = [](double used, double all) {
        return all <= 0 ? 0 : std::clamp(100 * (1 - used / all), 0.0, 100.0);
    };
    return {part(used_mhz, cpu_mhz), part(used_bytes, memory_bytes)};
}

FailoverVerdict admits_failover(const plan::Snapshot& after, const FailoverSettings& settings) {
    switch (settings.policy) {
        case FailoverPolicy::disabled:
            return {};
        case FailoverPolicy::hosts:
            return tolerates(after, settings.hosts);
        case FailoverPolicy::percentage:
            return leaves_free(after, settings);
        case FailoverPolicy::dedicated:
            return keeps_dedicated(after, settings);
    }
    return {};
}

}  // namespace drover::ha
