#include "machine/uuid_text.hpp"

#include "base/check.hpp"
#include "vmx/text.hpp"

namespace drover::machine {
namespace {

bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

}  // namespace

std::optional<std::string> parse_uuid(std::string_view text) {
    if (text.size() > 64) return std::nullopt;
    std::string digits;
    for (const char c : vmx::lower_case(text)) {
        if (is_hex(c)) {
            digits += c;
        } else if (c != '-' && c != ' ' && c != '{' && c != '}') {
            return std::nullopt;
        }
    }
    if (digits.size() != 32) return std::nullopt;
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) digits.insert(dash, 1, '-');
    return digits;
}

std::string uuid_to_vmx(std::string_view uuid) {
    std::string out;
    std::size_t count = 0;
    for (const char c : uuid) {
        if (c == '-') continue;
        if (count > 0 && count % 2 == 0) out += count == 16 ? '-' : ' ';
        out += c;
        ++count;
    }
    DROVER_CHECK(count == 32);
    return out;
}

std::optional<std::string> parse_mac(std::string_view text) {
    if (text.size() != 17) return std::nullopt;
    std::string mac = vmx::lower_case(text);
    for (std::size_t i = 0; i < mac.size(); ++i) {
        if (i % 3 == 2) {
            if (mac[i] != ':' && mac[i] != '-') return std::nullopt;
            mac[i] = ':';
        } else if (!is_hex(mac[i])) {
            return std::nullopt;
        }
    }
    return mac;
}

}  // namespace drover::machine
