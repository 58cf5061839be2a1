#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/network_system/network_system.hpp"
#include "host/network_system/port_group_spec.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using vim::Value;

namespace {

constexpr std::array<std::string_view, 10> kNicTypes{"management",
                                                     "vmotion",
                                                     "faultToleranceLogging",
                                                     "vSphereReplication",
                                                     "vSphereReplicationNFC",
                                                     "vSphereProvisioning",
                                                     "vsan",
                                                     "vsanWitness",
                                                     "vSphereBackupNFC",
                                                     "nvmeTcp"};

vim::HostVirtualNicManagerInfo shown(const model::Inventory& inventory) {
    return vim::HostVirtualNicManagerInfo(
        inventory.get(references::virtual_nic_manager)
            .property(vim::property::HostVirtualNicManager::info));
}

vim::VirtualNicManagerNetConfig config_of(const model::Inventory& inventory,
                                          std::string_view type) {
    if (std::ranges::find(kNicTypes, type) == kNicTypes.end()) {
        throw vim::invalid_argument("nicType", fmt::format("'{}' is no type of NIC.", type));
    }
    for (const auto& config : shown(inventory).netConfig()) {
        if (config.nicType() == type) return config;
    }
    return {};
}

// Which address serves what follows from the host's configuration file; so what is so can be asked
// for again, and nothing else.
Value select(const model::Inventory& inventory, const task::Call& call, bool wanted) {
    const std::string_view type = call.request.property("nicType").as_string();
    const std::string_view device = call.request.property("device").as_string();
    const auto config = config_of(inventory, type);
    if (!config) throw host_config_fault(fmt::format("This host has no use for '{}'.", type));
    for (const auto& nic : config.candidateVnic()) {
        if (nic.device() != device) continue;
        const auto selected = config.selectedVnic().to_vector();
        const bool is_selected = std::ranges::find(selected, nic.key()) != selected.end();
        if (is_selected == wanted) return {};
        throw host_config_fault(fmt::format(
            "Which address serves '{}' is said in the host's configuration file.", type));
    }
    throw vim::invalid_argument("device", fmt::format("There is no virtual NIC '{}'.", device));
}

}  // namespace

void serve_virtual_nic_manager(const HostContext& context) {
    auto& dispatcher = context.dispatcher;
    const auto& inventory = context.inventory;
    dispatcher.add_direct("QueryNetConfig", [&inventory](const task::Call& call) {
        return config_of(inventory, call.arguments<vim::QueryNetConfigRequest>().nicType()).raw();
    });
    dispatcher.add_direct("SelectVnicForNicType", [&inventory](const task::Call& call) {
        return select(inventory, call, true);
    });
    dispatcher.add_direct("DeselectVnicForNicType", [&inventory](const task::Call& call) {
        return select(inventory, call, false);
    });
}

}  // namespace drover::host
