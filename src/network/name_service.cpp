#include "network/name_service.hpp"

#include <arpa/inet.h>

#include <array>

namespace drover::network {
namespace {

constexpr std::size_t kMaxEntries = 16;
constexpr std::size_t kMaxNameBytes = 253;

std::string_view next_word(std::string_view& line) {
    const auto start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) {
        line = {};
        return {};
    }
    line.remove_prefix(start);
    const auto word = line.substr(0, line.find_first_of(" \t\r"));
    line.remove_prefix(word.size());
    return word;
}

bool is_address(std::string_view text) {
    const std::string address(text.substr(0, text.find('%')));  // fe80::1%eth0
    std::array<unsigned char, 16> binary;
    return ::inet_pton(AF_INET, address.c_str(), binary.data()) == 1 ||
           ::inet_pton(AF_INET6, address.c_str(), binary.data()) == 1;
}

void read_line(std::string_view line, DnsConfig& config) {
    line = line.substr(0, line.find_first_of("#;"));
    const auto keyword = next_word(line);
    if (keyword == "nameserver") {
        const auto address = next_word(line);
        if (is_address(address) && config.servers.size() < kMaxEntries) {
            config.servers.emplace_back(address);
        }
    } else if (keyword == "search") {
        config.search.clear();
        for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
            if (config.search.size() < kMaxEntries && word.size() <= kMaxNameBytes) {
                config.search.emplace_back(word);
            }
        }
    } else if (keyword == "domain") {
        const auto domain = next_word(line);
        if (domain.size() <= kMaxNameBytes) config.domain = domain;
    }
}

}  // namespace

DnsConfig parse_resolv_conf(std::string_view text) {
    DnsConfig config;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        read_line(line, config);
    }
    return config;
}

void add_host_name(DnsConfig& config, std::string_view host_name) {
    const auto dot = host_name.find('.');
    config.host_name = host_name.substr(0, dot);
    if (!config.domain.empty()) return;
    if (dot != std::string_view::npos) {
        config.domain = host_name.substr(dot + 1);
    } else if (!config.search.empty()) {
        config.domain = config.search.front();
    }
}

}  // namespace drover::network
