#include "center/tree/cluster_config.hpp"

#include "base/check.hpp"
#include "center/tree/data.hpp"

namespace drover::center {

using vim::TypeId;
using vim::Value;

namespace {

Value text(std::string_view value) {
    return Value::string(value);
}

Value yes_no(bool value) {
    return Value::boolean(value);
}

Value number(std::int32_t value) {
    return Value::int_(value);
}

Value no_options() {
    return Value::array(TypeId::OptionValue, {});
}

Value default_vm_settings() {
    const Value monitoring = make_data(TypeId::ClusterVmToolsMonitoringSettings,
                                       {{"enabled", yes_no(false)},
                                        {"vmMonitoring", text("vmMonitoringDisabled")},
                                        {"clusterSettings", yes_no(true)},
                                        {"failureInterval", number(30)},
                                        {"minUpTime", number(120)},
                                        {"maxFailures", number(3)},
                                        {"maxFailureWindow", number(-1)}});
    const Value components = make_data(TypeId::ClusterVmComponentProtectionSettings,
                                       {{"vmStorageProtectionForAPD", text("restartConservative")},
                                        {"enableAPDTimeoutForHosts", yes_no(true)},
                                        {"vmTerminateDelayForAPDSec", number(60)},
                                        {"vmReactionOnAPDCleared", text("none")},
                                        {"vmStorageProtectionForPDL", text("restartAggressive")}});
    return make_data(TypeId::ClusterDasVmSettings, {{"restartPriority", text("medium")},
                                                    {"restartPriorityTimeout", number(600)},
                                                    {"isolationResponse", text("none")},
                                                    {"vmToolsMonitoringSettings", monitoring},
                                                    {"vmComponentProtectionSettings", components}});
}

Value default_das() {
    auto policy = vim::ClusterFailoverLevelAdmissionControlPolicy::make();
    policy.set_failoverLevel(1);
    return make_data(TypeId::ClusterDasConfigInfo,
                     {{"enabled", yes_no(false)},
                      {"vmMonitoring", text("vmMonitoringDisabled")},
                      {"hostMonitoring", text("enabled")},
                      {"vmComponentProtecting", text("enabled")},
                      {"failoverLevel", number(1)},
                      {"admissionControlPolicy", policy.raw()},
                      {"admissionControlEnabled", yes_no(true)},
                      {"defaultVmSettings", default_vm_settings()},
                      {"option", no_options()},
                      {"heartbeatDatastore", Value::array(TypeId::Datastore, {})},
                      {"hBDatastoreCandidatePolicy", text("allFeasibleDsWithUserPreference")}});
}

Value default_drs() {
    return make_data(TypeId::ClusterDrsConfigInfo,
                     {{"enabled", yes_no(false)},
                      {"enableVmBehaviorOverrides", yes_no(true)},
                      {"defaultVmBehavior",
                       vim::Convert<vim::DrsBehavior>::to(vim::DrsBehavior::fullyAutomated)},
                      {"vmotionRate", number(3)},
                      {"scaleDescendantsShares", text("disabled")},
                      {"option", no_options()}});
}

Value default_dpm() {
    return make_data(
        TypeId::ClusterDpmConfigInfo,
        {{"enabled", yes_no(false)},
         {"defaultDpmBehavior", vim::Convert<vim::DpmBehavior>::to(vim::DpmBehavior::automated)},
         {"hostPowerActionRate", number(3)},
         {"option", no_options()}});
}

}  // namespace

vim::ComputeResourceConfigInfo default_compute_config() {
    auto config = vim::ComputeResourceConfigInfo::make();
    config.set_vmSwapPlacement("vmDirectory");
    return config;
}

vim::ClusterConfigInfoEx default_cluster_config() {
    const auto none_of = [](TypeId type) { return Value::array(type, {}); };
    const Value readiness = make_data(TypeId::ClusterVmReadiness, {{"readyCondition", text("none")},
                                                                   {"postReadyDelay", number(0)}});
    return vim::ClusterConfigInfoEx(make_data(
        TypeId::ClusterConfigInfoEx,
        {{"vmSwapPlacement", text("vmDirectory")},
         {"spbmEnabled", yes_no(false)},
         {"dasConfig", default_das()},
         {"dasVmConfig", none_of(TypeId::ClusterDasVmConfigInfo)},
         {"drsConfig", default_drs()},
         {"drsVmConfig", none_of(TypeId::ClusterDrsVmConfigInfo)},
         {"rule", none_of(TypeId::ClusterRuleInfo)},
         {"orchestration",
          make_data(TypeId::ClusterOrchestrationInfo, {{"defaultVmReadiness", readiness}})},
         {"vmOrchestration", none_of(TypeId::ClusterVmOrchestrationInfo)},
         {"dpmConfigInfo", default_dpm()},
         {"dpmHostConfig", none_of(TypeId::ClusterDpmHostConfigInfo)},
         {"vsanConfigInfo",
          make_data(TypeId::VsanClusterConfigInfo,
                    {{"enabled", yes_no(false)},
                     {"defaultConfig", make_data(TypeId::VsanClusterConfigInfoHostDefaultInfo,
                                                 {{"autoClaimStorage", yes_no(false)}})}})},
         {"vsanHostConfig", none_of(TypeId::VsanHostConfigInfo)},
         {"group", none_of(TypeId::ClusterGroupInfo)},
         {"infraUpdateHaConfig", make_data(TypeId::ClusterInfraUpdateHaConfigInfo,
                                           {{"enabled", yes_no(false)},
                                            {"behavior", text("Manual")},
                                            {"moderateRemediation", text("QuarantineMode")},
                                            {"severeRemediation", text("QuarantineMode")},
                                            {"providers", none_of(TypeId::string)}})},
         {"proactiveDrsConfig",
          make_data(TypeId::ClusterProactiveDrsConfigInfo, {{"enabled", yes_no(false)}})}}));
}

vim::ClusterConfigInfo plain_config(const vim::ClusterConfigInfoEx& config) {
    Value made = vim::make_object(TypeId::ClusterConfigInfo);
    for (const auto name : {"dasConfig", "dasVmConfig", "drsConfig", "drsVmConfig", "rule"}) {
        set_property(made, name, config.raw().property(name));
    }
    return vim::ClusterConfigInfo(made);
}

vim::ClusterConfigSpecEx extended_spec(const vim::ClusterConfigSpec& spec) {
    Value made = vim::make_object(TypeId::ClusterConfigSpecEx);
    if (!spec) return vim::ClusterConfigSpecEx(made);
    for (const auto name :
         {"dasConfig", "dasVmConfigSpec", "drsConfig", "drsVmConfigSpec", "rulesSpec"}) {
        set_property(made, name, spec.raw().property(name));
    }
    return vim::ClusterConfigSpecEx(made);
}

Value empty_summary(bool is_cluster) {
    Value summary = make_data(
        is_cluster ? TypeId::ClusterComputeResourceSummary : TypeId::ComputeResourceSummary,
        {{"totalCpu", number(0)},
         {"totalMemory", Value::long_(0)},
         {"numCpuCores", Value::short_(0)},
         {"numCpuThreads", Value::short_(0)},
         {"effectiveCpu", number(0)},
         {"effectiveMemory", Value::long_(0)},
         {"numHosts", number(0)},
         {"numEffectiveHosts", number(0)},
         {"overallStatus",
          vim::Convert<vim::ManagedEntityStatus>::to(vim::ManagedEntityStatus::green)}});
    if (is_cluster) {
        set_property(summary, "currentFailoverLevel", number(0));
        set_property(summary, "numVmotions", number(0));
    }
    return summary;
}

}  // namespace drover::center
