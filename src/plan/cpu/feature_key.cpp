#include "plan/cpu/feature_key.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "plan/cpu/cpuid_bits.hpp"

namespace drover::plan {

namespace {

constexpr std::string_view kPrefix = "cpuid.";

// Where the API's name is not simply the feature's in capitals.
constexpr std::pair<std::string_view, std::string_view> kOwnNames[] = {
    {"pni", "SSE3"},
    {"sse4.1", "SSE41"},
    {"sse4.2", "SSE42"},
    {"cx16", "CMPXCHG16B"},
    {"cx8", "CMPXCHG8B"},
    {"pclmuldq", "PCLMULQDQ"},
    {"lahf_lm", "LAHF64"},
    {"fxsr_opt", "FFXSR"},
    {"misalignsse", "MISALIGNED_SSE"},
    {"3dnowext", "3DNOWPLUS"},
    {"3dnowprefetch", "3DNPREFETCH"},
    {"erms", "ENFSTRG"},
    {"sha-ni", "SHA"},
    {"xgetbv1", "XGETBV_ECX_1"},
    {"cr8legacy", "CR8AVAIL"},
    {"md-clear", "MDCLEAR"},
};

std::string in_capitals(std::string_view feature) {
    std::string name(feature);
    std::ranges::transform(name, name.begin(), [](unsigned char letter) {
        return letter == '-' ? '_' : static_cast<char>(std::toupper(letter));
    });
    return name;
}

// The features that have a bit of their own; all others keep their names in keys.
const std::map<std::string, std::string, std::less<>>& names() {
    static const auto made = [] {
        std::map<std::string, std::string, std::less<>> all;
        for (const CpuidBit& bit : cpuid_bits()) {
            all.emplace(bit.feature, in_capitals(bit.feature));
        }
        for (const auto& [feature, name] : kOwnNames) all[std::string(feature)] = name;
        return all;
    }();
    return made;
}

const std::map<std::string, std::string, std::less<>>& features() {
    static const auto made = [] {
        std::map<std::string, std::string, std::less<>> all;
        for (const auto& [feature, name] : names()) all.emplace(name, feature);
        return all;
    }();
    return made;
}

}  // namespace

std::string feature_key(std::string_view feature) {
    const auto known = names().find(feature);
    return std::string(kPrefix) + (known == names().end() ? std::string(feature) : known->second);
}

std::optional<std::string> feature_of_key(std::string_view key) {
    if (!key.starts_with(kPrefix) || vendor_of_key(key) != CpuVendor::unknown) return std::nullopt;
    key.remove_prefix(kPrefix.size());
    if (key.empty()) return std::nullopt;
    const auto known = features().find(key);
    return known == features().end() ? std::string(key) : known->second;
}

std::string_view vendor_key(CpuVendor vendor) {
    switch (vendor) {
        case CpuVendor::intel:
            return "cpuid.Intel";
        case CpuVendor::amd:
            return "cpuid.AMD";
        case CpuVendor::unknown:
            break;
    }
    return {};
}

CpuVendor vendor_of_key(std::string_view key) {
    for (const CpuVendor vendor : {CpuVendor::intel, CpuVendor::amd}) {
        if (key == vendor_key(vendor)) return vendor;
    }
    return CpuVendor::unknown;
}

}  // namespace drover::plan
