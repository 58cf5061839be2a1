#include "host/machines/guest_view.hpp"

#include <algorithm>

#include "machine/guest_os.hpp"

namespace drover::host {

using hypervisor::GuestInterface;
using vim::VirtualMachineToolsStatus;

namespace {

// The agent is a foreign implementation of the tools, which the API calls guest-managed.
constexpr std::string_view kVersionStatus = "guestToolsUnmanaged";
constexpr std::string_view kVersionStatusNone = "guestToolsNotInstalled";

bool agent_runs(const Machine& machine) {
    return machine.domain && machine.domain->agent_connected && machine.guest;
}

bool is_loopback(const GuestInterface& interface) {
    return interface.name == "lo" || interface.mac.empty() || interface.mac == "00:00:00:00:00:00";
}

bool is_local_address(const std::string& ip) {
    return ip.starts_with("127.") || ip.starts_with("169.254.") || ip == "::1" ||
           ip.starts_with("fe80:");
}

bool is_ipv4(const std::string& ip) {
    return ip.find(':') == std::string::npos;
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

// Which network adapter of the machine has this address.
vim::VirtualEthernetCard card_of(const Machine& machine, const std::string& mac) {
    for (const auto& device : machine.config.hardware().device()) {
        const auto card = device.as<vim::VirtualEthernetCard>();
        if (card && card.macAddress() && lower(std::string(*card.macAddress())) == lower(mac)) {
            return card;
        }
    }
    return {};
}

vim::GuestNicInfo make_nic(const Machine& machine, const GuestInterface& interface) {
    auto nic = vim::GuestNicInfo::make();
    nic.set_macAddress(interface.mac);
    nic.set_connected(true);
    nic.set_deviceConfigId(-1);
    if (const auto card = card_of(machine, interface.mac)) {
        nic.set_deviceConfigId(card.key());
        const auto backing = card.backing().as<vim::VirtualEthernetCardNetworkBackingInfo>();
        if (backing) nic.set_network(backing.deviceName());
    }
    std::vector<std::string_view> texts;
    std::vector<vim::NetIpConfigInfoIpAddress> addresses;
    for (const auto& address : interface.addresses) {
        texts.push_back(address.ip);
        auto made = vim::NetIpConfigInfoIpAddress::make();
        made.set_ipAddress(address.ip);
        made.set_prefixLength(static_cast<std::int32_t>(address.prefix));
        made.set_state("preferred");
        addresses.push_back(made);
    }
    nic.set_ipAddress(texts);
    auto config = vim::NetIpConfigInfo::make();
    config.set_ipAddress(addresses);
    nic.set_ipConfig(config);
    return nic;
}

std::vector<vim::GuestDiskInfo> make_disks(const hypervisor::GuestInfo& guest) {
    std::vector<vim::GuestDiskInfo> disks;
    for (const auto& filesystem : guest.filesystems) {
        if (filesystem.total_bytes == 0) continue;
        auto disk = vim::GuestDiskInfo::make();
        disk.set_diskPath(filesystem.mount_point);
        disk.set_capacity(static_cast<std::int64_t>(filesystem.total_bytes));
        disk.set_freeSpace(static_cast<std::int64_t>(
            filesystem.total_bytes - std::min(filesystem.total_bytes, filesystem.used_bytes)));
        disks.push_back(disk);
    }
    return disks;
}

VirtualMachineToolsStatus tools_status(const Machine& machine) {
    if (agent_runs(machine)) return VirtualMachineToolsStatus::toolsOk;
    // Once seen, the agent is known to be installed.
    return machine.guest ? VirtualMachineToolsStatus::toolsNotRunning
                         : VirtualMachineToolsStatus::toolsNotInstalled;
}

std::string_view guest_state(const Machine& machine) {
    if (!machine.domain) return "notRunning";
    return agent_runs(machine) ? "running" : "unknown";
}

}  // namespace

std::string guest_address(const Machine& machine) {
    if (!agent_runs(machine)) return {};
    std::string found;
    for (const GuestInterface& interface : machine.guest->interfaces) {
        if (is_loopback(interface)) continue;
        for (const auto& address : interface.addresses) {
            if (is_local_address(address.ip)) continue;
            if (is_ipv4(address.ip)) return address.ip;
            if (found.empty()) found = address.ip;
        }
    }
    return found;
}

vim::GuestInfo make_guest(const Machine& machine) {
    const bool runs = agent_runs(machine);
    auto guest = vim::GuestInfo::make();
    guest.set_toolsStatus(tools_status(machine));
    guest.set_toolsRunningStatus(runs ? "guestToolsRunning" : "guestToolsNotRunning");
    guest.set_toolsVersionStatus(machine.guest ? kVersionStatus : kVersionStatusNone);
    guest.set_toolsVersionStatus2(machine.guest ? kVersionStatus : kVersionStatusNone);
    guest.set_toolsVersion(machine.guest ? "2147483647" : "0");
    guest.set_toolsInstallType(machine.guest ? "guestToolsTypeOpenVMTools"
                                             : "guestToolsTypeUnknown");
    guest.set_guestState(guest_state(machine));
    guest.set_appHeartbeatStatus("appStatusGray");
    guest.set_appState("none");
    guest.set_guestOperationsReady(false);
    guest.set_interactiveGuestOperationsReady(false);
    guest.set_guestStateChangeSupported(machine.domain.has_value());
    auto screen = vim::GuestScreenInfo::make();
    screen.set_width(0);
    screen.set_height(0);
    guest.set_screen(screen);
    if (!runs) return guest;
    const std::string_view id = machine.config.guestId();
    guest.set_guestId(id);
    if (const machine::GuestOs* system = machine::find_guest_os(id)) {
        guest.set_guestFamily(machine::to_string(system->family));
    }
    guest.set_guestFullName(machine.guest->os_pretty.empty() ? machine::guest_full_name(id)
                                                             : machine.guest->os_pretty);
    guest.set_hostName(machine.guest->host_name);
    if (const std::string address = guest_address(machine); !address.empty()) {
        guest.set_ipAddress(address);
    }
    std::vector<vim::GuestNicInfo> nics;
    for (const GuestInterface& interface : machine.guest->interfaces) {
        if (!is_loopback(interface)) nics.push_back(make_nic(machine, interface));
    }
    guest.set_net(nics);
    guest.set_disk(make_disks(*machine.guest));
    return guest;
}

vim::VirtualMachineGuestSummary make_guest_summary(const Machine& machine) {
    auto summary = vim::VirtualMachineGuestSummary::make();
    summary.set_guestId(machine.config.guestId());
    summary.set_guestFullName(machine.config.guestFullName());
    summary.set_toolsStatus(tools_status(machine));
    const bool runs = agent_runs(machine);
    summary.set_toolsRunningStatus(runs ? "guestToolsRunning" : "guestToolsNotRunning");
    summary.set_toolsVersionStatus(machine.guest ? kVersionStatus : kVersionStatusNone);
    summary.set_toolsVersionStatus2(machine.guest ? kVersionStatus : kVersionStatusNone);
    if (runs) summary.set_hostName(machine.guest->host_name);
    if (const std::string address = guest_address(machine); !address.empty()) {
        summary.set_ipAddress(address);
    }
    return summary;
}

}  // namespace drover::host
