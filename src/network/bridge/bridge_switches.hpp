#pragma once

#include <filesystem>

#include "network/virtual_switches.hpp"

namespace drover::network {

struct BridgeOptions {
    std::filesystem::path sys_root = "/sys";
    std::filesystem::path proc_net = "/proc/thread-self/net";
    std::filesystem::path resolv_conf = "/etc/resolv.conf";
    /// Counts a veth whose other end is in another network namespace as a physical NIC. Right for
    /// a host that is a network namespace itself (the sandbox): its cable is such a veth.
    bool veth_is_physical = false;
};

/// Linux bridges. Interfaces are asked for over rtnetlink and ethtool, not in /sys/class/net: that
/// one shows the network namespace in which /sys was mounted, which need not be ours.
class BridgeSwitches final : public VirtualSwitches {
public:
    explicit BridgeSwitches(BridgeOptions options = {}) : options_(std::move(options)) {}
    NetworkState read() const override;

private:
    BridgeOptions options_;
};

}  // namespace drover::network
