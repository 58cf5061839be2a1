#pragma once

// HostAutoStartManager "ha-autostart-mgr": machines that are powered on when the host starts and
// stopped before it goes down.

#include <functional>

#include "host/context.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// How machines are powered: given by their owner. Both throw vim::Fault.
struct AutoStartActions {
    /// Powers a machine on; done when it runs.
    std::function<task::Awaitable<void>(vim::MoRef)> power_on;
    /// Begins (guestShutdown) or does (powerOff, suspend) what ends a machine's run.
    std::function<task::Awaitable<void>(vim::MoRef, std::string action)> stop;
};

/// Belongs to the strand.
class AutoStart {
public:
    AutoStart(const HostContext& context, AutoStartActions actions);

    /// Reads what is stored, makes the managed object and serves its methods. After
    /// HostSystem::start.
    task::Awaitable<void> start();

    /// Powers on what is listed, if that is enabled and the computer was started since the last
    /// call: a restart of the daemon alone starts nothing. Call when the machines are known.
    void after_start(const std::string& boot_id);

    /// All in their order, with their delays. A machine that fails is logged and passed over.
    task::Awaitable<void> power_on_all();
    /// In the reverse order.
    task::Awaitable<void> power_off_all();

    const vim::HostAutoStartManagerConfig& config() const { return config_; }

private:
    task::Awaitable<void> reconfigure(vim::HostAutoStartManagerConfig spec);
    task::Awaitable<void> store(vim::HostAutoStartManagerConfig config);
    task::Awaitable<void> forget_destroyed();
    task::Awaitable<void> power_on_after_boot(std::string boot_id);
    task::Awaitable<void> power_on_one(vim::AutoStartPowerInfo info);
    task::Awaitable<void> power_off_one(vim::AutoStartPowerInfo info);
    bool is_powered_on(const vim::MoRef& machine) const;
    bool has_heartbeat(const vim::MoRef& machine) const;
    void show();
    void serve_methods();

    const HostContext& context_;
    AutoStartActions actions_;
    vim::HostAutoStartManagerConfig config_;
    model::Subscription subscription_;
};

/// The running kernel's own name for this start of the computer; empty if it doesn't tell.
std::string current_boot_id();

}  // namespace drover::host
