#include "machine/connection.hpp"

namespace drover::machine {

void show_connection(vim::VirtualDevice& device, const std::set<std::int32_t>& connected) {
    auto info = device.connectable();
    if (!info) return;
    const bool now = connected.contains(device.key());
    info.set_connected(now);
    info.set_status(now ? "ok" : "untried");
    device.set_connectable(info);
}

vim::VirtualMachineConfigInfo with_connections(vim::VirtualMachineConfigInfo config,
                                               const std::set<std::int32_t>& connected) {
    auto hardware = config.hardware();
    auto devices = hardware.device().to_vector();
    for (auto& device : devices) show_connection(device, connected);
    hardware.set_device(devices);
    config.set_hardware(hardware);
    return config;
}

}  // namespace drover::machine
