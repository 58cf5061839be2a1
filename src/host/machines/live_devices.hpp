#pragma once

// What a running machine can be told at once: media of its drives, cables of its network adapters.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/context.hpp"
#include "host/datastores.hpp"

namespace drover::host {

struct LiveChange {
    std::int32_t key = 0;  ///< of the device
    bool connected = false;
    std::string mac;        ///< of a network adapter; empty for a drive
    std::string network{};  ///< of a network adapter, if it is to join one; by name
    std::string bridge{};   ///< the same as the host has it: for the caller to fill in
    std::string target;     ///< of a drive, as the hypervisor names it
    std::string media;      ///< "[datastore] file.iso" for a drive that is connected; else empty
};

/// The changes that `spec` asks of devices which a running machine has. `config` is the machine as
/// it will be, `connected` the keys of what is connected now.
std::vector<LiveChange> live_changes(const vim::VirtualMachineConfigSpec& spec,
                                     const vim::VirtualMachineConfigInfo& config,
                                     const std::set<std::int32_t>& connected);

/// The hypervisor's name for the disk or drive; empty where it has none.
std::string target_of(const vim::VirtualDevice& device);

/// A disk or a network adapter that comes to a running machine or goes from it.
struct Plug {
    bool is_nic = false;
    std::string name;  ///< the disk's target, the adapter's MAC address

    friend bool operator==(const Plug&, const Plug&) = default;
};

struct PlugPlan {
    std::vector<Plug> in;
    std::vector<Plug> out;
};

/// What has to be plugged to make a machine of `before` one of `after`.
PlugPlan plug_plan(const vim::VirtualMachineConfigInfo& before,
                   const vim::VirtualMachineConfigInfo& after);

/// Tells the hypervisor. Blocks; throws HypervisorError or vim::Fault.
void apply(const HostContext& context, const hypervisor::DomainUuid& uuid,
           const LiveChange& change);

/// The removable devices that are connected when a machine starts.
std::set<std::int32_t> connected_at_start(const vim::VirtualMachineConfigInfo& config);

}  // namespace drover::host
