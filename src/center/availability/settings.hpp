#pragma once

// What an administrator has set about high availability in a cluster, in the words of the hosts'
// catalogue (src/had/README.md). Pure.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vim/value.hpp"

namespace drover::center {

/// dasConfig.vmMonitoring and vmToolsMonitoringSettings.
struct DasMonitoring {
    bool enabled = false;
    std::int32_t failure_interval_s = 30;
    std::int32_t minimum_uptime_s = 120;
    std::int32_t io_interval_s = 120;  ///< dasConfig.option das.iostatsInterval
    std::int32_t maximum_failures = 3;
    std::int32_t maximum_failure_window_s = -1;  ///< negative: for ever
};

struct DasMachineSettings {
    std::string priority = "medium";
    std::string isolation = "leave_on";
    std::string ready_when = "assigned";
    std::int32_t ready_timeout_s = 600;
    DasMonitoring monitoring{};
    bool reset_when_storage_is_back = false;
};

struct DasSettings {
    bool enabled = false;
    /// False: hosts watch each other, but nothing is started again.
    bool restarts = true;
    DasMachineSettings by_default;
    std::map<std::string, DasMachineSettings, std::less<>> overrides;  ///< by the machine's id
    /// Which machines must be ready first, by the machine's id.
    std::map<std::string, std::vector<std::string>> depends_on;
    /// Datastores that the administrator prefers, by their ids; alone if `only_preferred`.
    std::vector<std::string> preferred_datastores;
    bool only_preferred = false;
    /// Whether rules count at a restart (das.respectVmVmAntiAffinityRules,
    /// das.respectVmHostSoftAffinityRules); those with "must" always do.
    bool respects_anti_affinity = true;
    bool respects_soft_host_rules = true;

    const DasMachineSettings& of(std::string_view machine) const;
};

/// `config`: ClusterComputeResource.configurationEx; an unset one is high availability switched
/// off.
DasSettings das_settings(const vim::Value& config);

}  // namespace drover::center
