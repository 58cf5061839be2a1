#pragma once

#include <string>

#include "vim/fault.hpp"
#include "vim/management_types.hpp"

namespace drover::host {

/// HostConfigFault with the reason, where a policy asks for what a Linux bridge does not do: modes
/// that see others' traffic, filters of addresses, shaping.
void check_network_policy(const vim::HostNetworkPolicy& policy);

/// The only uplink that a switch's spec names; empty if none. HostConfigFault if it names several
/// or another kind of bridge than uplinks; InvalidArgument for an MTU that is not 1500.
std::string uplink_of(const vim::HostVirtualSwitchSpec& spec, std::string_view path);

/// Checks a port group's spec by itself. InvalidArgument for a name or VLAN that can't be,
/// HostConfigFault for what the host's switches do not do.
void check_port_group(const vim::HostPortGroupSpec& spec);

/// 1 to `most` bytes without control characters; else InvalidArgument at `path`.
void check_network_name(std::string_view name, std::size_t most, std::string_view path);

vim::Fault host_config_fault(std::string message);

}  // namespace drover::host
