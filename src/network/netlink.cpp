#include "network/netlink.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace drover::network {
namespace {

using Attributes = std::map<std::uint16_t, std::string_view>;

[[noreturn]] void fail(int error, std::string_view what) {
    throw std::system_error(error, std::generic_category(), std::string(what));
}

constexpr std::size_t aligned(std::size_t size) {
    return (size + NLMSG_ALIGNTO - 1) & ~std::size_t{NLMSG_ALIGNTO - 1};
}

template <class T>
std::optional<T> read_as(std::string_view bytes) {
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

// Text attributes end with a NUL, which is not part of the text.
std::string text(const Attributes& found, std::uint16_t type) {
    const auto entry = found.find(type);
    if (entry == found.end()) return {};
    return std::string(entry->second.substr(0, entry->second.find('\0')));
}

std::uint32_t number(const Attributes& found, std::uint16_t type) {
    const auto entry = found.find(type);
    return entry == found.end() ? 0 : read_as<std::uint32_t>(entry->second).value_or(0);
}

std::string mac_text(std::string_view bytes) {
    std::string out;
    for (const char byte : bytes) {
        out += fmt::format("{}{:02x}", out.empty() ? "" : ":", static_cast<unsigned char>(byte));
    }
    return out;
}

std::optional<Link> parse_link(std::string_view payload) {
    const auto info = read_as<ifinfomsg>(payload);
    if (!info) return std::nullopt;
    const Attributes found = attributes(payload.substr(aligned(sizeof(ifinfomsg))));
    Link link;
    link.index = info->ifi_index;
    link.name = text(found, IFLA_IFNAME);
    link.alias = text(found, IFLA_IFALIAS);
    link.ethernet = info->ifi_type == ARPHRD_ETHER;
    link.loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
    link.enabled = (info->ifi_flags & IFF_UP) != 0;
    // IFF_RUNNING would say the same, but late: the kernel settles it in the background.
    const auto carrier = found.find(IFLA_CARRIER);
    link.carrier = link.enabled && carrier != found.end() && carrier->second.starts_with('\x01');
    link.peer_in_other_namespace = found.contains(IFLA_LINK_NETNSID);
    link.mtu_bytes = number(found, IFLA_MTU);
    link.master_index = static_cast<int>(number(found, IFLA_MASTER));
    if (const auto mac = found.find(IFLA_ADDRESS); mac != found.end() && link.ethernet) {
        link.mac = mac_text(mac->second);
    }
    if (const auto nested = found.find(IFLA_LINKINFO); nested != found.end()) {
        link.kind = text(attributes(nested->second), IFLA_INFO_KIND);
    }
    return link;
}

std::optional<LinkAddress> parse_address(std::string_view payload) {
    const auto info = read_as<ifaddrmsg>(payload);
    if (!info) return std::nullopt;
    const std::size_t size = info->ifa_family == AF_INET ? 4 : 16;
    if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6) return std::nullopt;
    const Attributes found = attributes(payload.substr(aligned(sizeof(ifaddrmsg))));
    // On a point-to-point link IFA_ADDRESS is the other end; IFA_LOCAL is ours where both are.
    auto entry = found.find(IFA_LOCAL);
    if (entry == found.end()) entry = found.find(IFA_ADDRESS);
    if (entry == found.end() || entry->second.size() < size) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (!::inet_ntop(info->ifa_family, entry->second.data(), buffer.data(), buffer.size())) {
        return std::nullopt;
    }
    return LinkAddress{.index = static_cast<int>(info->ifa_index),
                       .family = info->ifa_family,
                       .address = buffer.data(),
                       .prefix_length = info->ifa_prefixlen,
                       .link_local = info->ifa_scope == RT_SCOPE_LINK};
}

}  // namespace

NetlinkRequest::NetlinkRequest(std::uint16_t type, std::uint16_t flags)
    : type_(type), flags_(static_cast<std::uint16_t>(flags | NLM_F_REQUEST)) {}

NetlinkRequest& NetlinkRequest::append_bytes(const void* data, std::size_t size) {
    body_.append(static_cast<const char*>(data), size);
    body_.resize(aligned(body_.size()));
    return *this;
}

NetlinkRequest& NetlinkRequest::attribute(std::uint16_t type, std::string_view bytes) {
    const nlattr header{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + bytes.size()),
                        .nla_type = type};
    append_bytes(&header, sizeof header);
    return append_bytes(bytes.data(), bytes.size());
}

