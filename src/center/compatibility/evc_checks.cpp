#include "center/compatibility/evc_checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

#include "center/compatibility/evc_view.hpp"

namespace drover::center {

using task::Awaitable;
using vim::Fault;
using vim::MoRef;

namespace {

template <class Fault>
void set_hosts(Fault& fault, const plan::EvcMode& mode, const std::vector<MoRef>& hosts,
               const std::vector<std::string>& names) {
    fault.set_evcMode(mode.key);
    fault.set_host(hosts);
    fault.set_hostName(std::vector<std::string_view>(names.begin(), names.end()));
}

void add_name(std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

EvcFinding other_vendor(const plan::EvcMode& mode, const std::vector<std::string>& names,
                        std::vector<MoRef> hosts, plan::CpuVendor vendor) {
    auto fault = vim::EVCModeIllegalByVendor::make();
    fault.set_clusterCPUVendor(plan::text_of(vendor));
    fault.set_modeCPUVendor(plan::text_of(mode.vendor));
    return {Fault(fault, fmt::format("The mode {} is of another vendor's CPUs than: {}.", mode.key,
                                     fmt::join(names, ", "))),
            std::move(hosts)};
}

struct About {
    std::vector<MoRef> hosts;
    std::vector<std::string> names;
    std::vector<std::string> words;

    void add(const MoRef& host, const std::string& name, std::string word) {
        if (std::ranges::find(hosts, host) == hosts.end()) hosts.push_back(host);
        add_name(names, name);
        words.push_back(std::move(word));
    }
};

std::optional<Fault> vm_active(const JoiningHost& host, const plan::FeatureSet& promised) {
    std::vector<std::string> words;
    for (const SeenCpu& machine : host.machines) {
        const auto beyond = machine.cpu.features.without(promised);
        if (!beyond.empty()) words.push_back(fmt::format("{} ({})", machine.name, beyond.text()));
    }
    if (words.empty()) return std::nullopt;
    return Fault(vim::EVCAdmissionFailedVmActive::make(),
                 fmt::format("Machines on the host {} have seen more than the cluster's EVC mode "
                             "promises; power them off first: {}.",
                             host.cpu.host, fmt::join(words, ", ")));
}

Fault vendor_fault(const JoiningHost& host, plan::CpuVendor vendor) {
    auto fault = vim::EVCAdmissionFailedCPUVendor::make();
    fault.set_clusterCPUVendor(plan::text_of(vendor));
    fault.set_hostCPUVendor(plan::text_of(host.cpu.cpu.vendor));
    return Fault(fault, fmt::format("The host {} has a CPU of the vendor {}, the cluster's are of "
                                    "{}: machines that run can't move between them.",
                                    host.cpu.host, plan::text_of(host.cpu.cpu.vendor),
                                    plan::text_of(vendor)));
}

}  // namespace

std::vector<EvcFinding> findings_against(const ClusterCpu& clusters, const MoRef& cluster,
                                         const plan::EvcMode& mode) {
    std::vector<EvcFinding> findings;
    About foreign;
    About lacking;
    plan::CpuVendor vendor = plan::CpuVendor::unknown;
    const auto refs = clusters.hosts_of(cluster);
    for (const plan::HostCpu& host : clusters.members(cluster)) {
        const Host* found = clusters.hosts().find_by_name(host.host);
        const MoRef ref = found == nullptr ? MoRef{} : found->ref;
        if (host.cpu.vendor != mode.vendor) {
            vendor = host.cpu.vendor;
            foreign.add(ref, host.host, host.host);
            continue;
        }
        const auto missing = mode.features.without(host.cpu.features);
        if (missing.empty()) continue;
        lacking.add(ref, host.host, fmt::format("{} ({})", host.host, missing.text()));
    }
    if (!foreign.hosts.empty()) {
        findings.push_back(other_vendor(mode, foreign.names, foreign.hosts, vendor));
    }
    if (!lacking.hosts.empty()) {
        auto fault = vim::EVCModeUnsupportedByHosts::make();
        set_hosts(fault, mode, lacking.hosts, lacking.names);
        findings.push_back({Fault(fault, fmt::format("Hosts lack features of the mode {}: {}.",
                                                     mode.key, fmt::join(lacking.words, ", "))),
                            lacking.hosts});
    }
    About active;
    const auto promised = clusters.baseline(cluster, mode.vendor, &mode).features;
    for (const SeenCpu& machine : clusters.machines(cluster)) {
        const auto beyond = machine.cpu.features.without(promised);
        if (machine.cpu.vendor != mode.vendor || beyond.empty()) continue;
        active.add(machine.host, name_of(clusters.context(), machine.host),
                   fmt::format("{} ({})", machine.name, beyond.text()));
    }
    if (!active.hosts.empty()) {
        auto fault = vim::ActiveVMsBlockingEVC::make();
        set_hosts(fault, mode, active.hosts, active.names);
        findings.push_back({Fault(fault, fmt::format("Machines have seen more than the mode {} "
                                                     "promises; power them off first: {}.",
                                                     mode.key, fmt::join(active.words, ", "))),
                            active.hosts});
    }
    return findings;
}

std::vector<EvcFinding> findings_against(const ClusterCpu& clusters, const MoRef& cluster,
                                         const plan::EvcMode& mode, const JoiningHost& host) {
    std::vector<EvcFinding> findings;
    if (host.cpu.cpu.vendor != mode.vendor) {
        findings.push_back({vendor_fault(host, mode.vendor), {}});
        return findings;
    }
    const auto missing = mode.features.without(host.cpu.cpu.features);
    if (!missing.empty()) {
        auto fault = vim::EVCAdmissionFailedCPUFeaturesForMode::make();
        fault.set_currentEVCModeKey(mode.key);
        findings.push_back(
            {Fault(fault, fmt::format("The host {} lacks features of the cluster's EVC mode {}: "
                                      "{}.",
                                      host.cpu.host, mode.key, missing.text())),
             {}});
    }
    // A host that lowers the baseline further is told of below; its machines need what is left.
    auto all = clusters.members(cluster);
    all.push_back(host.cpu);
    const auto promised = plan::lowered_to(plan::common_baseline(all), mode).features;
    if (auto fault = vm_active(host, promised)) findings.push_back({std::move(*fault), {}});
    return findings;
}

std::vector<EvcFinding> consequences(const ClusterCpu& clusters, const MoRef& cluster,
                                     const JoiningHost& host) {
    std::vector<EvcFinding> findings;
    const auto vendor = clusters.vendor_of(cluster);
    if (vendor != plan::CpuVendor::unknown && host.cpu.cpu.vendor != vendor) {
        findings.push_back({vendor_fault(host, vendor), {}});
        return findings;
    }
    std::vector<plan::MachineCpu> machines;
    std::map<std::string, MoRef> refs;
    for (const SeenCpu& each : clusters.machines(cluster)) {
        machines.push_back({each.name, each.cpu.features});
        refs[each.name] = each.machine;
    }
    for (const SeenCpu& each : host.machines) machines.push_back({each.name, each.cpu.features});
    const auto change = plan::preview_join(clusters.members(cluster), host.cpu, machines);
    if (!change.lost.empty()) {
        findings.push_back(
            {Fault(not_met(change.lost),
                   fmt::format("With the host {} in the cluster, machines that are powered on from "
                               "then on no longer see: {}.",
                               host.cpu.host, change.lost.text())),
             clusters.hosts_of(cluster)});
    }
    for (const auto& machine : change.need_power_cycle) {
        auto fault = not_met(machine.features);
        if (refs.contains(machine.name)) fault.set_vm(refs[machine.name]);
        findings.push_back(
            {Fault(fault, fmt::format("The machine {} has to be powered off and on before it can "
                                      "run everywhere in the cluster: it has seen {}.",
                                      machine.name, machine.features.text())),
             {}});
    }
    return findings;
}

Fault refusal_of(const std::vector<EvcFinding>& findings) {
    if (findings.size() == 1) return findings.front().fault;
    std::vector<vim::LocalizedMethodFault> all;
    std::vector<std::string> words;
    for (const EvcFinding& each : findings) {
        all.push_back(each.fault.localized());
        words.emplace_back(each.fault.message());
    }
    auto fault = vim::EVCConfigFault::make();
    fault.set_faults(all);
    return Fault(fault, fmt::format("{}", fmt::join(words, " ")));
}

Awaitable<void> require_may_join(const ClusterCpu& clusters, MoRef cluster, Joining joining) {
    const plan::EvcMode* mode = clusters.mode_of(cluster);
    if (mode == nullptr) co_return;
    JoiningHost host;
    if (joining.link) {
        host = co_await ask_host(joining.link, joining.name);
    } else {
        host.cpu = {joining.name, offered_by(clusters.context(), joining.host)};
        host.machines = machines_on(clusters.context(), joining.host);
    }
    if (host.cpu.cpu.features.empty()) co_return;  // it can't tell; it will promise nothing
    const auto findings = findings_against(clusters, cluster, *mode, host);
    if (findings.empty()) co_return;
    if (findings.size() == 1) throw findings.front().fault;
    std::vector<vim::LocalizedMethodFault> all;
    std::vector<std::string> words;
    for (const EvcFinding& each : findings) {
        all.push_back(each.fault.localized());
        words.emplace_back(each.fault.message());
    }
    vim::EVCAdmissionFailed fault(findings.front().fault.fault().raw());
    fault.set_faults(all);
    throw Fault(fault, fmt::format("{}", fmt::join(words, " ")));
}

}  // namespace drover::center
