#pragma once

// What an administrator has set about DRS in a cluster. Pure.

#include <map>
#include <string>

#include "plan/drs/decision.hpp"
#include "vim/inventory_types.hpp"

namespace drover::center {

struct DrsPolicy {
    bool enabled = false;
    plan::Automation automation = plan::Automation::fully_automated;
    /// 1: only what must be; 5: whatever helps. vmotionRate counts the other way.
    int threshold = 3;
    /// Configured memory of running machines may be this many times a host's.
    double memory_overcommit = 2;

    struct Override {
        bool enabled = true;
        plan::Automation automation = plan::Automation::fully_automated;
    };
    std::map<std::string, Override, std::less<>> overrides;  ///< by the machine's id

    /// Of one machine; nothing if DRS leaves it alone.
    std::optional<plan::Automation> automation_of(std::string_view machine) const;
    plan::Movability movability_of(std::string_view machine) const;
    /// Whether a power-on may choose the host by itself.
    bool places(std::string_view machine) const;
};

/// The option of drsConfig that sets memory_overcommit, in percent, 100 to 1000.
inline constexpr std::string_view kOvercommitOption = "Drover.memoryOvercommitPercent";

/// `config`: ClusterComputeResource.configurationEx; an unset one is DRS switched off.
DrsPolicy drs_policy(const vim::Value& config);

plan::Automation automation_of(vim::DrsBehavior behaviour);

}  // namespace drover::center
