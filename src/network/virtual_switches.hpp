#pragma once

// What this host's network looks like: physical NICs, virtual switches, addresses, routes, names.
// Plain values, read in one go; the kernel is asked anew each time.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace drover::network {

struct PhysicalNic {
    std::string name;         ///< eth0, enp3s0
    std::string mac;          ///< 52:54:00:12:34:56, as it is set now
    std::string driver;       ///< e1000e; empty if the kernel doesn't tell
    std::string pci_address;  ///< 0000:03:00.0; empty if it isn't on PCI
    std::optional<std::uint16_t> pci_vendor;
    std::optional<std::uint16_t> pci_device;
    bool enabled = false;                     ///< administratively up
    bool link_up = false;                     ///< has a carrier
    std::optional<std::uint32_t> speed_mbit;  ///< per second; empty without link or if unknown
    bool full_duplex = false;
    std::uint32_t mtu_bytes = 0;
    std::string bridge;  ///< of which it is a port; empty if of none
};

/// A virtual switch.
struct BridgeInfo {
    std::string name;
    std::string mac;
    bool enabled = false;
    std::uint32_t mtu_bytes = 0;
    std::vector<std::string> ports;    ///< all, in order of their names; uplinks included
    std::vector<std::string> uplinks;  ///< the physical NICs among them
    bool made_by_drover = false;       ///< carries our mark: see bridge/bridge_control.hpp
};

enum class AddressFamily { ipv4, ipv6 };

struct InterfaceAddress {
    std::string interface;
    std::string mac;  ///< of the interface; empty for one that has none
    AddressFamily family = AddressFamily::ipv4;
    std::string address;  ///< 192.0.2.7 or 2001:db8::7, without scope
    unsigned prefix_length = 0;
    bool link_local = false;
    bool loopback = false;
    std::uint32_t mtu_bytes = 0;
};

struct DefaultRoute {
    AddressFamily family = AddressFamily::ipv4;
    std::string interface;
    std::string gateway;  ///< empty if the interface itself is the way out
    std::uint32_t metric = 0;
};

struct DnsConfig {
    std::string host_name;             ///< without domain
    std::string domain;                ///< empty if there is none
    std::vector<std::string> servers;  ///< addresses, in order of preference
    std::vector<std::string> search;
};

struct NetworkState {
    std::vector<PhysicalNic> physical_nics;  ///< in order of their names, like all below
    std::vector<BridgeInfo> bridges;
    std::vector<InterfaceAddress> addresses;
    std::vector<DefaultRoute> default_routes;  ///< the preferred first
    DnsConfig dns;

    /// The address by which others reach this host: on the interface of the preferred default
    /// route, else the first that is neither loopback nor link-local. Null if there is none.
    const InterfaceAddress* management_address() const;
};

/// The read side of a kind of virtual switch. Thread-safe.
class VirtualSwitches {
public:
    virtual ~VirtualSwitches() = default;
    /// Blocks for about a millisecond. Throws std::system_error if the kernel refuses; what just
    /// one interface doesn't tell is left empty.
    virtual NetworkState read() const = 0;
};

}  // namespace drover::network
