#pragma once

#include <string_view>

#include "network/virtual_switches.hpp"

namespace drover::network {

/// Reads resolv.conf's text: nameserver (at most 16), search and domain (the last one counts).
/// Lines that make no sense are skipped, as resolvers do.
DnsConfig parse_resolv_conf(std::string_view text);

/// Splits "host.example.org" as the kernel or the administrator gave it into `config`'s host name
/// and, unless a domain is known already, its domain.
void add_host_name(DnsConfig& config, std::string_view host_name);

}  // namespace drover::network
