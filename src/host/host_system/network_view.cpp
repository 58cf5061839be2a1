#include "host/host_system/network_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "host/host_system/object.hpp"
#include "network/bridge/bridge_switches.hpp"

namespace drover::host {

using network::AddressFamily;
using network::BridgeInfo;
using network::InterfaceAddress;
using network::NetworkState;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::int32_t kMostPortGroups = 512;
constexpr std::int32_t kBridgePorts = 1024;  // what the kernel's bridge can have

std::string switch_key(std::string_view bridge) {
    return fmt::format("key-vim.host.VirtualSwitch-{}", bridge);
}
std::string nic_key(std::string_view nic) {
    return fmt::format("key-vim.host.PhysicalNic-{}", nic);
}
std::string group_key(std::string_view name) {
    return fmt::format("key-vim.host.PortGroup-{}", name);
}

// As the API names the switch.
const std::string& switch_of(const NetworkEntry& entry) {
    return entry.vswitch.empty() ? entry.bridge : entry.vswitch;
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
    return {texts.begin(), texts.end()};
}

// What a Linux bridge does: it learns addresses, so a guest never sees the others' traffic; it asks
// for nothing else. An uplink beside the first would be a loop, so there is no teaming.
vim::HostNetworkPolicy make_policy(const std::vector<std::string>& uplinks) {
    auto security = vim::HostNetworkSecurityPolicy::make();
    security.set_allowPromiscuous(false);
    security.set_macChanges(true);
    security.set_forgedTransmits(true);
    auto order = vim::HostNicOrderPolicy::make();
    order.set_activeNic(views(uplinks));
    auto criteria = vim::HostNicFailureCriteria::make();
    criteria.set_checkSpeed("minimum");
    criteria.set_speed(10);
    criteria.set_checkDuplex(false);
    criteria.set_fullDuplex(false);
    criteria.set_checkErrorPercent(false);
    criteria.set_percentage(0);
    criteria.set_checkBeacon(false);
    auto teaming = vim::HostNicTeamingPolicy::make();
    teaming.set_policy("failover_explicit");
    teaming.set_reversePolicy(true);
    teaming.set_notifySwitches(false);
    teaming.set_rollingOrder(false);
    teaming.set_failureCriteria(criteria);
    teaming.set_nicOrder(order);
    auto shaping = vim::HostNetworkTrafficShapingPolicy::make();
    shaping.set_enabled(false);
    auto policy = vim::HostNetworkPolicy::make();
    policy.set_security(security);
    policy.set_nicTeaming(teaming);
    policy.set_offloadPolicy(make_offload_capabilities());
    policy.set_shapingPolicy(shaping);
    return policy;
}

vim::HostVirtualSwitch make_switch(const BridgeInfo& bridge,
                                   const std::vector<NetworkEntry>& networks) {
    auto spec = vim::HostVirtualSwitchSpec::make();
    spec.set_numPorts(kBridgePorts);
    if (!bridge.uplinks.empty()) {
        auto bond = vim::HostVirtualSwitchBondBridge::make();
        bond.set_nicDevice(views(bridge.uplinks));
        spec.set_bridge(bond);
    }
    spec.set_policy(make_policy(bridge.uplinks));
    spec.set_mtu(static_cast<std::int32_t>(bridge.mtu_bytes));
    auto made = vim::HostVirtualSwitch::make();
    made.set_name(bridge.name);
    made.set_key(switch_key(bridge.name));
    made.set_numPorts(kBridgePorts);
    made.set_numPortsAvailable(
        std::max(kBridgePorts - static_cast<std::int32_t>(bridge.ports.size()), 0));
    made.set_mtu(static_cast<std::int32_t>(bridge.mtu_bytes));
    std::vector<std::string> groups;
    for (const auto& entry : networks) {
        if (switch_of(entry) == bridge.name) groups.push_back(group_key(entry.name));
    }
    made.set_portgroup(views(groups));
    std::vector<std::string> uplinks;
    for (const auto& nic : bridge.uplinks) uplinks.push_back(nic_key(nic));
    made.set_pnic(views(uplinks));
    made.set_spec(spec);
    return made;
}

vim::HostPortGroup make_group(const NetworkEntry& entry, const NetworkState& state) {
    const std::string& vswitch = switch_of(entry);
    const auto bridge = std::ranges::find(state.bridges, vswitch, &BridgeInfo::name);
    const bool exists = bridge != state.bridges.end();
    auto spec = vim::HostPortGroupSpec::make();
    spec.set_name(entry.name);
    spec.set_vlanId(0);
    spec.set_vswitchName(vswitch);
    spec.set_policy(vim::HostNetworkPolicy::make());
    auto made = vim::HostPortGroup::make();
    made.set_key(group_key(entry.name));
    if (exists) made.set_vswitch(switch_key(vswitch));
    made.set_computedPolicy(make_policy(exists ? bridge->uplinks : std::vector<std::string>{}));
    made.set_spec(spec);
    return made;
}

vim::PhysicalNic make_nic(const network::PhysicalNic& nic) {
    auto made = vim::PhysicalNic::make();
    made.set_key(nic_key(nic.name));
    made.set_device(nic.name);
    made.set_pci(nic.pci_address);
    if (!nic.driver.empty()) made.set_driver(nic.driver);
    auto spec = vim::PhysicalNicSpec::make();
    if (nic.link_up && nic.speed_mbit) {
        auto link = vim::PhysicalNicLinkInfo::make();
        link.set_speedMb(static_cast<std::int32_t>(*nic.speed_mbit));
        link.set_duplex(nic.full_duplex);
        made.set_linkSpeed(link);
    }
    made.set_spec(spec);
    made.set_wakeOnLanSupported(false);
    made.set_mac(nic.mac);
    return made;
}

std::string netmask(unsigned prefix_length) {
    const std::uint32_t mask =
        prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - std::min(prefix_length, 32u));
    return fmt::format("{}.{}.{}.{}", mask >> 24, (mask >> 16) & 255, (mask >> 8) & 255,
                       mask & 255);
}