NetlinkRequest& NetlinkRequest::attribute(std::uint16_t type, std::uint32_t value) {
    return attribute(type, std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
}

std::string NetlinkRequest::message(std::uint32_t sequence) const {
    const nlmsghdr header{.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + body_.size()),
                          .nlmsg_type = type_,
                          .nlmsg_flags = flags_,
                          .nlmsg_seq = sequence,
                          .nlmsg_pid = 0};
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + body_;
}

NetlinkSocket::NetlinkSocket()
    : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    if (!socket_) fail(errno, "rtnetlink socket");
    // The kernel answers at once; the limit only keeps a bug from hanging the caller.
    const timeval limit{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

std::uint32_t NetlinkSocket::send(const NetlinkRequest& request) {
    const std::string message = request.message(++sequence_);
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const ssize_t sent = ::sendto(socket_.get(), message.data(), message.size(), 0,
                                  reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
    if (sent != static_cast<ssize_t>(message.size())) fail(errno, "rtnetlink request");
    return sequence_;
}

std::string NetlinkSocket::receive() {
    while (true) {
        std::string buffer(64 * 1024, '\0');
        sockaddr_nl from{};
        socklen_t from_size = sizeof from;
        const ssize_t got = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC,
                                       reinterpret_cast<sockaddr*>(&from), &from_size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail(errno, "rtnetlink answer");
        if (from.nl_pid != 0) continue;  // not from the kernel
        if (static_cast<std::size_t>(got) > buffer.size()) fail(EMSGSIZE, "rtnetlink answer");
        buffer.resize(static_cast<std::size_t>(got));
        return buffer;
    }
}

void NetlinkSocket::dump(const NetlinkRequest& request, const OnMessage& on_message) {
    const std::uint32_t sequence = send(request);
    while (true) {
        const std::string answer = receive();
        std::string_view rest = answer;
        while (const auto header = read_as<nlmsghdr>(rest)) {
            if (header->nlmsg_len < NLMSG_HDRLEN || header->nlmsg_len > rest.size()) break;
            const auto payload = rest.substr(NLMSG_HDRLEN, header->nlmsg_len - NLMSG_HDRLEN);
            rest.remove_prefix(std::min(rest.size(), aligned(header->nlmsg_len)));
            if (header->nlmsg_seq != sequence) continue;
            if (header->nlmsg_type == NLMSG_ERROR) {
                const int error = -read_as<int>(payload).value_or(-EIO);
                if (error != 0) fail(error, "rtnetlink");
                return;
            }
            if (header->nlmsg_type == NLMSG_DONE) return;
            on_message(*header, payload);
        }
    }
}

std::vector<Link> NetlinkSocket::links() {
    std::vector<Link> found;
    dump(NetlinkRequest(RTM_GETLINK, NLM_F_DUMP).append(ifinfomsg{}),
         [&](const nlmsghdr& header, std::string_view payload) {
             if (header.nlmsg_type != RTM_NEWLINK) return;
             if (auto link = parse_link(payload)) found.push_back(*std::move(link));
         });
    return found;
}

std::vector<LinkAddress> NetlinkSocket::addresses() {
    std::vector<LinkAddress> found;
    dump(NetlinkRequest(RTM_GETADDR, NLM_F_DUMP).append(ifaddrmsg{}),
         [&](const nlmsghdr& header, std::string_view payload) {
             if (header.nlmsg_type != RTM_NEWADDR) return;
             if (auto address = parse_address(payload)) found.push_back(*std::move(address));
         });
    return found;
}

void NetlinkSocket::change(const NetlinkRequest& request, std::string_view what) {
    try {
        dump(request, [](const nlmsghdr&, std::string_view) {});
    } catch (const std::system_error& error) {
        throw std::system_error(error.code(), std::string(what));
    }
}

std::map<std::uint16_t, std::string_view> attributes(std::string_view bytes) {
    Attributes found;
    while (const auto header = read_as<nlattr>(bytes)) {
        if (header->nla_len < NLA_HDRLEN || header->nla_len > bytes.size()) break;
        const auto type = static_cast<std::uint16_t>(header->nla_type & NLA_TYPE_MASK);
        found[type] = bytes.substr(NLA_HDRLEN, header->nla_len - std::size_t{NLA_HDRLEN});
        bytes.remove_prefix(std::min(bytes.size(), aligned(header->nla_len)));
    }
    return found;
}

}  // namespace drover::network
