#pragma once

// A small rtnetlink client: the kernel's own list of links, addresses and masters in the network
// namespace of the calling thread.

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace drover::network {

/// A network interface as the kernel lists it.
struct Link {
    int index = 0;
    std::string name;
    std::string kind;   ///< "bridge", "veth", "tun", ...; empty for hardware
    std::string alias;  ///< free text of an administrator
    std::string mac;    ///< empty if it has none
    bool ethernet = false;
    bool loopback = false;
    bool enabled = false;
    bool carrier = false;
    bool peer_in_other_namespace = false;  ///< of a veth
    std::uint32_t mtu_bytes = 0;
    int master_index = 0;  ///< 0: none
};

/// One address of an interface.
struct LinkAddress {
    int index = 0;  ///< of the interface
    int family = 0;
    std::string address;
    unsigned prefix_length = 0;
    bool link_local = false;
};

/// A request that grows attribute by attribute.
class NetlinkRequest {
public:
    NetlinkRequest(std::uint16_t type, std::uint16_t flags);

    /// Appends the fixed part that follows the header (ifinfomsg, ifaddrmsg, ...).
    template <class T>
    NetlinkRequest& append(const T& fixed) {
        return append_bytes(&fixed, sizeof fixed);
    }
    NetlinkRequest& attribute(std::uint16_t type, std::string_view bytes);
    NetlinkRequest& attribute(std::uint16_t type, std::uint32_t value);

    /// The finished message.
    std::string message(std::uint32_t sequence) const;
    std::uint16_t type() const { return type_; }

private:
    NetlinkRequest& append_bytes(const void* data, std::size_t size);

    std::uint16_t type_;
    std::uint16_t flags_;
    std::string body_;
};

/// One thread at a time; the descriptor belongs to the namespace in which it was made. Every call
/// throws std::system_error.
class NetlinkSocket {
public:
    NetlinkSocket();

    std::vector<Link> links();
    std::vector<LinkAddress> addresses();
    /// Sends a change and waits for the kernel's verdict. The error carries the kernel's number.
    void change(const NetlinkRequest& request, std::string_view what);

private:
    using OnMessage = std::function<void(const nlmsghdr&, std::string_view payload)>;
    void dump(const NetlinkRequest& request, const OnMessage& on_message);
    std::string receive();
    std::uint32_t send(const NetlinkRequest& request);

    base::FileDescriptor socket_;
    std::uint32_t sequence_ = 0;
};

/// Splits the attributes that follow a fixed part. The last one of a kind counts; a damaged rest is
/// left out. Views into `bytes`.
std::map<std::uint16_t, std::string_view> attributes(std::string_view bytes);

}  // namespace drover::network
