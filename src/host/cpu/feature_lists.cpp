#include "host/cpu/feature_lists.hpp"

#include <fmt/format.h>

#include <unordered_map>

#include "plan/cpu/baseline.hpp"
#include "plan/cpu/feature_key.hpp"
#include "plan/cpu/promise.hpp"

namespace drover::host {

using vim::TypeId;
using vim::Value;

namespace {

// What the machines of one host have seen is of few kinds.
constexpr std::size_t kMostKinds = 256;

vim::VirtualMachineFeatureRequirement requirement(std::string_view key) {
    auto made = vim::VirtualMachineFeatureRequirement::make();
    made.set_key(key);
    made.set_featureName(key);
    made.set_value("Bool:Min:1");
    return made;
}

Value make_requirements(const plan::Cpu& cpu) {
    std::vector<Value> list;
    if (const auto vendor = plan::vendor_key(cpu.vendor); !vendor.empty()) {
        list.push_back(requirement(vendor).raw());
    }
    for (const std::string& feature : cpu.features.names()) {
        list.push_back(requirement(plan::feature_key(feature)).raw());
    }
    return Value::array(TypeId::VirtualMachineFeatureRequirement, std::move(list));
}

}  // namespace

plan::Cpu offered_cpu(const hypervisor::HostInfo& info) {
    return {plan::cpu_vendor(info.cpu_vendor), plan::FeatureSet(info.cpu_features)};
}

std::vector<vim::HostFeatureCapability> capabilities_of(const plan::Cpu& cpu) {
    std::vector<vim::HostFeatureCapability> list;
    const auto add = [&list](std::string_view key) {
        auto made = vim::HostFeatureCapability::make();
        made.set_key(key);
        made.set_featureName(key);
        made.set_value("1");
        list.push_back(std::move(made));
    };
    if (const auto vendor = plan::vendor_key(cpu.vendor); !vendor.empty()) add(vendor);
    for (const std::string& feature : cpu.features.names()) add(plan::feature_key(feature));
    return list;
}

Value requirements_of(const std::string& seen) {
    static std::unordered_map<std::string, Value> known;
    if (const auto at = known.find(seen); at != known.end()) return at->second;
    const auto cpu = plan::parse_cpu(seen);
    if (!cpu) return {};
    if (known.size() == kMostKinds) known.clear();
    return known.emplace(seen, make_requirements(*cpu)).first->second;
}

vim::Fault requirements_not_met(const plan::FeatureSet& missing, std::string_view message) {
    auto fault = vim::FeatureRequirementsNotMet::make();
    std::vector<vim::VirtualMachineFeatureRequirement> list;
    for (const std::string& feature : missing.names()) {
        list.push_back(requirement(plan::feature_key(feature)));
    }
    fault.set_featureRequirement(list);
    return vim::Fault(fault, fmt::format("{}: {}.", message, missing.text()));
}

void require_cpu(const plan::Cpu& seen, const plan::Cpu& offered) {
    if (offered.features.empty()) return;
    const bool other_vendor = seen.vendor != plan::CpuVendor::unknown &&
                              offered.vendor != plan::CpuVendor::unknown &&
                              seen.vendor != offered.vendor;
    const auto missing = other_vendor ? seen.features : seen.features.without(offered.features);
    if (missing.empty()) return;
    throw requirements_not_met(
        missing, other_vendor ? fmt::format("The machine runs on a CPU of the vendor {}, this host "
                                            "has one of {}, so these features differ",
                                            plan::text_of(seen.vendor), text_of(offered.vendor))
                              : std::string("The host's CPU lacks features that the machine has "
                                            "seen since it was powered on"));
}

}  // namespace drover::host
