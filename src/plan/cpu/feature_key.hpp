#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plan/cpu/evc_mode.hpp"

namespace drover::plan {

/// A feature as the API's lists of capabilities and requirements call it: "cpuid.AVX2".
std::string feature_key(std::string_view feature);

/// The other way round. nullopt for what is no feature of a CPU, vendors' keys included.
std::optional<std::string> feature_of_key(std::string_view key);

/// "cpuid.Intel", "cpuid.AMD"; empty for an unknown vendor. Those lists name the vendor so.
std::string_view vendor_key(CpuVendor vendor);

/// Unknown if it is no vendor's key.
CpuVendor vendor_of_key(std::string_view key);

}  // namespace drover::plan
