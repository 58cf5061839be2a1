#include "center/compatibility/evc_view.hpp"

#include <array>
#include <map>

#include "plan/cpu/cpuid_bits.hpp"
#include "plan/cpu/feature_key.hpp"
#include "vim/types.hpp"

namespace drover::center {
namespace {

constexpr std::size_t kBits = 32;

// "key", "featureName" and "value", which three types have alike.
template <class Type>
std::vector<Type> listed(const plan::Cpu& cpu, std::string_view value) {
    std::vector<Type> list;
    const auto add = [&](std::string_view key) {
        auto made = Type::make();
        made.set_key(key);
        made.set_featureName(key);
        made.set_value(value);
        list.push_back(std::move(made));
    };
    if (const auto vendor = plan::vendor_key(cpu.vendor); !vendor.empty()) add(vendor);
    for (const std::string& feature : cpu.features.names()) add(plan::feature_key(feature));
    return list;
}

// 'x': the mode says nothing of the bit.
std::vector<vim::HostCpuIdInfo> guaranteed(const plan::FeatureSet& features) {
    std::map<std::uint32_t, std::array<std::string, 4>> leaves;
    for (const plan::CpuidBit& bit : plan::cpuid_bits()) {
        if (bit.subleaf != 0 || !features.contains(bit.feature)) continue;
        auto& registers = leaves[bit.leaf];
        for (std::string& each : registers) each.resize(kBits, 'x');
        registers[static_cast<std::size_t>(bit.reg)][kBits - 1 - bit.bit] = '1';
    }
    std::vector<vim::HostCpuIdInfo> list;
    for (auto& [leaf, registers] : leaves) {
        for (std::string& each : registers) {
            for (std::size_t at = kBits - 4; at > 0; at -= 4) each.insert(at, ":");
        }
        auto made = vim::HostCpuIdInfo::make();
        made.set_level(static_cast<std::int32_t>(leaf));
        made.set_vendor("");
        made.set_eax(registers[0]);
        made.set_ebx(registers[1]);
        made.set_ecx(registers[2]);
        made.set_edx(registers[3]);
        list.push_back(std::move(made));
    }
    return list;
}

template <class Info>
void set_features(Info& info, const plan::Cpu& cpu) {
    info.set_guaranteedCPUFeatures(guaranteed(cpu.features));
    info.set_featureCapability(listed<vim::HostFeatureCapability>(cpu, "1"));
    info.set_featureMask(listed<vim::HostFeatureMask>(cpu, "Val:1"));
    info.set_featureRequirement(listed<vim::VirtualMachineFeatureRequirement>(cpu, "Bool:Min:1"));
}

}  // namespace

vim::EVCMode evc_mode_info(const plan::EvcMode& mode) {
    auto info = vim::EVCMode::make();
    info.set_key(mode.key);
    info.set_label(mode.label);
    info.set_summary(mode.label);
    info.set_vendor(plan::text_of(mode.vendor));
    info.set_vendorTier(mode.tier);
    // The mode and those that it includes.
    std::vector<std::string_view> track;
    for (const plan::EvcMode& other : plan::evc_modes()) {
        if (other.vendor == mode.vendor && other.tier <= mode.tier) track.push_back(other.key);
    }
    info.set_track(track);
    set_features(info, {mode.vendor, mode.features});
    return info;
}

std::vector<vim::EVCMode> all_evc_modes() {
    std::vector<vim::EVCMode> list;
    for (const plan::EvcMode& mode : plan::evc_modes()) list.push_back(evc_mode_info(mode));
    return list;
}

vim::ClusterEVCManagerEVCState evc_state(const std::vector<const plan::EvcMode*>& modes,
                                         const std::string& current,
                                         const plan::Baseline& baseline) {
    auto state = vim::ClusterEVCManagerEVCState::make();
    std::vector<vim::EVCMode> supported;
    for (const plan::EvcMode* mode : modes) supported.push_back(evc_mode_info(*mode));
    state.set_supportedEVCMode(supported);
    if (!current.empty()) state.set_currentEVCModeKey(current);
    if (!baseline.features.empty()) set_features(state, {baseline.vendor, baseline.features});
    return state;
}

vim::FeatureRequirementsNotMet not_met(const plan::FeatureSet& features) {
    auto fault = vim::FeatureRequirementsNotMet::make();
    fault.set_featureRequirement(listed<vim::VirtualMachineFeatureRequirement>(
        {plan::CpuVendor::unknown, features}, "Bool:Min:1"));
    return fault;
}

}  // namespace drover::center
