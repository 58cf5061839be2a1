#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <chrono>
#include <thread>

#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/live_xml.hpp"
#include "hypervisor/libvirt/operations.hpp"

namespace drover::hypervisor::libvirt {
namespace {

constexpr unsigned key_hold_ms = 50;
// A guest has to let go of a device; libvirt itself waits a few seconds and then returns.
constexpr std::chrono::seconds unplug_limit{15};
constexpr std::chrono::milliseconds unplug_pause{200};

template <class Find>
bool is_gone(virDomainPtr domain, Find find) {
    try {
        find(live_xml(domain));
    } catch (const HypervisorError& error) {
        if (error.kind() == ErrorKind::not_found) return true;
        throw;
    }
    return false;
}

template <class Find>
void detach(virConnectPtr connection, const DomainUuid& uuid, const std::string& what, Find find) {
    const auto domain = look_up(connection, uuid);
    const std::string xml = find(live_xml(domain.get()));
    if (virDomainDetachDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_AFFECT_LIVE) < 0)
        throw_last_error("unplug " + what);
    const auto end = std::chrono::steady_clock::now() + unplug_limit;
    while (!is_gone(domain.get(), find)) {
        if (std::chrono::steady_clock::now() > end)
            throw HypervisorError(ErrorKind::timed_out, "the guest does not let go of " + what);
        std::this_thread::sleep_for(unplug_pause);
    }
}

}  // namespace

void press_keys(virConnectPtr connection, const DomainUuid& uuid,
                const std::vector<std::uint32_t>& usb_codes) {
    const auto domain = look_up(connection, uuid);
    std::vector<unsigned> codes(usb_codes.begin(), usb_codes.end());
    if (virDomainSendKey(domain.get(), VIR_KEYCODE_SET_USB, key_hold_ms, codes.data(),
                         static_cast<int>(codes.size()), 0) < 0)
        throw_last_error("press keys");
}

void inject_nmi(virConnectPtr connection, const DomainUuid& uuid) {
    const auto domain = look_up(connection, uuid);
    if (virDomainInjectNMI(domain.get(), 0) < 0) throw_last_error("interrupt");
}

void sleep_guest(virConnectPtr connection, const DomainUuid& uuid, std::chrono::seconds limit) {
    const auto domain = look_up(connection, uuid);
    if (virDomainAgentSetResponseTimeout(domain.get(), static_cast<int>(limit.count()), 0) < 0)
        throw_last_error("limit the guest agent's time");
    if (virDomainPMSuspendForDuration(domain.get(), VIR_NODE_SUSPEND_TARGET_MEM, 0, 0) < 0)
        throw_last_error("put the guest to sleep");
}

void attach_device(virConnectPtr connection, const DomainUuid& uuid, const std::string& xml) {
    const auto domain = look_up(connection, uuid);
    if (virDomainAttachDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_AFFECT_LIVE) < 0)
        throw_last_error("plug in a device");
}

void detach_disk(virConnectPtr connection, const DomainUuid& uuid, const std::string& target) {
    detach(connection, uuid, "disk " + target,
           [&](const std::string& xml) { return disk_xml(xml, target); });
}

void detach_nic(virConnectPtr connection, const DomainUuid& uuid, const std::string& mac) {
    detach(connection, uuid, "network card " + mac,
           [&](const std::string& xml) { return nic_xml(xml, mac); });
}

void set_bridge(virConnectPtr connection, const DomainUuid& uuid, const std::string& mac,
                const std::string& bridge) {
    const auto domain = look_up(connection, uuid);
    const auto xml = bridge_change_xml(live_xml(domain.get()), mac, bridge);
    if (virDomainUpdateDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_DEVICE_MODIFY_LIVE) < 0)
        throw_last_error(fmt::format("join {} to {}", mac, bridge));
}

}  // namespace drover::hypervisor::libvirt
