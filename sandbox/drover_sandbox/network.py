"""The sandbox's networks, seen from the machine: two bridges, and a cable to each host and bridge.

The first bridge carries management and the machines' traffic, and has an address so that clients
on this machine reach the hosts. The second joins the hosts alone, for migration: libvirt listens
there without authentication, so neither guests nor other users of the machine may reach it.
Each interface carries the sandbox's name as its alias; that is how leftovers are found.
"""

import ipaddress
import json
import os
import time
import zlib

from . import plan as plans
from . import system
from .errors import SandboxError

_NF_CALL = "/proc/sys/net/bridge/bridge-nf-call-iptables"


def choose(name):
    """Returns (net_a, net_b) such that both networks overlap nothing this machine routes.

    Hold the network lock from here until the bridges exist.
    """
    used = _used_networks()
    slots = 64 * 128
    first = zlib.crc32(name.encode()) % slots
    for step in range(slots):
        slot = (first + step) % slots
        net_a, net_b = 64 + slot // 128, slot % 128 * 2
        wanted = ipaddress.ip_network(f"10.{net_a}.{net_b}.0/23")
        if not any(wanted.overlaps(network) for network in used):
            return net_a, net_b
    raise SandboxError("no free network between 10.64.0.0 and 10.127.255.0")


def create_bridges(plan):
    alias = plans.interface_alias(plan.name)
    for bridge in (plan.bridge, plan.migration_bridge):
        system.run("ip", "link", "add", "name", bridge, "type", "bridge",
                   "forward_delay", "0", "stp_state", "0", "mcast_snooping", "0")
        system.run("ip", "link", "set", "dev", bridge, "alias", alias)
        _disable_ipv6(bridge)
    system.run("ip", "addr", "add", f"{plan.gateway}/24", "dev", plan.bridge)
    system.run("ip", "link", "set", plan.bridge, "up")
    system.run("ip", "link", "set", plan.migration_bridge, "up")
    if _bridged_traffic_is_filtered():
        # Docker and others drop forwarded packets, which then includes ours between two ports.
        system.run("iptables", "-w", "-I", "FORWARD", *_accept_rule(plan.bridge))
        system.run("iptables", "-w", "-I", "FORWARD", *_accept_rule(plan.migration_bridge))


def connect_host(plan, host, pid):
    """Lays the cables to the network namespace of process `pid`; a center needs only the first."""
    alias = plans.interface_alias(plan.name)
    cables = [(plan.uplink(host), "uplink0", plan.bridge, 1)]
    if not host.is_center:
        cables.append((plan.migration_uplink(host), "migration0", plan.migration_bridge, 2))
    for ours, theirs, bridge, kind in cables:
        system.run("ip", "link", "del", ours, check=False)  # of a host that just went off
        system.run("ip", "link", "add", "name", ours, "type", "veth", "peer", "name", theirs,
                   "address", plan.mac(host, kind), "netns", str(pid))
        system.run("ip", "link", "set", "dev", ours, "alias", alias, "master", bridge, "up")


def configure_center(plan, center):
    """The same for the center, which has no machines."""
    for line in ("link set lo up",
                 f"addr add {plan.address(center)}/24 dev uplink0",
                 "link set uplink0 up",
                 f"route add default via {plan.gateway}"):
        system.run("ip", *line.split())
    _disable_ipv6("uplink0")


def configure_host(plan, host):
    """Runs inside the host's network namespace: addresses, and the bridge that machines use."""
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
        file.write("0")
    lines = (
        "link set lo up",
        f"link add name {plans.VM_BRIDGE} address {plan.mac(host, 3)} type bridge"
        " forward_delay 0 stp_state 0 mcast_snooping 0",
        f"link set uplink0 master {plans.VM_BRIDGE} up",
        f"link set {plans.VM_BRIDGE} up",
        f"addr add {plan.address(host)}/24 dev {plans.VM_BRIDGE}",
        f"addr add {plan.migration_address(host)}/24 dev migration0",
        "link set migration0 up",
        f"route add default via {plan.gateway}",
        # An address answers on every interface of a Linux host. So guests could reach the
        # migration address through the management one; this rule comes first and refuses.
        "rule add pref 100 lookup local",
        "rule del pref 0",
        f"rule add pref 10 iif {plans.VM_BRIDGE} to {plan.migration_network} prohibit",
    )
    for line in lines:
        system.run("ip", *line.split())
    # The mark of drover's own bridges: drover-rootd touches no others.
    system.run("ip", "link", "set", "dev", plans.VM_BRIDGE, "alias", "drover virtual switch")
    _disable_ipv6(plans.VM_BRIDGE)


def remove(name, plan=None):
    """Removes the sandbox's interfaces and rules, found by alias and, given a plan, by name.

    Returns the interfaces that would not go.
    """
    alias = plans.interface_alias(name)
    found = interfaces(alias)
    if plan:
        # A bridge has no alias yet in the instant after its birth.
        found += [bridge for bridge in (plan.bridge, plan.migration_bridge)
                  if bridge not in found and os.path.isdir(f"/sys/class/net/{bridge}")]
    for interface in found:
        if _bridged_traffic_is_filtered():
            system.run("iptables", "-w", "-D", "FORWARD", *_accept_rule(interface), check=False)
        system.run("ip", "link", "del", interface, check=False)
    return interfaces(alias)


def _ask(*arguments):
    """Returns what ip lists. It prints broken JSON if an interface goes while it does."""
    for _ in range(20):
        try:
            return json.loads(system.run("ip", "-json", *arguments) or "[]")
        except ValueError:
            time.sleep(0.05)
    raise SandboxError("ip " + " ".join(arguments) + ": no list that holds together")


def interfaces(alias):
    """Returns the machine's interfaces with that alias."""
    found = []
    for link in _ask("link", "show"):
        if link.get("ifalias") == alias:
            found.append(link["ifname"])
    return found


def _used_networks():
    networks = []
    for interface in _ask("-4", "addr", "show"):
        for address in interface.get("addr_info", []):
            text = f"{address['local']}/{address['prefixlen']}"
            networks.append(ipaddress.ip_interface(text).network)
    for route in _ask("-4", "route", "show", "table", "all"):
        destination = route.get("dst", "default")
        if destination not in ("default", "0.0.0.0/0", "10.0.0.0/8"):
            networks.append(ipaddress.ip_network(destination, strict=False))
    return networks


def _bridged_traffic_is_filtered():
    try:
        with open(_NF_CALL, encoding="ascii") as file:
            return file.read().strip() == "1"
    except OSError:
        return False


def _accept_rule(bridge):
    return ("-i", bridge, "-o", bridge, "-j", "ACCEPT")


def _disable_ipv6(interface):
    path = f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6"
    if os.path.exists(path):
        with open(path, "w", encoding="ascii") as file:
            file.write("1")
