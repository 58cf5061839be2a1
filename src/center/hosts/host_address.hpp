#pragma once

// Where a host is said to be, and whose certificate is there.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "center/link/host_link.hpp"

namespace drover::center {

struct HostAddress {
    std::string address;  ///< a name or a numeric address, IPv6 without brackets
    std::uint16_t port = 443;

    /// As hosts are called: the port only where it is not 443.
    std::string name() const;
    friend bool operator==(const HostAddress&, const HostAddress&) = default;
};

/// "10.0.0.1", "host1.example.org:8443", "[2001:db8::1]:443", "2001:db8::1". A port in the text
/// counts more than `port`, which is 443 where it is unset or not positive. InvalidArgument that
/// names `path` and the reason.
HostAddress parse_host_address(std::string_view text, std::optional<std::int32_t> port,
                               const std::string& path);

struct Thumbprints {
    std::string sha1;
    std::string sha256;
};

/// Of the certificate at this address. NoHost, HostConnectFault.
task::Awaitable<Thumbprints> look_at_certificate(task::Runtime& runtime, HostAddress address);

/// SSLVerifyFault with the thumbprint that is there, unless `expected` (SHA-1 or SHA-256, with or
/// without colons) is the certificate's.
void require_certificate(const Thumbprints& there, std::string_view expected,
                         const std::string& host);

/// True if both are the same but for case and colons.
bool same_thumbprint(std::string_view left, std::string_view right);

}  // namespace drover::center
