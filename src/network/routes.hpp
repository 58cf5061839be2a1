#pragma once

#include <string_view>

#include "network/virtual_switches.hpp"

namespace drover::network {

/// The default routes in the text of /proc/net/route. Lines that make no sense are skipped.
std::vector<DefaultRoute> parse_ipv4_routes(std::string_view text);
/// Likewise for /proc/net/ipv6_route.
std::vector<DefaultRoute> parse_ipv6_routes(std::string_view text);

}  // namespace drover::network
