#include "center/tree/names.hpp"

#include <fmt/format.h>

namespace drover::center {
namespace {

constexpr std::size_t kMostCharacters = 80;
constexpr std::size_t kMostBytes = 1024;

bool is_escape(std::string_view text) {
    if (text.size() < 3 || text[0] != '%') return false;
    const char high = text[1];
    const char low = static_cast<char>(text[2] | 0x20);
    return (high == '2' && (low == 'f' || text[2] == '5')) || (high == '5' && low == 'c');
}

// The length of the UTF-8 sequence that begins here; 0 if there is none.
std::size_t sequence_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    std::size_t length = 1;
    if (first >= 0xf0 && first < 0xf5) {
        length = 4;
    } else if (first >= 0xe0 && first < 0xf0) {
        length = 3;
    } else if (first >= 0xc2 && first < 0xe0) {
        length = 2;
    } else if (first >= 0x80) {
        return 0;
    }
    if (text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
    }
    return length;
}

}  // namespace

std::string checked_name(std::string_view name, std::string_view parameter) {
    const auto refuse = [&](std::string_view reason) {
        auto fault = vim::InvalidName::make();
        fault.set_name(name.substr(0, 256));
        throw vim::Fault(fault, fmt::format("{}: {}", parameter, reason));
    };
    if (name.empty()) refuse("is empty");
    if (name.size() > kMostBytes) refuse("is longer than 80 characters");
    std::string out;
    std::size_t characters = 0;
    for (std::size_t i = 0; i < name.size(); ++characters) {
        const std::string_view rest = name.substr(i);
        const std::size_t length = sequence_length(rest);
        if (length == 0) refuse("is not UTF-8");
        const char c = rest[0];
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) refuse("has control characters");
        if (c == '/') {
            out += "%2f";
        } else if (c == '\\') {
            out += "%5c";
        } else if (c == '%' && !is_escape(rest)) {
            out += "%25";
        } else {
            out += rest.substr(0, length);
        }
        i += length;
    }
    if (characters > kMostCharacters) refuse("is longer than 80 characters");
    return out;
}

vim::Fault duplicate_name(std::string_view name, const vim::MoRef& holder) {
    auto fault = vim::DuplicateName::make();
    fault.set_name(name);
    fault.set_object(holder);
    return vim::Fault(fault, fmt::format("The name '{}' already exists.", name));
}

}  // namespace drover::center
