#pragma once

// HostSystem "ha-host" and its HostNetworkSystem: what the host is, how it is doing, and whether it
// takes machines.

#include <functional>

#include "host/context.hpp"
#include "host/host_system/capacity.hpp"
#include "host/host_system/facts.hpp"
#include "network/virtual_switches.hpp"
#include "vim/types.hpp"

namespace drover::host {

struct HostUsage;

/// Belongs to the strand.
class HostSystem {
public:
    /// How often the network and the disks are looked at, unless set_look_interval() says.
    static constexpr std::chrono::seconds kLookInterval{30};
    static constexpr std::chrono::seconds kCallLimit{30};

    using ReadNetwork = std::function<network::NetworkState()>;

    /// `read_network` blocks and is called off the strand; read_network_state() by default.
    explicit HostSystem(const HostContext& context, ReadNetwork read_network = {});

    /// Makes the managed objects and serves their methods. Call once, after create_inventory_root
    /// and before datastores, networks and machines are there: they add themselves to the host's
    /// lists.
    task::Awaitable<void> start();

    /// Keeps the picture true from now on. Call when all other services of the host have started.
    void watch();

    void set_look_interval(std::chrono::seconds interval) { look_interval_ = interval; }

    /// Looks at the network and the datastores now and shows what changed.
    task::Awaitable<void> refresh();

    /// Shows the quick statistics of a sample. Its own transaction.
    void show_usage(const HostUsage& usage);

    /// Shows which center manages the host (summary.managementServerIp); empty: none. Its own
    /// transaction.
    void show_manager(std::string_view address);

    /// Shows what state high availability is in here (runtime.dasHostState); empty: it is off. Its
    /// own transaction.
    void set_availability(std::string state);

    /// True from the end of EnterMaintenanceMode_Task to the end of ExitMaintenanceMode_Task,
    /// restarts of the daemon included.
    bool in_maintenance_mode() const { return in_maintenance_; }

    /// False in maintenance mode and on the way into it: no machine may be created, registered,
    /// powered on or resumed then.
    bool accepts_machines() const { return !in_maintenance_ && !entering_; }

    /// Throws InvalidState with the reason, unless accepts_machines().
    void require_accepts_machines() const;

    const Capacity& capacity() const { return capacity_; }

private:
    // host_system.cpp
    void create_objects();
    vim::HostRuntimeInfo make_runtime() const;
    vim::HostListSummary make_summary() const;
    task::Awaitable<void> look_again_and_again();
    void show_network(const network::NetworkState& state);
    void show_runtime();
    // host_methods.cpp
    void serve_methods();
    void serve_power();
    task::Awaitable<void> power_computer(std::string user, std::string action, bool force);
    vim::Value connection_info() const;
    // maintenance.cpp
    void serve_maintenance();
    task::Awaitable<void> enter_maintenance(std::int32_t timeout_s, task::TaskContextPtr context);
    task::Awaitable<void> set_maintenance(bool value);
    std::vector<vim::MoRef> machines_in_the_way(const vim::MoRef& task) const;

    const HostContext& context_;
    ReadNetwork read_network_;
    Capacity capacity_;
    HostFacts facts_;
    std::chrono::seconds look_interval_ = kLookInterval;
    std::string das_state_;
    bool in_maintenance_ = false;
    bool entering_ = false;
};

}  // namespace drover::host
