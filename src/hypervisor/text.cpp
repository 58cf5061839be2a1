#include "hypervisor/text.hpp"

#include <cstdint>

namespace drover::hypervisor {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_plain(std::uint32_t code) {
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return false;
    if (code >= 0xD800 && code <= 0xDFFF) return false;
    return code != 0xFFFE && code != 0xFFFF && code <= 0x10FFFF;
}

// Length of the character at the front, 0 if it is not plain text.
std::size_t plain_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead < 0x80             ? 1
                               : (lead & 0xE0) == 0xC0 ? 2
                               : (lead & 0xF0) == 0xE0 ? 3
                               : (lead & 0xF8) == 0xF0 ? 4
                                                       : 0;
    if (length == 0 || length > text.size()) return 0;
    std::uint32_t code = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0) != 0x80) return 0;
        code = (code << 6) | (next & 0x3FU);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    return code >= smallest[length] && is_plain(code) ? length : 0;
}

}  // namespace

bool is_plain_text(std::string_view text) {
    while (!text.empty()) {
        const auto length = plain_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string to_plain_text(std::string_view text, std::size_t limit) {
    std::string plain;
    while (!text.empty()) {
        const auto length = plain_length(text);
        const auto piece = length == 0 ? replacement : text.substr(0, length);
        if (plain.size() + piece.size() > limit) break;
        plain += piece;
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return plain;
}

}  // namespace drover::hypervisor
