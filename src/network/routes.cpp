#include "network/routes.hpp"

#include <arpa/inet.h>
#include <linux/route.h>

#include <array>
#include <charconv>
#include <cstring>

namespace drover::network {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (words.size() < 16) {
        const auto start = line.find_first_not_of(" \t\r");
        if (start == std::string_view::npos) break;
        line.remove_prefix(start);
        words.push_back(line.substr(0, line.find_first_of(" \t\r")));
        line.remove_prefix(words.back().size());
    }
    return words;
}

template <class Function>
void for_each_line(std::string_view text, Function function) {
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        function(words_of(line));
    }
}

std::optional<std::uint32_t> number(std::string_view text, int base) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool all_zero(std::string_view text) {
    return text.find_first_not_of('0') == std::string_view::npos;
}

std::string ipv6_text(std::string_view digits) {
    std::array<std::uint8_t, 16> binary{};
    if (digits.size() != 32) return {};
    for (std::size_t i = 0; i < binary.size(); ++i) {
        const auto byte = number(digits.substr(2 * i, 2), 16);
        if (!byte) return {};
        binary[i] = static_cast<std::uint8_t>(*byte);
    }
    std::array<char, INET6_ADDRSTRLEN> out{};
    ::inet_ntop(AF_INET6, binary.data(), out.data(), out.size());
    return out.data();
}

}  // namespace

// Iface Destination Gateway Flags RefCnt Use Metric Mask ...: addresses are the network-order bytes
// read as one number, so they go back into memory as they are.
std::vector<DefaultRoute> parse_ipv4_routes(std::string_view text) {
    std::vector<DefaultRoute> routes;
    for_each_line(text, [&](const std::vector<std::string_view>& words) {
        if (words.size() < 8 || !all_zero(words[1]) || !all_zero(words[7])) return;
        const auto gateway = number(words[2], 16);
        const auto flags = number(words[3], 16);
        const auto metric = number(words[6], 10);
        if (!gateway || !flags || !metric || (*flags & RTF_UP) == 0) return;
        if ((*flags & RTF_REJECT) != 0) return;
        std::array<char, INET_ADDRSTRLEN> out{};
        ::inet_ntop(AF_INET, &*gateway, out.data(), out.size());
        routes.push_back({.family = AddressFamily::ipv4,
                          .interface = std::string(words[0]),
                          .gateway = *gateway == 0 ? "" : out.data(),
                          .metric = *metric});
    });
    return routes;
}

// Destination prefix, source prefix, next hop, metric, references, uses, flags, interface.
std::vector<DefaultRoute> parse_ipv6_routes(std::string_view text) {
    std::vector<DefaultRoute> routes;
    for_each_line(text, [&](const std::vector<std::string_view>& words) {
        if (words.size() < 10 || !all_zero(words[0]) || words[1] != "00") return;
        const auto metric = number(words[5], 16);
        const auto flags = number(words[8], 16);
        if (!metric || !flags || (*flags & RTF_UP) == 0 || (*flags & RTF_REJECT) != 0) return;
        routes.push_back({.family = AddressFamily::ipv6,
                          .interface = std::string(words[9]),
                          .gateway = all_zero(words[4]) ? "" : ipv6_text(words[4]),
                          .metric = *metric});
    });
    return routes;
}

}  // namespace drover::network
