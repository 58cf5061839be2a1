#include "host/network_system/port_group_spec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace drover::host {
namespace {

constexpr std::size_t kMostNameBytes = 80;
constexpr std::int32_t kMostVlan = 4095;
constexpr std::int32_t kMtuBytes = 1500;

}  // namespace

vim::Fault host_config_fault(std::string message) {
    return vim::make_fault<vim::HostConfigFault>(std::move(message));
}

void check_network_name(std::string_view name, std::size_t most, std::string_view path) {
    const bool plain = std::ranges::none_of(
        name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (!name.empty() && name.size() <= most && plain) return;
    throw vim::invalid_argument(
        path, fmt::format("A name has 1 to {} bytes and no control characters.", most));
}

void check_network_policy(const vim::HostNetworkPolicy& policy) {
    if (!policy) return;
    if (const auto security = policy.security()) {
        if (security.allowPromiscuous().value_or(false)) {
            throw host_config_fault(
                "A Linux bridge shows no machine the traffic of others: there is no promiscuous "
                "mode.");
        }
        if (!security.macChanges().value_or(true) || !security.forgedTransmits().value_or(true)) {
            throw host_config_fault(
                "A Linux bridge does not filter machines' addresses: MAC changes and forged "
                "transmits can't be rejected.");
        }
    }
    const auto shaping = policy.shapingPolicy();
    if (shaping && shaping.enabled().value_or(false)) {
        throw host_config_fault("This host's virtual switches do not shape traffic.");
    }
}

std::string uplink_of(const vim::HostVirtualSwitchSpec& spec, std::string_view path) {
    if (!spec) return {};
    check_network_policy(spec.policy());
    if (const auto mtu = spec.mtu(); mtu && *mtu != 0 && *mtu != kMtuBytes) {
        throw vim::invalid_argument(
            fmt::format("{}.mtu", path),
            fmt::format("The MTU of this host's switches is {} bytes.", kMtuBytes));
    }
    const auto bridge = spec.bridge();
    if (!bridge) return {};
    const auto bond = bridge.as<vim::HostVirtualSwitchBondBridge>();
    if (!bond) {
        throw host_config_fault("The host's virtual switches take physical NICs as uplinks only.");
    }
    if (bond.nicDevice().size() > 1) {
        throw host_config_fault(
            "A virtual switch of this host has one uplink at most: several would be a loop.");
    }
    return bond.nicDevice().empty() ? std::string{} : std::string(bond.nicDevice()[0]);
}

void check_port_group(const vim::HostPortGroupSpec& spec) {
    check_network_name(spec.name(), kMostNameBytes, "portgrp.name");
    if (spec.vlanId() < 0 || spec.vlanId() > kMostVlan) {
        throw vim::invalid_argument("portgrp.vlanId",
                                    fmt::format("A VLAN id is 0 to {}.", kMostVlan));
    }
    if (spec.vlanId() != 0) {
        throw host_config_fault(
            fmt::format("VLAN {} can't be had: the host's virtual switches are plain bridges, "
                        "which do not tag. Use VLAN id 0.",
                        spec.vlanId()));
    }
    check_network_policy(spec.policy());
}

}  // namespace drover::host
