#include "vmx/text.hpp"

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace drover::vmx {
namespace {

// Names that VMware's products write. Others are refused: iconv would load a module by any name.
constexpr std::array kEncodings = {
    "us-ascii",     "iso-8859-1",   "iso-8859-2",   "iso-8859-15",  "windows-1250", "windows-1251",
    "windows-1252", "windows-1253", "windows-1254", "windows-1257", "shift_jis",    "windows-932",
    "gbk",          "gb18030",      "gb2312",       "big5",         "euc-kr",       "euc-jp"};

std::expected<std::string, std::string> convert(std::string_view bytes, const std::string& from) {
    const iconv_t converter = ::iconv_open("UTF-8", from.c_str());
    if (converter == reinterpret_cast<iconv_t>(-1)) {
        return std::unexpected(fmt::format("the encoding '{}' is not available", from));
    }
    std::string input(bytes);
    std::string output(bytes.size() * 4 + 16, '\0');  // no encoding above grows beyond that
    char* in = input.data();
    char* out = output.data();
    std::size_t in_left = input.size();
    std::size_t out_left = output.size();
    const std::size_t result = ::iconv(converter, &in, &in_left, &out, &out_left);
    ::iconv_close(converter);
    if (result == static_cast<std::size_t>(-1)) {
        return std::unexpected(fmt::format("byte {} is not valid in the encoding '{}'",
                                           input.size() - in_left + 1, from));
    }
    output.resize(output.size() - out_left);
    return output;
}

// Length of the UTF-8 sequence at the front of `text`; 0 if there is none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    if (first == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
    if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogates
    if (first == 0xf0 && byte(1) < 0x90) return 0;  // overlong
    if (first == 0xf4 && byte(1) > 0x8f) return 0;  // past U+10FFFF
    return length;
}

}  // namespace

std::string ParseError::message() const {
    return line == 0 ? reason : fmt::format("line {}: {}", line, reason);
}

bool is_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t length = sequence_length(bytes);
        if (length == 0) return false;
        bytes.remove_prefix(length);
    }
    return true;
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    while (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

std::expected<std::string, std::string> to_utf8(std::string_view bytes, std::string_view encoding) {
    std::string name = lower_case(encoding);
    if (name.empty()) name = is_utf8(bytes) ? "utf-8" : "windows-1252";
    if (name == "utf-8" || name == "utf8") {
        if (!is_utf8(bytes)) return std::unexpected("the text is not valid UTF-8");
        return std::string(bytes);
    }
    if (std::ranges::find(kEncodings, name) == kEncodings.end()) {
        return std::unexpected(fmt::format("the encoding '{}' is not known", encoding));
    }
    // Windows' form of it, in which a backslash stays one.
    if (name == "shift_jis" || name == "windows-932") name = "cp932";
    return convert(bytes, name);
}

}  // namespace drover::vmx
