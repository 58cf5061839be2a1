#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace drover::plan {

enum class CpuidRegister { eax, ebx, ecx, edx };

/// Where the CPUID instruction shows a feature.
struct CpuidBit {
    std::string_view feature;
    std::uint32_t leaf;
    std::uint32_t subleaf;
    CpuidRegister reg;
    unsigned bit;  ///< 0 to 31
};

/// The features that a guest may see, in the order of leaf, subleaf, register and bit. Not here:
/// what the firmware or the hypervisor makes up for each machine (topology, timers, power).
std::span<const CpuidBit> cpuid_bits();

/// nullptr if the feature has no bit of its own.
const CpuidBit* find_cpuid_bit(std::string_view feature);

}  // namespace drover::plan
