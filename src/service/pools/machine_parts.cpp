#include "service/pools/machine_parts.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace drover::service {

namespace {

// Cuts off what stands before the separator.
std::string_view take(std::string_view& text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

bool read(std::string_view text, std::int64_t& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size() && into >= -1;
}

}  // namespace

std::string text_of(const MachineParts& parts) {
    std::string text;
    for (const auto& [machine, part] : parts) {
        text += fmt::format("{}{}:{},{},{}", text.empty() ? "" : ";", machine, part.cpu_shares,
                            part.cpu_limit_mhz, part.memory_limit_mb);
    }
    return text;
}

std::expected<MachineParts, std::string> parse_machine_parts(std::string_view text) {
    if (text.size() > kMostMachinePartsBytes) return std::unexpected("it is too long");
    MachineParts parts;
    while (!text.empty()) {
        std::string_view entry = take(text, ';');
        const std::string machine(take(entry, ':'));
        MachinePart part;
        std::array<std::int64_t*, 3> numbers{&part.cpu_shares, &part.cpu_limit_mhz,
                                             &part.memory_limit_mb};
        for (std::int64_t* number : numbers) {
            if (!read(take(entry, ','), *number)) {
                return std::unexpected(fmt::format("'{}' has no three numbers", machine));
            }
        }
        if (machine.empty() || !entry.empty() || part.cpu_shares < 1) {
            return std::unexpected(fmt::format("'{}' is no machine's part", machine));
        }
        parts[machine] = part;
    }
    return parts;
}

}  // namespace drover::service
