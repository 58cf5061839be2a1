#pragma once

// Makes and removes Linux bridges over rtnetlink. Needs CAP_NET_ADMIN, so drover-rootd does it for
// the host agent. A bridge that we made carries a mark (its interface alias); others are refused.

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace drover::network {

inline constexpr std::string_view kBridgeMark = "drover virtual switch";

/// The request can't be granted: it names something that is not ours or not fit.
class BridgeRefused : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// 1 to 15 of [A-Za-z0-9_.-], not "." or "..".
bool valid_interface_name(std::string_view name);

/// Makes sure that the bridge exists, is up and has the uplink as a port. Can be repeated. An
/// uplink is refused if it doesn't exist, is loopback or a bridge, is a port of another bridge, or
/// carries an address (the host would lose it). Throws BridgeRefused, or std::system_error from the
/// kernel.
void ensure_bridge(const std::string& name, const std::optional<std::string>& uplink);

/// Removes a bridge of ours. One that is gone already is no error. Errors as above.
void remove_bridge(const std::string& name);

}  // namespace drover::network
