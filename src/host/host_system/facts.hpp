#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "host/host_system/cpu_identity.hpp"
#include "rootd/client.hpp"

namespace drover::host {

/// What doesn't change while the computer runs and the hypervisor doesn't tell.
struct HostFacts {
    base::WallTime boot_time{};
    rootd::SystemIdentity identity{};  ///< the firmware's; what it doesn't tell is empty
    std::vector<CpuidLeaf> cpuid{};
    bool uefi = false;            ///< how the computer was started
    bool controls_power = false;  ///< the computer can be powered off and restarted through rootd
};

/// Looks. `rootd` may be null: then without the serial number, which only root may read. Blocks.
HostFacts gather_facts(rootd::Client* rootd, base::WallTime now);

/// When the computer was started, by the text of /proc/stat; nothing if it does not say.
std::optional<base::WallTime> boot_time_of(std::string_view proc_stat);

}  // namespace drover::host
