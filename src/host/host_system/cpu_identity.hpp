#pragma once

#include <cstdint>
#include <vector>

#include "vim/types.hpp"

namespace drover::host {

/// What the CPUID instruction answers for one leaf.
struct CpuidLeaf {
    std::uint32_t level = 0;
    std::uint32_t eax = 0;
    std::uint32_t ebx = 0;
    std::uint32_t ecx = 0;
    std::uint32_t edx = 0;
};

/// The leaves that vSphere shows of a host: 0, 1 and the extended 0, 1 and 8, as far as the CPU has
/// them. Empty on CPUs that are not x86.
std::vector<CpuidLeaf> read_cpuid();

/// A leaf as the API writes it: registers as 32 binary digits in groups of four.
vim::HostCpuIdInfo cpu_id_info(const CpuidLeaf& leaf);

struct CpuSignature {
    std::int16_t family = 0;
    std::int16_t model = 0;
    std::int16_t stepping = 0;
};

/// Family, model and stepping as leaf 1 tells them; zeros without it.
CpuSignature cpu_signature(const std::vector<CpuidLeaf>& leaves);

}  // namespace drover::host
