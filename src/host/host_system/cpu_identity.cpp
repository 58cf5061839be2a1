#include "host/host_system/cpu_identity.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <string>

namespace drover::host {
namespace {

std::string binary_digits(std::uint32_t value) {
    std::string text;
    for (int bit = 31; bit >= 0; --bit) {
        text += ((value >> bit) & 1) != 0 ? '1' : '0';
        if (bit > 0 && bit % 4 == 0) text += ':';
    }
    return text;
}

}  // namespace

std::vector<CpuidLeaf> read_cpuid() {
    std::vector<CpuidLeaf> leaves;
#if defined(__x86_64__)
    for (const std::uint32_t level : {0u, 1u, 0x80000000u, 0x80000001u, 0x80000008u}) {
        CpuidLeaf leaf{.level = level};
        if (__get_cpuid(level, &leaf.eax, &leaf.ebx, &leaf.ecx, &leaf.edx) != 0) {
            leaves.push_back(leaf);
        }
    }
#endif
    return leaves;
}

vim::HostCpuIdInfo cpu_id_info(const CpuidLeaf& leaf) {
    auto info = vim::HostCpuIdInfo::make();
    info.set_level(static_cast<std::int32_t>(leaf.level));
    info.set_vendor("");
    info.set_eax(binary_digits(leaf.eax));
    info.set_ebx(binary_digits(leaf.ebx));
    info.set_ecx(binary_digits(leaf.ecx));
    info.set_edx(binary_digits(leaf.edx));
    return info;
}

CpuSignature cpu_signature(const std::vector<CpuidLeaf>& leaves) {
    const auto leaf = std::ranges::find(leaves, 1u, &CpuidLeaf::level);
    if (leaf == leaves.end()) return {};
    // The extended fields count for some base families only: the CPU makers' manuals on leaf 1.
    const std::uint32_t base_family = (leaf->eax >> 8) & 0xf;
    const std::uint32_t base_model = (leaf->eax >> 4) & 0xf;
    const std::uint32_t extended_family = (leaf->eax >> 20) & 0xff;
    const std::uint32_t extended_model = (leaf->eax >> 16) & 0xf;
    const bool has_extended_model = base_family == 6 || base_family == 15;
    return {
        static_cast<std::int16_t>(base_family == 15 ? base_family + extended_family : base_family),
        static_cast<std::int16_t>(has_extended_model ? extended_model << 4 | base_model
                                                     : base_model),
        static_cast<std::int16_t>(leaf->eax & 0xf)};
}

}  // namespace drover::host
