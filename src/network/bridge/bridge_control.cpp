#include "network/bridge/bridge_control.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "network/netlink.hpp"

namespace drover::network {
namespace {

const Link* find(const std::vector<Link>& links, const std::string& name) {
    const auto found = std::ranges::find(links, name, &Link::name);
    return found == links.end() ? nullptr : &*found;
}

std::string terminated(std::string_view text) {
    return std::string(text) + '\0';
}

ifinfomsg by_index(int index) {
    ifinfomsg info{};
    info.ifi_family = AF_UNSPEC;
    info.ifi_index = index;
    return info;
}

void create(NetlinkSocket& netlink, const std::string& name) {
    // An attribute within an attribute: {kind = "bridge"}.
    const std::string kind = "bridge";
    const nlattr header{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + kind.size()),
                        .nla_type = IFLA_INFO_KIND};
    std::string nested(reinterpret_cast<const char*>(&header), sizeof header);
    nested += kind;
    netlink.change(NetlinkRequest(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK)
                       .append(by_index(0))
                       .attribute(IFLA_IFNAME, terminated(name))
                       .attribute(IFLA_LINKINFO, nested),
                   "create bridge " + name);
}

void mark(NetlinkSocket& netlink, const Link& bridge) {
    netlink.change(NetlinkRequest(RTM_NEWLINK, NLM_F_ACK)
                       .append(by_index(bridge.index))
                       .attribute(IFLA_IFALIAS, kBridgeMark),
                   "mark bridge " + bridge.name);
}

void enable(NetlinkSocket& netlink, const Link& link) {
    if (link.enabled) return;
    ifinfomsg info = by_index(link.index);
    info.ifi_flags = IFF_UP;
    info.ifi_change = IFF_UP;
    netlink.change(NetlinkRequest(RTM_NEWLINK, NLM_F_ACK).append(info), "enable " + link.name);
}

void remove(NetlinkSocket& netlink, const Link& link) {
    netlink.change(NetlinkRequest(RTM_DELLINK, NLM_F_ACK).append(by_index(link.index)),
                   "remove bridge " + link.name);
}

bool has_ports(const std::vector<Link>& links, const Link& bridge) {
    return std::ranges::any_of(links,
                               [&](const Link& link) { return link.master_index == bridge.index; });
}

// A bridge with neither mark, port nor life is what a crash between creating and marking leaves.
bool is_ours(const std::vector<Link>& links, const Link& link) {
    if (link.kind != "bridge") return false;
    if (link.alias == kBridgeMark) return true;
    return link.alias.empty() && !link.enabled && !has_ports(links, link);
}

void require_ours(const std::vector<Link>& links, const Link& link) {
    if (is_ours(links, link)) return;
    throw BridgeRefused(link.kind == "bridge"
                            ? fmt::format("bridge {} was not made by drover", link.name)
                            : fmt::format("{} exists and is no bridge", link.name));
}

void require_fit(NetlinkSocket& netlink, const Link& uplink, int bridge_index) {
    if (uplink.master_index != 0 && uplink.master_index != bridge_index) {
        throw BridgeRefused(fmt::format("uplink {} is a port of another switch", uplink.name));
    }
    if (uplink.loopback || !uplink.ethernet || uplink.kind == "bridge") {
        throw BridgeRefused(fmt::format("uplink {} is no Ethernet port", uplink.name));
    }
    const auto addresses = netlink.addresses();
    const auto address = std::ranges::find_if(addresses, [&](const LinkAddress& candidate) {
        return candidate.index == uplink.index && !candidate.link_local;
    });
    if (address != addresses.end()) {
        throw BridgeRefused(fmt::format("uplink {} carries the address {}, which would be cut off",
                                        uplink.name, address->address));
    }
}

Link make_bridge(NetlinkSocket& netlink, const std::string& name) {
    try {
        create(netlink, name);
    } catch (const std::system_error& error) {
        // Someone was faster: the list below shows whose it is.
        if (error.code().value() != EEXIST) throw;
    }
    const auto links = netlink.links();
    const Link* made = find(links, name);
    if (!made) throw BridgeRefused(fmt::format("bridge {} vanished while it was made", name));
    require_ours(links, *made);
    mark(netlink, *made);
    return *made;
}

}  // namespace

bool valid_interface_name(std::string_view name) {
    if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
    return std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.' || c == '-';
    });
}

void ensure_bridge(const std::string& name, const std::optional<std::string>& uplink) {
    if (!valid_interface_name(name)) throw BridgeRefused("not an interface name: " + name);
    if (uplink && !valid_interface_name(*uplink)) {
        throw BridgeRefused("not an interface name: " + *uplink);
    }
    NetlinkSocket netlink;
    const auto links = netlink.links();
    const Link* existing = find(links, name);
    if (existing) require_ours(links, *existing);
    // All that can be refused is refused before anything changes.
    const Link* port = nullptr;
    if (uplink) {
        port = find(links, *uplink);
        if (!port) throw BridgeRefused(fmt::format("uplink {} does not exist", *uplink));
        require_fit(netlink, *port, existing ? existing->index : -1);
    }
    Link bridge = existing ? *existing : make_bridge(netlink, name);
    if (existing && existing->alias != kBridgeMark) mark(netlink, bridge);
    enable(netlink, bridge);
    if (!port) return;
    if (port->master_index != bridge.index) {
        netlink.change(NetlinkRequest(RTM_NEWLINK, NLM_F_ACK)
                           .append(by_index(port->index))
                           .attribute(IFLA_MASTER, static_cast<std::uint32_t>(bridge.index)),
                       fmt::format("make {} a port of {}", *uplink, name));
    }
    enable(netlink, *port);
}

void remove_bridge(const std::string& name) {
    if (!valid_interface_name(name)) throw BridgeRefused("not an interface name: " + name);
    NetlinkSocket netlink;
    const auto links = netlink.links();
    const Link* bridge = find(links, name);
    if (!bridge) return;
    require_ours(links, *bridge);
    // Running machines would lose their network without a word.
    for (const Link& link : links) {
        if (link.master_index == bridge->index && link.kind == "tun") {
            throw BridgeRefused(
                fmt::format("bridge {} is in use: machine port {}", name, link.name));
        }
    }
    remove(netlink, *bridge);
}

}  // namespace drover::network
