#pragma once

// VM monitoring (dasConfig.vmMonitoring): a guest whose agent has answered and does not any more,
// and that neither writes, reads nor sends, is reset; a picture of its screen is kept. What is
// decided when is src/ha/response/vm_monitoring's; the settings come with what is protected.

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "ha/response/vm_monitoring.hpp"
#include "host/machines/machines.hpp"

namespace drover::host {

/// Belongs to the strand.
class VmMonitoring {
public:
    struct Actions {
        /// Keeps a picture of the screen beside the machine's files; its path.
        std::function<task::Awaitable<std::string>(MachinePtr)> screenshot;
        std::function<task::Awaitable<void>(vim::MoRef)> reset;
    };

    VmMonitoring(const HostContext& context, Machines& machines, Actions actions);

    /// Which machines are monitored, by UUID, and how.
    void set(std::map<std::string, ha::VmMonitoringSettings> settings);
    /// Which are reset when their storage is back after long, by UUID.
    void set_storage_reactions(std::set<std::string> resets) { resets_ = std::move(resets); }
    /// A machine goes on that stood still since its host lost its datastore.
    void storage_is_back(const std::string& uuid, ha::Duration outage);
    /// After the machines have been compared with the hypervisor.
    void start();

private:
    struct Watched {
        ha::VmMonitor monitor{};
        ha::GuestSigns signs{};
        std::optional<base::WallTime> boot_time{};
        std::uint64_t input_output = 0;  ///< requests and packets until now
        bool is_busy = false;            ///< it is being asked, or reset
        bool is_given_up = false;        ///< an event has said so
    };

    task::Awaitable<void> follow();
    task::Awaitable<void> look_at_figures();
    void look_at(const MachinePtr& machine);
    task::Awaitable<void> ask(MachinePtr machine);
    task::Awaitable<void> judge(MachinePtr machine);
    task::Awaitable<void> reset(MachinePtr machine, std::string reason);
    void give_up(const Machine& machine);
    ha::Time now() const;

    const HostContext& context_;
    Machines& machines_;
    Actions actions_;
    std::map<std::string, ha::VmMonitoringSettings> settings_;
    std::map<std::string, Watched> watched_;
    std::set<std::string> resets_;
};

}  // namespace drover::host
