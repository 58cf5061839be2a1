#include "machine/serial_uri.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace drover::machine {

bool SerialUri::is_possible_target() const {
    in_addr four{};
    if (::inet_pton(AF_INET, host.c_str(), &four) == 1) {
        const std::uint32_t address = ntohl(four.s_addr);
        return address != 0 && address >> 24 != 127;
    }
    in6_addr six{};
    if (::inet_pton(AF_INET6, host.c_str(), &six) != 1) return false;
    // An IPv4 address in the clothes of an IPv6 one could be loopback too; nobody needs it.
    return !IN6_IS_ADDR_LOOPBACK(&six) && !IN6_IS_ADDR_UNSPECIFIED(&six) &&
           !IN6_IS_ADDR_V4MAPPED(&six) && !IN6_IS_ADDR_V4COMPAT(&six);
}

std::optional<SerialUri> parse_serial_uri(std::string_view uri) {
    constexpr std::size_t kMostBytes = 256;
    if (uri.size() > kMostBytes) return std::nullopt;
    std::string_view rest = uri;
    if (const auto scheme = uri.find("://"); scheme != std::string_view::npos) {
        const auto name = uri.substr(0, scheme);
        if (name != "tcp" && name != "telnet") return std::nullopt;
        rest = uri.substr(scheme + 3);
    }
    const auto colon = rest.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = rest.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string_view digits = rest.substr(colon + 1);
    SerialUri made{.host = std::string(host)};
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), made.port);
    if (error != std::errc{} || stop != digits.data() + digits.size()) return std::nullopt;
    return made;
}

}  // namespace drover::machine
