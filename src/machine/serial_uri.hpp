#pragma once

// What a serial port's service URI says. Private to this directory.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drover::machine {

struct SerialUri {
    std::string host;        ///< empty: all addresses of this host
    std::uint16_t port = 0;  ///< 0: nothing is plugged in

    /// Whether a port may connect to it: a numeric address that is not this host's own loopback,
    /// where services listen that no guest is meant to reach.
    bool is_possible_target() const;
};

/// "tcp://host:port", "telnet://:port" or "host:port"; nothing if it is none of them.
std::optional<SerialUri> parse_serial_uri(std::string_view uri);

}  // namespace drover::machine