vim::DataHandle make_ipv6(const std::vector<const InterfaceAddress*>& addresses) {
    std::vector<Value> list;
    for (const InterfaceAddress* address : addresses) {
        if (address->family != AddressFamily::ipv6) continue;
        list.push_back(
            make_data(
                TypeId::HostIpConfigIpV6Address,
                {{"ipAddress", text_value(address->address)},
                 {"prefixLength", Value::int_(static_cast<std::int32_t>(address->prefix_length))},
                 {"origin", text_value(address->link_local ? "linklayer" : "manual")}})
                .raw());
    }
    return make_data(
        TypeId::HostIpConfigIpV6AddressConfiguration,
        {{"ipV6Address", Value::array(TypeId::HostIpConfigIpV6Address, std::move(list))}});
}

vim::HostVirtualNic make_virtual_nic(const std::string& interface,
                                     const std::vector<const InterfaceAddress*>& addresses,
                                     const std::vector<NetworkEntry>& networks) {
    auto ip = vim::HostIpConfig::make();
    ip.set_dhcp(false);  // the kernel doesn't know who set an address
    for (const InterfaceAddress* address : addresses) {
        if (address->family != AddressFamily::ipv4) continue;
        ip.set_ipAddress(address->address);
        ip.set_subnetMask(netmask(address->prefix_length));
        break;  // the first is the main one; the API has room for no other
    }
    ip.set_ipV6Config(make_ipv6(addresses));
    const auto network = std::ranges::find(networks, interface, &NetworkEntry::bridge);
    const std::string group = network == networks.end() ? std::string{} : network->name;
    auto spec = vim::HostVirtualNicSpec::make();
    spec.set_ip(ip);
    spec.set_mac(addresses.front()->mac);
    spec.set_portgroup(group);
    spec.set_mtu(static_cast<std::int32_t>(addresses.front()->mtu_bytes));
    spec.set_tsoEnabled(true);
    spec.set_netStackInstanceKey("defaultTcpipStack");
    auto nic = vim::HostVirtualNic::make();
    nic.set_device(interface);
    nic.set_key(fmt::format("key-vim.host.VirtualNic-{}", interface));
    nic.set_portgroup(group);
    nic.set_spec(spec);
    return nic;
}

