#pragma once

// The host's network as the API shows it. A Linux bridge is a virtual switch of its own name; each
// network that machines can join is a port group of its bridge; an address of the host is a virtual
// NIC.

#include <functional>

#include "host/networks.hpp"
#include "network/virtual_switches.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// Asks the kernel. Blocks. A host whose only cables are veth pairs is itself in a network
/// namespace: then they are its physical NICs.
network::NetworkState read_network_state();

/// The same with the virtual switches' own names in place of their bridges'.
network::NetworkState with_switch_names(network::NetworkState state,
                                        const std::vector<SwitchEntry>& switches);

/// HostSystem.config.network. `host_name` is the configured one and wins over the kernel's.
vim::HostNetworkInfo make_network_info(const network::NetworkState& state,
                                       const std::vector<NetworkEntry>& networks,
                                       const std::string& host_name);

/// The same as a configuration that could be applied (HostNetworkSystem.networkConfig).
vim::HostNetworkConfig make_network_config(const vim::HostNetworkInfo& info);

/// Which virtual NIC does what: the one with the management address manages.
vim::HostVirtualNicManagerInfo make_nic_roles(const vim::HostNetworkInfo& info,
                                              const std::string& management_address);

vim::HostNetCapabilities make_network_capabilities();
vim::HostNetOffloadCapabilities make_offload_capabilities();

}  // namespace drover::host
