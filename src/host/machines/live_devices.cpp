#include "host/machines/live_devices.hpp"

#include <fmt/format.h>

#include <map>

#include "machine/device_place.hpp"

namespace drover::host {

namespace {

std::optional<LiveChange> change_of(const vim::VirtualDevice& device, bool connected) {
    LiveChange change;
    change.key = device.key();
    change.connected = connected;
    if (const auto card = device.as<vim::VirtualEthernetCard>()) {
        change.mac = card.macAddress().value_or("");
        return change;
    }
    if (!device.is<vim::VirtualCdrom>()) return std::nullopt;
    change.target = target_of(device);
    const auto iso = device.backing().as<vim::VirtualCdromIsoBackingInfo>();
    if (connected && iso) change.media = iso.fileName();
    return change;
}

// By place and content: another disk at the same place is another device.
std::map<std::string, Plug> pluggables_of(const vim::VirtualMachineConfigInfo& config) {
    std::map<std::string, Plug> found;
    for (const auto& device : config.hardware().device()) {
        if (const auto card = device.as<vim::VirtualEthernetCard>()) {
            const std::string mac(card.macAddress().value_or(""));
            found[fmt::format("{}:{}", card.key(), mac)] = {true, mac};
        } else if (device.is<vim::VirtualDisk>()) {
            const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
            const std::string_view file = backing ? backing.fileName() : std::string_view{};
            found[fmt::format("{}:{}", device.key(), file)] = {false, target_of(device)};
        }
    }
    return found;
}

}  // namespace

std::string target_of(const vim::VirtualDevice& device) {
    const auto place = machine::controller_place(device.controllerKey().value_or(0));
    if (!place) return {};
    hypervisor::DiskSpec disk;
    disk.device = hypervisor::DiskDevice::cdrom;
    const auto number = static_cast<std::uint32_t>(place->controller);
    disk.unit = static_cast<std::uint32_t>(device.unitNumber().value_or(0));
    switch (place->bus) {
        case machine::Bus::ide:
            disk.bus = hypervisor::DiskBus::ide;
            disk.channel = number;
            break;
        case machine::Bus::sata:
            disk.bus = hypervisor::DiskBus::sata;
            disk.controller = number;
            break;
        case machine::Bus::scsi:
            disk.bus = hypervisor::DiskBus::scsi;
            disk.controller = number;
            break;
        case machine::Bus::nvme:
            return {};
    }
    return hypervisor::disk_target(disk);
}

PlugPlan plug_plan(const vim::VirtualMachineConfigInfo& before,
                   const vim::VirtualMachineConfigInfo& after) {
    PlugPlan plan;
    const auto old = pluggables_of(before);
    const auto now = pluggables_of(after);
    for (const auto& [identity, plug] : old) {
        if (!now.contains(identity)) plan.out.push_back(plug);
    }
    for (const auto& [identity, plug] : now) {
        if (!old.contains(identity)) plan.in.push_back(plug);
    }
    return plan;
}

std::vector<LiveChange> live_changes(const vim::VirtualMachineConfigSpec& spec,
                                     const vim::VirtualMachineConfigInfo& config,
                                     const std::set<std::int32_t>& connected) {
    std::vector<LiveChange> changes;
    for (const auto& asked : spec.deviceChange()) {
        if (asked.operation() != vim::VirtualDeviceConfigSpecOperation::edit) continue;
        const std::int32_t key = asked.device().key();
        const auto connectable = asked.device().connectable();
        const bool now = connectable ? connectable.connected() : connected.contains(key);
        for (const auto& device : config.hardware().device()) {
            if (device.key() != key) continue;
            auto change = change_of(device, now);
            if (!change) continue;
            const auto network = device.backing().as<vim::VirtualEthernetCardNetworkBackingInfo>();
            if (network && asked.device().backing()) change->network = network.deviceName();
            changes.push_back(*change);
        }
    }
    return changes;
}

void apply(const HostContext& context, const hypervisor::DomainUuid& uuid,
           const LiveChange& change) {
    if (!change.mac.empty()) {
        if (!change.bridge.empty()) context.hypervisor.set_bridge(uuid, change.mac, change.bridge);
        context.hypervisor.set_link_state(uuid, change.mac, change.connected);
        return;
    }
    std::optional<hypervisor::DiskImage> media;
    if (!change.media.empty()) {
        const auto path = Datastores::parse_path(change.media);
        DatastoreEntry& entry = context.datastores.of_path(path);
        entry.store->blobs().stat(path);  // FileNotFound rather than an empty drive
        media = hypervisor::DiskImage{entry.store->host_path(path).string(),
                                      hypervisor::ImageFormat::raw};
    }
    context.hypervisor.change_media(uuid, change.target, media, !media);
}

std::set<std::int32_t> connected_at_start(const vim::VirtualMachineConfigInfo& config) {
    std::set<std::int32_t> keys;
    for (const auto& device : config.hardware().device()) {
        const auto connectable = device.connectable();
        if (connectable && connectable.startConnected()) keys.insert(device.key());
    }
    return keys;
}

}  // namespace drover::host