std::vector<vim::HostVirtualNic> make_virtual_nics(const NetworkState& state,
                                                   const std::vector<NetworkEntry>& networks) {
    std::map<std::string, std::vector<const InterfaceAddress*>> by_interface;
    for (const InterfaceAddress& address : state.addresses) {
        if (!address.loopback) by_interface[address.interface].push_back(&address);
    }
    std::vector<vim::HostVirtualNic> nics;
    for (const auto& [interface, addresses] : by_interface) {
        // An interface that nobody gave an address has a link-local one: it is a tap, a bare
        // bridge.
        if (std::ranges::all_of(addresses, &InterfaceAddress::link_local)) continue;
        nics.push_back(make_virtual_nic(interface, addresses, networks));
    }
    return nics;
}

vim::HostDnsConfig make_dns(const NetworkState& state, const std::string& host_name) {
    auto dns = vim::HostDnsConfig::make();
    dns.set_dhcp(false);
    const auto dot = host_name.find('.');
    dns.set_hostName(std::string_view(host_name).substr(0, dot));
    dns.set_domainName(dot == std::string::npos ? std::string_view(state.dns.domain)
                                                : std::string_view(host_name).substr(dot + 1));
    dns.set_address(views(state.dns.servers));
    dns.set_searchDomain(views(state.dns.search));
    return dns;
}

vim::HostIpRouteConfig make_routes(const NetworkState& state) {
    auto routes = vim::HostIpRouteConfig::make();
    for (const auto& route : state.default_routes) {
        if (route.family == AddressFamily::ipv4 && !routes.defaultGateway()) {
            routes.set_defaultGateway(route.gateway);
            routes.set_gatewayDevice(route.interface);
        }
        if (route.family == AddressFamily::ipv6 && !routes.ipV6DefaultGateway()) {
            routes.set_ipV6DefaultGateway(route.gateway);
            routes.set_ipV6GatewayDevice(route.interface);
        }
    }
    return routes;
}

}  // namespace

NetworkState read_network_state() {
    NetworkState state = network::BridgeSwitches().read();
    if (!state.physical_nics.empty()) return state;
    network::BridgeOptions options;
    options.veth_is_physical = true;
    return network::BridgeSwitches(options).read();
}

NetworkState with_switch_names(NetworkState state, const std::vector<SwitchEntry>& switches) {
    for (BridgeInfo& bridge : state.bridges) {
        const auto at = std::ranges::find(switches, bridge.name, &SwitchEntry::bridge);
        if (at != switches.end()) bridge.name = at->name;
    }
    return state;
}

vim::HostNetworkInfo make_network_info(const NetworkState& state,
                                       const std::vector<NetworkEntry>& networks,
                                       const std::string& host_name) {
    std::vector<vim::HostVirtualSwitch> switches;
    for (const auto& bridge : state.bridges) switches.push_back(make_switch(bridge, networks));
    std::vector<vim::HostPortGroup> groups;
    for (const auto& entry : networks) groups.push_back(make_group(entry, state));
    std::vector<vim::PhysicalNic> nics;
    for (const auto& nic : state.physical_nics) nics.push_back(make_nic(nic));
    auto info = vim::HostNetworkInfo::make();
    info.set_vswitch(switches);
    info.set_proxySwitch({});
    info.set_portgroup(groups);
    info.set_pnic(nics);
    info.set_vnic(make_virtual_nics(state, networks));
    info.set_consoleVnic({});
    info.set_dnsConfig(make_dns(state, host_name));
    info.set_ipRouteConfig(make_routes(state));
    const bool ipv6 = std::ranges::any_of(
        state.addresses, [](const auto& address) { return address.family == AddressFamily::ipv6; });
    info.set_ipV6Enabled(ipv6);
    info.set_atBootIpV6Enabled(ipv6);
    return info;
}

