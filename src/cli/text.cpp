#include "cli/text.hpp"

#include <wchar.h>

#include <clocale>

namespace drover::cli {
namespace {

struct Decoded {
    char32_t code = 0;
    std::size_t bytes = 0;  ///< 0: no UTF-8
};

Decoded decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xf0 && first < 0xf5   ? 4
                               : first >= 0xe0 && first < 0xf0 ? 3
                               : first >= 0xc2 && first < 0xe0 ? 2
                                                               : 0;
    if (length == 0 || text.size() < length) return {};
    char32_t code = first & (0xffu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        code = (code << 6) | (byte(i) & 0x3f);
    }
    const char32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    if (code < least || code > 0x10ffff || surrogate) return {};
    return {code, length};
}

// Control characters, and those that reorder or hide text.
bool is_control(char32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

std::size_t width_of(char32_t code) {
    static const bool ready = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
    const int width = ready ? ::wcwidth(static_cast<wchar_t>(code)) : 1;
    return width < 0 ? 1 : static_cast<std::size_t>(width);
}

}  // namespace

std::string printable(std::string_view text, bool keep_lines) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto next = decode(text);
        if (keep_lines && next.bytes == 1 && next.code == '\n') {
            out += '\n';
        } else if (next.bytes == 0 || is_control(next.code)) {
            out += '?';
        } else {
            out += text.substr(0, next.bytes);
        }
        text.remove_prefix(next.bytes == 0 ? 1 : next.bytes);
    }
    return out;
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const auto next = decode(text);
        width += next.bytes == 0 ? 1 : width_of(next.code);
        text.remove_prefix(next.bytes == 0 ? 1 : next.bytes);
    }
    return width;
}

std::string fitted(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::size_t used = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        const auto next = decode(text.substr(end));
        const std::size_t columns = next.bytes == 0 ? 1 : width_of(next.code);
        if (used + columns > width - 1) break;
        used += columns;
        end += next.bytes == 0 ? 1 : next.bytes;
    }
    return std::string(text.substr(0, end)) + "…";
}

}  // namespace drover::cli
