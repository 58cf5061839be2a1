#include "plan/cpu/feature_mask.hpp"

#include <fmt/format.h>

#include <optional>

#include "plan/cpu/cpuid_bits.hpp"

namespace drover::plan {

namespace {

constexpr unsigned kBits = 32;

// Returns 32 characters, the highest bit first, or the reason.
std::expected<std::string, std::string> plain_bits(const std::string& text, std::string_view name) {
    std::string bits;
    for (const char letter : text) {
        if (letter == ':') continue;
        if (!std::string_view("-01XTFHRQxtfhrq").contains(letter)) {
            return std::unexpected(fmt::format("{}: '{}' is no character of a mask", name, letter));
        }
        bits += letter;
    }
    if (bits.size() != kBits) {
        return std::unexpected(fmt::format("{}: {} bits, not 32", name, bits.size()));
    }
    return bits;
}

std::uint32_t first_subleaf(std::uint32_t leaf) {
    for (const CpuidBit& bit : cpuid_bits()) {
        if (bit.leaf == leaf) return bit.subleaf;
    }
    return 0;
}

struct Names {
    std::vector<std::string> hidden;
    std::vector<std::string> demanded;
};

void read_register(const std::string& bits, std::uint32_t leaf, CpuidRegister reg, Names& names) {
    const std::uint32_t subleaf = first_subleaf(leaf);
    for (const CpuidBit& bit : cpuid_bits()) {
        if (bit.leaf != leaf || bit.subleaf != subleaf || bit.reg != reg) continue;
        const char letter = bits[kBits - 1 - bit.bit];
        if (letter == '0') names.hidden.emplace_back(bit.feature);
        if (letter == '1') names.demanded.emplace_back(bit.feature);
    }
}

}  // namespace

std::expected<FeatureMask, std::string> parse_feature_mask(const std::vector<CpuidMask>& rows) {
    Names names;
    for (const CpuidMask& row : rows) {
        const std::pair<const std::string*, CpuidRegister> registers[] = {
            {&row.eax, CpuidRegister::eax},
            {&row.ebx, CpuidRegister::ebx},
            {&row.ecx, CpuidRegister::ecx},
            {&row.edx, CpuidRegister::edx}};
        constexpr std::string_view words[] = {"eax", "ebx", "ecx", "edx"};
        for (const auto& [text, reg] : registers) {
            if (text->empty()) continue;
            const auto bits = plain_bits(*text, words[static_cast<std::size_t>(reg)]);
            if (!bits) {
                return std::unexpected(fmt::format("level {:#x}, {}", row.level, bits.error()));
            }
            read_register(*bits, row.level, reg, names);
        }
    }
    return FeatureMask{FeatureSet(std::move(names.hidden)), FeatureSet(std::move(names.demanded))};
}

}  // namespace drover::plan
