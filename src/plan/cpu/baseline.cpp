#include "plan/cpu/baseline.hpp"

namespace drover::plan {

Baseline common_baseline(const std::vector<HostCpu>& hosts) {
    Baseline result;
    if (hosts.empty()) return result;
    result.vendor = hosts.front().cpu.vendor;
    result.features = hosts.front().cpu.features;
    for (const HostCpu& host : hosts) {
        if (host.cpu.vendor != result.vendor) return {};
        result.features = result.features.common_with(host.cpu.features);
    }
    result.mode = newest_evc_mode({result.vendor, result.features});
    return result;
}

Baseline baseline_of(const EvcMode& mode) {
    return {mode.vendor, mode.features, &mode};
}

Baseline lowered_to(const Baseline& baseline, const EvcMode& mode) {
    FeatureSet newer;
    for (const EvcMode& other : evc_modes()) {
        if (other.vendor == mode.vendor) newer = newer.together_with(other.features);
    }
    newer = newer.without(mode.features);
    return {mode.vendor, baseline.features.without(newer), &mode};
}

BaselinePreview preview(const Baseline& before, const Baseline& after,
                        const std::vector<HostCpu>& hosts,
                        const std::vector<MachineCpu>& machines) {
    BaselinePreview result{before,
                           after,
                           before.features.without(after.features),
                           after.features.without(before.features),
                           {},
                           {},
                           {},
                           {}};
    for (const HostCpu& host : hosts) {
        if (host.cpu.vendor != after.vendor) {
            result.other_vendor.push_back(host.host);
            continue;
        }
        FeatureSet lacks = after.features.without(host.cpu.features);
        if (!lacks.empty()) result.hosts_short.push_back({host.host, std::move(lacks)});
        FeatureSet hidden = host.cpu.features.without(after.features);
        if (!hidden.empty()) result.held_back.push_back({host.host, std::move(hidden)});
    }
    for (const MachineCpu& machine : machines) {
        FeatureSet beyond = machine.features.without(after.features);
        if (!beyond.empty())
            result.need_power_cycle.push_back({machine.machine, std::move(beyond)});
    }
    return result;
}

BaselinePreview preview_join(const std::vector<HostCpu>& hosts, const HostCpu& joining,
                             const std::vector<MachineCpu>& machines) {
    std::vector<HostCpu> all = hosts;
    all.push_back(joining);
    const Baseline before = common_baseline(hosts);
    const Baseline after = common_baseline(all);
    if (!hosts.empty() && after.vendor == CpuVendor::unknown) {
        return preview(before, before, all, {});  // another vendor: nothing is lowered, it can't be
    }
    return preview(before, after, all, machines);
}

FeatureSet missing_features(CpuVendor machine_vendor, const FeatureSet& machine,
                            const Cpu& destination) {
    if (machine_vendor != destination.vendor && machine_vendor != CpuVendor::unknown) {
        return machine;
    }
    return machine.without(destination.features);
}

}  // namespace drover::plan
