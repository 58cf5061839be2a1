#pragma once

// What the center's pools come to for single machines of one host: the center divides, the host
// applies. Pure.

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>

namespace drover::service {

struct MachinePart {
    std::int64_t cpu_shares = 0;        ///< against the other machines of the host
    std::int64_t cpu_limit_mhz = -1;    ///< -1: none
    std::int64_t memory_limit_mb = -1;  ///< -1: none

    friend bool operator==(const MachinePart&, const MachinePart&) = default;
};

/// By the machine's reference on its host.
using MachineParts = std::map<std::string, MachinePart>;

/// The host's option that holds them, and its longest value.
inline constexpr std::string_view kMachinePartsOption = "Drover.machineParts";
inline constexpr std::size_t kMostMachinePartsBytes = 65'536;

/// "12:2000,-1,-1;13:1000,500,256"
std::string text_of(const MachineParts& parts);
/// Or what is wrong with the text.
std::expected<MachineParts, std::string> parse_machine_parts(std::string_view text);

}  // namespace drover::service
