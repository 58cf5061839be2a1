#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plan/cpu/feature_set.hpp"

namespace drover::plan {

enum class CpuVendor { unknown, intel, amd };

/// "intel", "amd" or "unknown": the words of EVCMode.vendor.
std::string_view text_of(CpuVendor vendor);
/// From what a CPU or a library calls it: "Intel", "GenuineIntel", "AuthenticAMD", ...
CpuVendor cpu_vendor(std::string_view name);

/// What a CPU offers to guests.
struct Cpu {
    CpuVendor vendor = CpuVendor::unknown;
    FeatureSet features;
};

/// A named baseline: what every CPU from a certain generation on has.
struct EvcMode {
    std::string_view key;    ///< "intel-westmere"
    std::string_view label;  ///< for people
    CpuVendor vendor;
    std::int32_t tier;       ///< higher is newer, within a vendor
    std::string_view model;  ///< the hypervisor's CPU model of that generation
    FeatureSet features;     ///< all of them, the older generations' included
};

/// All modes, a vendor after the other, oldest first.
///
/// What a mode promises are the features that guests see of the generation's CPUs. Left out is what
/// single models lack, what firmware turns off, and what belongs to the hypervisor (virtualization,
/// timers, speculation control): those follow the host and are judged one by one.
const std::vector<EvcMode>& evc_modes();

/// nullptr if there is no such mode.
const EvcMode* find_evc_mode(std::string_view key);

/// The newest mode whose features the CPU has all; nullptr if not even the oldest.
const EvcMode* newest_evc_mode(const Cpu& cpu);

/// The oldest mode that has all of these features that any mode of the vendor has: what a machine
/// needs at least. nullptr if no single mode has them.
const EvcMode* oldest_evc_mode_with(CpuVendor vendor, const FeatureSet& features);

}  // namespace drover::plan
