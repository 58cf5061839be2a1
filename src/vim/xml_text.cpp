#include "vim/xml_text.hpp"

#include <array>

namespace drover::vim::xml {
namespace {

// Bytes that stand for themselves.
constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t c = 0x20; c < 0x7F; ++c) plain[c] = c != '<' && c != '>' && c != '&';
    plain['\t'] = plain['\n'] = plain[0x7F] = true;
    return plain;
}();

bool is_plain(char c) {
    return kPlain[static_cast<unsigned char>(c)];
}

// Writes the one character at the front of `text` and says how long it was.
std::size_t put_special(wire::Buffer& out, std::string_view text) {
    switch (text.front()) {
        case '<':
            out.put("&lt;");
            return 1;
        case '>':
            out.put("&gt;");
            return 1;
        case '&':
            out.put("&amp;");
            return 1;
        case '\r':
            out.put("&#13;");
            return 1;
        default:
            break;
    }
    const std::size_t length = wire::utf8_length(text);
    const std::string_view character = text.substr(0, length);
    // U+FFFE and U+FFFF are no characters of XML.
    if (length < 2 || character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF") {
        out.put(wire::kReplacement);
        return length == 0 ? 1 : length;
    }
    out.put(character);
    return length;
}

}  // namespace

void put_text(wire::Buffer& out, std::string_view text) {
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && is_plain(text[plain])) ++plain;
        out.put(text.substr(0, plain));
        text.remove_prefix(plain);
        if (!text.empty()) text.remove_prefix(put_special(out, text));
    }
}

}  // namespace drover::vim::xml
