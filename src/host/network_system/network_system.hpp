#pragma once

// What HostNetworkSystem "ha-network-system" changes, and HostVirtualNicManager "ha-vnic-mgr". The
// objects' state is kept by HostSystem.

#include <functional>

#include "host/context.hpp"
#include "vim/management_types.hpp"

namespace drover::host {

/// Belongs to the strand.
class NetworkSystem {
public:
    /// `refresh` looks at the network anew and shows it.
    NetworkSystem(const HostContext& context, std::function<task::Awaitable<void>()> refresh)
        : context_(context), refresh_(std::move(refresh)) {}

    void start();

private:
    void serve_switches();
    void serve_groups();
    void serve_hints();
    task::Awaitable<void> add_switch(std::string name, std::string uplink);
    task::Awaitable<void> update_switch(std::string name, std::string uplink);
    task::Awaitable<void> remove_switch(std::string name);
    task::Awaitable<void> add_group(vim::HostPortGroupSpec spec);
    task::Awaitable<void> update_group(std::string name, vim::HostPortGroupSpec spec);
    task::Awaitable<void> remove_group(std::string name);
    void require_unused(std::string_view network) const;
    void require_free_uplink(const std::string& uplink, std::string_view for_switch) const;
    vim::Value hints(const task::Call& call) const;
    vim::HostNetworkInfo info() const;

    const HostContext& context_;
    const std::function<task::Awaitable<void>()> refresh_;
    bool changing_ = false;
};

/// HostVirtualNicManager: shows what HostSystem.config says, and answers questions about it.
void serve_virtual_nic_manager(const HostContext& context);

}  // namespace drover::host
