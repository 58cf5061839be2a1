// Any bytes as resolv.conf, as the kernel's route tables, and as netlink attributes.

#include <cstdint>
#include <cstdlib>

#include "network/name_service.hpp"
#include "network/netlink.hpp"
#include "network/routes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drover::network;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    DnsConfig config = parse_resolv_conf(text);
    add_host_name(config, text.substr(0, 64));
    if (config.servers.size() > 16 || config.search.size() > 16) std::abort();
    for (const auto& routes : {parse_ipv4_routes(text), parse_ipv6_routes(text)}) {
        for (const DefaultRoute& route : routes) {
            if (route.interface.empty()) std::abort();
        }
    }
    for (const auto& [type, value] : attributes(text)) {
        if (value.size() > size) std::abort();
    }
    return 0;
}
