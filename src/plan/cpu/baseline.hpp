#pragma once

// What the hosts of a cluster can promise to every machine, and what a change of that means.
//
// Rule: a machine may run where the host offers every feature that the machine has seen since its
// last power-on. Powered-off machines have seen nothing. A baseline is the set that all hosts
// offer, lowered to a named mode if an administrator chose one; machines that are powered on under
// it see no more, so they may move anywhere in the cluster.

#include <string>
#include <vector>

#include "plan/cpu/evc_mode.hpp"

namespace drover::plan {

struct HostCpu {
    std::string host;
    Cpu cpu;
};

/// A powered-on machine and what it has seen.
struct MachineCpu {
    std::string machine;
    FeatureSet features;
};

struct Baseline {
    CpuVendor vendor = CpuVendor::unknown;
    FeatureSet features;
    const EvcMode* mode = nullptr;  ///< the newest that it includes; null if it is older than all

    friend bool operator==(const Baseline&, const Baseline&) = default;
};

/// The features that all of the hosts offer. Hosts of different vendors have no baseline: then the
/// vendor is unknown and the set empty. So it is without hosts.
Baseline common_baseline(const std::vector<HostCpu>& hosts);

/// The baseline of a named mode.
Baseline baseline_of(const EvcMode& mode);

/// What is left of a baseline under a named mode: of the features that any generation of the vendor
/// brought, those of the mode; all that no mode speaks of.
Baseline lowered_to(const Baseline& baseline, const EvcMode& mode);

struct Shortfall {
    std::string name;  ///< of the host or machine
    FeatureSet features;
};

/// What follows if `after` were the baseline.
struct BaselinePreview {
    Baseline before;
    Baseline after;
    FeatureSet lost;                     ///< promised before, not promised after
    FeatureSet gained;                   ///< the other way round
    std::vector<Shortfall> hosts_short;  ///< hosts that can't keep the promise, and what they lack
    std::vector<Shortfall> held_back;    ///< what hosts have that machines will no longer see
    /// Machines that have seen more than is promised after: they go on, but move only to hosts that
    /// have it too, until they are powered off and on again.
    std::vector<Shortfall> need_power_cycle;
    /// Hosts of another vendor than the baseline's.
    std::vector<std::string> other_vendor;

    /// Whether every host can keep the promise.
    bool is_possible() const { return hosts_short.empty() && other_vendor.empty(); }
};

BaselinePreview preview(const Baseline& before, const Baseline& after,
                        const std::vector<HostCpu>& hosts, const std::vector<MachineCpu>& machines);

/// The same for a host that joins a cluster whose baseline follows its hosts.
BaselinePreview preview_join(const std::vector<HostCpu>& hosts, const HostCpu& joining,
                             const std::vector<MachineCpu>& machines);

/// What a machine would miss; empty if it may run there. Everything it needs, on another vendor's
/// CPU: features of the same name do not make those interchangeable.
FeatureSet missing_features(CpuVendor machine_vendor, const FeatureSet& machine,
                            const Cpu& destination);

}  // namespace drover::plan
