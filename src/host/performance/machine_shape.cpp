#include "host/performance/machine_shape.hpp"

#include <fmt/format.h>

#include "hypervisor/device_spec.hpp"
#include "machine/device_place.hpp"

namespace drover::host {
namespace {

// The hypervisor's name of a disk follows from its place, as the interface's does.
std::optional<hypervisor::DiskSpec> spec_of(const machine::Place& place) {
    hypervisor::DiskSpec spec;
    spec.controller = static_cast<std::uint32_t>(place.controller);
    spec.unit = static_cast<std::uint32_t>(place.unit);
    switch (place.bus) {
        case machine::Bus::ide:
            spec.bus = hypervisor::DiskBus::ide;
            spec.channel = spec.controller;
            spec.controller = 0;
            return spec;
        case machine::Bus::scsi:
            spec.bus = hypervisor::DiskBus::scsi;
            return spec;
        case machine::Bus::sata:
            spec.bus = hypervisor::DiskBus::sata;
            return spec;
        case machine::Bus::nvme:
            break;
    }
    return std::nullopt;
}

void add_disk(const vim::VirtualDisk& disk, MachineShape& shape) {
    if (!disk.controllerKey() || !disk.unitNumber() || *disk.unitNumber() < 0) return;
    auto place = machine::controller_place(*disk.controllerKey());
    if (!place) return;
    place->unit = *disk.unitNumber();
    if (const auto spec = spec_of(*place)) {
        const std::string target = hypervisor::disk_target(*spec);
        shape.disk_names[target] = place->prefix();
        const auto backing = disk.backing().as<vim::VirtualDeviceFileBackingInfo>();
        const auto datastore = backing ? backing.datastore() : std::nullopt;
        if (datastore) shape.disk_datastores[target] = datastore->id;
    }
}

}  // namespace

MachineShape shape_of(const vim::VirtualMachineConfigInfo& config,
                      std::optional<base::WallTime> boot_time, base::WallTime now) {
    MachineShape shape;
    if (boot_time && *boot_time <= now) {
        shape.uptime = std::chrono::floor<std::chrono::seconds>(now - *boot_time);
    }
    if (!config || !config.hardware()) return shape;
    const auto hardware = config.hardware();
    shape.vcpus = static_cast<std::uint32_t>(std::max(hardware.numCPU(), 1));
    shape.memory_bytes = static_cast<std::uint64_t>(std::max(hardware.memoryMB(), 0)) << 20;
    for (const auto& device : hardware.device()) {
        if (const auto disk = device.as<vim::VirtualDisk>()) {
            add_disk(disk, shape);
        } else if (device.is<vim::VirtualEthernetCard>()) {
            shape.nic_names.push_back(fmt::format("{}", device.key()));
        }
    }
    return shape;
}

}  // namespace drover::host
