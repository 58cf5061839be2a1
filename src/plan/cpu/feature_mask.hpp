#pragma once

// The API's masks of CPUID bits (HostCpuIdInfo, VirtualMachineCpuIdInfoSpec): for each leaf and
// register 32 characters, the highest bit first, ':' between groups of eight or four being
// optional. "-" leaves a bit alone, "0" hides the feature from the guest, "1" demands it; "X", "T",
// "F", "H", "R" and "Q" are about the host's own mask and leave the guest's bit alone here.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "plan/cpu/feature_set.hpp"

namespace drover::plan {

/// One row of a mask. Empty registers leave everything alone.
struct CpuidMask {
    std::uint32_t level = 0;  ///< the leaf
    std::string eax, ebx, ecx, edx;
};

struct FeatureMask {
    FeatureSet hidden;
    FeatureSet demanded;

    /// What a machine sees of `offered`; what it demands and is not offered is not added.
    FeatureSet applied_to(const FeatureSet& offered) const { return offered.without(hidden); }
    friend bool operator==(const FeatureMask&, const FeatureMask&) = default;
};

/// The reason if a row can't be read, naming register and character. Bits without a feature of
/// their own are ignored. Of leaves with sub-leaves the first that has features is meant.
std::expected<FeatureMask, std::string> parse_feature_mask(const std::vector<CpuidMask>& rows);

}  // namespace drover::plan