vim::HostNetworkConfig make_network_config(const vim::HostNetworkInfo& info) {
    std::vector<vim::DataHandle> switches;
    for (const auto& each : info.vswitch()) {
        switches.push_back(
            make_data(TypeId::HostVirtualSwitchConfig,
                      {{"name", text_value(each.name())}, {"spec", each.spec().raw()}}));
    }
    std::vector<vim::DataHandle> groups;
    for (const auto& each : info.portgroup()) {
        groups.push_back(make_data(TypeId::HostPortGroupConfig, {{"spec", each.spec().raw()}}));
    }
    std::vector<vim::DataHandle> nics;
    for (const auto& each : info.pnic()) {
        nics.push_back(make_data(TypeId::PhysicalNicConfig, {{"device", text_value(each.device())},
                                                             {"spec", each.spec().raw()}}));
    }
    std::vector<vim::DataHandle> virtual_nics;
    for (const auto& each : info.vnic()) {
        virtual_nics.push_back(
            make_data(TypeId::HostVirtualNicConfig, {{"device", text_value(each.device())},
                                                     {"portgroup", text_value(each.portgroup())},
                                                     {"spec", each.spec().raw()}}));
    }
    auto config = vim::HostNetworkConfig::make();
    config.set_vswitch(switches);
    config.set_portgroup(groups);
    config.set_pnic(nics);
    config.set_vnic(virtual_nics);
    config.set_dnsConfig(info.dnsConfig());
    config.set_ipRouteConfig(info.ipRouteConfig());
    config.set_ipV6Enabled(info.ipV6Enabled().value_or(false));
    return config;
}

vim::HostVirtualNicManagerInfo make_nic_roles(const vim::HostNetworkInfo& info,
                                              const std::string& management_address) {
    const auto candidates = info.vnic().to_vector();
    std::vector<std::string_view> managing;
    for (const auto& nic : candidates) {
        const auto ip = nic.spec().ip();
        bool found = ip.ipAddress() == management_address;
        const Value& addresses = ip.ipV6Config().raw().property("ipV6Address");
        for (const Value& address : addresses ? addresses.elements() : std::span<const Value>{}) {
            found = found || address.property("ipAddress").as_string() == management_address;
        }
        if (found) managing.push_back(nic.key());
    }
    std::vector<vim::VirtualNicManagerNetConfig> roles;
    for (const std::string_view role : {"management", "vmotion"}) {
        auto made = vim::VirtualNicManagerNetConfig::make();
        made.set_nicType(role);
        made.set_multiSelectAllowed(true);
        made.set_candidateVnic(candidates);
        made.set_selectedVnic(role == "management" ? managing : std::vector<std::string_view>{});
        roles.push_back(std::move(made));
    }
    auto manager = vim::HostVirtualNicManagerInfo::make();
    manager.set_netConfig(roles);
    return manager;
}

vim::HostNetCapabilities make_network_capabilities() {
    vim::HostNetCapabilities made(all_false(TypeId::HostNetCapabilities).raw());
    made.set_vswitchConfigSupported(true);
    made.set_maxPortGroupsPerVswitch(kMostPortGroups);
    made.set_ipV6Supported(true);
    return made;
}

vim::HostNetOffloadCapabilities make_offload_capabilities() {
    auto made = vim::HostNetOffloadCapabilities::make();
    made.set_csumOffload(true);
    made.set_tcpSegmentation(true);
    made.set_zeroCopyXmit(true);
    return made;
}

}  // namespace drover::host
