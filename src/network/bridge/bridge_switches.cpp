#include "network/bridge/bridge_switches.hpp"

#include <sys/socket.h>
#include <sys/utsname.h>

#include <algorithm>
#include <system_error>
#include <tuple>
#include <unordered_map>

#include "base/file.hpp"
#include "network/bridge/bridge_control.hpp"
#include "network/name_service.hpp"
#include "network/netlink.hpp"
#include "network/nic_details.hpp"
#include "network/routes.hpp"

namespace drover::network {
namespace {

constexpr std::size_t kMaxTextBytes = 1 << 20;

std::string read_or_empty(const std::filesystem::path& path) {
    try {
        return base::read_file(path, kMaxTextBytes);
    } catch (const std::system_error&) {
        return {};
    }
}

bool is_physical(const Link& link, const BridgeOptions& options) {
    if (!link.ethernet || link.loopback) return false;
    if (link.kind.empty()) return true;
    return options.veth_is_physical && link.kind == "veth" && link.peer_in_other_namespace;
}

using LinksByIndex = std::unordered_map<int, const Link*>;

PhysicalNic nic_of(const Link& link, const LinksByIndex& by_index, const BridgeOptions& options) {
    PhysicalNic nic{.name = link.name,
                    .mac = link.mac,
                    .driver = {},
                    .pci_address = {},
                    .pci_vendor = {},
                    .pci_device = {},
                    .enabled = link.enabled,
                    .link_up = link.carrier,
                    .speed_mbit = {},
                    .mtu_bytes = link.mtu_bytes,
                    .bridge = {}};
    const auto master = by_index.find(link.master_index);
    if (master != by_index.end() && master->second->kind == "bridge") {
        nic.bridge = master->second->name;
    }
    add_nic_details(nic, options.sys_root);
    return nic;
}

BridgeInfo bridge_of(const Link& bridge, const std::vector<Link>& links,
                     const BridgeOptions& options) {
    BridgeInfo info{.name = bridge.name,
                    .mac = bridge.mac,
                    .enabled = bridge.enabled,
                    .mtu_bytes = bridge.mtu_bytes,
                    .ports = {},
                    .uplinks = {},
                    .made_by_drover = bridge.alias == kBridgeMark};
    for (const Link& link : links) {
        if (link.master_index != bridge.index) continue;
        info.ports.push_back(link.name);
        if (is_physical(link, options)) info.uplinks.push_back(link.name);
    }
    return info;
}

InterfaceAddress address_of(const LinkAddress& address, const Link& link) {
    return {.interface = link.name,
            .mac = link.mac,
            .family = address.family == AF_INET ? AddressFamily::ipv4 : AddressFamily::ipv6,
            .address = address.address,
            .prefix_length = address.prefix_length,
            .link_local = address.link_local,
            .loopback = link.loopback,
            .mtu_bytes = link.mtu_bytes};
}

std::vector<DefaultRoute> read_routes(const std::filesystem::path& proc_net) {
    auto routes = parse_ipv4_routes(read_or_empty(proc_net / "route"));
    // The IPv6 side comes behind: the API's own addresses are IPv4 first.
    auto more = parse_ipv6_routes(read_or_empty(proc_net / "ipv6_route"));
    const auto preference = [](const DefaultRoute& r) { return std::tie(r.metric, r.interface); };
    std::ranges::sort(routes, {}, preference);
    std::ranges::sort(more, {}, preference);
    routes.insert(routes.end(), more.begin(), more.end());
    return routes;
}

DnsConfig read_dns(const std::filesystem::path& resolv_conf) {
    DnsConfig config = parse_resolv_conf(read_or_empty(resolv_conf));
    utsname names{};
    if (::uname(&names) == 0) add_host_name(config, names.nodename);
    return config;
}

}  // namespace

NetworkState BridgeSwitches::read() const {
    NetlinkSocket netlink;
    auto links = netlink.links();
    std::ranges::sort(links, {}, &Link::name);
    LinksByIndex by_index;
    for (const Link& link : links) by_index[link.index] = &link;

    NetworkState state;
    for (const Link& link : links) {
        if (is_physical(link, options_)) {
            state.physical_nics.push_back(nic_of(link, by_index, options_));
        }
        if (link.kind == "bridge") state.bridges.push_back(bridge_of(link, links, options_));
    }
    for (const LinkAddress& address : netlink.addresses()) {
        const auto link = by_index.find(address.index);
        if (link != by_index.end()) state.addresses.push_back(address_of(address, *link->second));
    }
    std::ranges::sort(state.addresses, {}, [](const InterfaceAddress& a) {
        return std::tie(a.interface, a.family, a.address);
    });
    state.default_routes = read_routes(options_.proc_net);
    state.dns = read_dns(options_.resolv_conf);
    return state;
}

}  // namespace drover::network
