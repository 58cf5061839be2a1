#include "center/availability/settings.hpp"

#include <gtest/gtest.h>

#include "center/tree/cluster_config.hpp"
#include "center/tree/data.hpp"

namespace drover::center {
namespace {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

Value machine(const char* id) {
    return Value::moref(MoRef{TypeId::VirtualMachine, id});
}

Value with_das(std::initializer_list<std::pair<std::string_view, Value>> fields) {
    Value config = default_cluster_config().raw();
    Value das = config.property("dasConfig");
    for (const auto& [name, value] : fields) set_property(das, name, value);
    set_property(config, "dasConfig", das);
    return config;
}

Value vm_settings(std::initializer_list<std::pair<std::string_view, Value>> fields) {
    return make_data(TypeId::ClusterDasVmSettings, fields);
}

TEST(DasSettings, is_off_unless_it_is_switched_on) {
    EXPECT_FALSE(das_settings(Value{}).enabled);
    EXPECT_FALSE(das_settings(default_cluster_config().raw()).enabled);
    EXPECT_TRUE(das_settings(with_das({{"enabled", Value::boolean(true)}})).enabled);
}

TEST(DasSettings, says_which_guests_are_monitored) {
    const auto tools = [](std::initializer_list<std::pair<std::string_view, Value>> fields) {
        return vm_settings({{"vmToolsMonitoringSettings",
                             make_data(TypeId::ClusterVmToolsMonitoringSettings, fields)}});
    };
    Value config = with_das(
        {{"vmMonitoring", Value::string("vmMonitoringOnly")},
         {"defaultVmSettings",
          tools({{"failureInterval", Value::int_(60)}, {"maxFailureWindow", Value::int_(3600)}})}});
    const auto own = [&](const char* id, const Value& settings) {
        return make_data(TypeId::ClusterDasVmConfigInfo,
                         {{"key", machine(id)}, {"dasSettings", settings}});
    };
    const Value off = own("vm-1", tools({{"clusterSettings", Value::boolean(false)},
                                         {"vmMonitoring", Value::string("vmMonitoringDisabled")}}));
    const Value as_cluster =
        own("vm-2", tools({{"vmMonitoring", Value::string("vmMonitoringDisabled")},
                           {"failureInterval", Value::int_(10)}}));
    set_property(config, "dasVmConfig",
                 Value::array(TypeId::ClusterDasVmConfigInfo, {off, as_cluster}));
    const auto settings = das_settings(config);
    EXPECT_FALSE(settings.of("vm-1").monitoring.enabled);
    for (const char* id : {"vm-2", "vm-3"}) {
        const auto& monitoring = settings.of(id).monitoring;
        EXPECT_TRUE(monitoring.enabled) << id;
        EXPECT_EQ(monitoring.failure_interval_s, 60) << id;
        EXPECT_EQ(monitoring.maximum_failure_window_s, 3600) << id;
    }
    EXPECT_FALSE(das_settings(with_das({})).of("vm-3").monitoring.enabled);
}

TEST(DasSettings, respects_rules_unless_an_option_says_otherwise) {
    EXPECT_TRUE(das_settings(with_das({})).respects_anti_affinity);
    EXPECT_TRUE(das_settings(with_das({})).respects_soft_host_rules);
    const auto option = [](const char* key, Value value) {
        return make_data(TypeId::OptionValue,
                         {{"key", Value::string(key)}, {"value", std::move(value)}});
    };
    const auto settings = das_settings(with_das(
        {{"option",
          Value::array(TypeId::OptionValue,
                       {option("das.respectVmVmAntiAffinityRules", Value::string("False")),
                        option("DAS.respectvmhostsoftaffinityrules", Value::boolean(false))})}}));
    EXPECT_FALSE(settings.respects_anti_affinity);
    EXPECT_FALSE(settings.respects_soft_host_rules);
}

TEST(DasSettings, resets_what_was_without_storage_where_that_is_wanted) {
    const auto storage = [](const char* reaction) {
        return vm_settings({{"vmComponentProtectionSettings",
                             make_data(TypeId::ClusterVmComponentProtectionSettings,
                                       {{"vmReactionOnAPDCleared", Value::string(reaction)}})}});
    };
    EXPECT_FALSE(
        das_settings(default_cluster_config().raw()).of("vm-1").reset_when_storage_is_back);
    Value config = with_das({{"vmComponentProtecting", Value::string("enabled")},
                             {"defaultVmSettings", storage("reset")}});
    set_property(
        config, "dasVmConfig",
        Value::array(TypeId::ClusterDasVmConfigInfo,
                     {make_data(TypeId::ClusterDasVmConfigInfo,
                                {{"key", machine("vm-2")}, {"dasSettings", storage("none")}})}));
    EXPECT_TRUE(das_settings(config).of("vm-1").reset_when_storage_is_back);
    EXPECT_FALSE(das_settings(config).of("vm-2").reset_when_storage_is_back);
    config = with_das({{"vmComponentProtecting", Value::string("disabled")},
                       {"defaultVmSettings", storage("reset")}});
    EXPECT_FALSE(das_settings(config).of("vm-1").reset_when_storage_is_back);
}

TEST(DasSettings, gives_a_machine_its_own_words_and_else_the_clusters) {
    Value config = with_das(
        {{"defaultVmSettings", vm_settings({{"restartPriority", Value::string("high")},
                                            {"isolationResponse", Value::string("powerOff")},
                                            {"restartPriorityTimeout", Value::int_(90)}})}});
    const Value own = make_data(
        TypeId::ClusterDasVmConfigInfo,
        {{"key", machine("vm-1")},
         {"dasSettings",
          vm_settings({{"restartPriority", Value::string("disabled")},
                       {"isolationResponse", Value::string("clusterIsolationResponse")}})}});
    const Value other = make_data(
        TypeId::ClusterDasVmConfigInfo,
        {{"key", machine("vm-2")},
         {"dasSettings", vm_settings({{"restartPriority", Value::string("clusterRestartPriority")},
                                      {"isolationResponse", Value::string("shutdown")}})}});
    set_property(config, "dasVmConfig", Value::array(TypeId::ClusterDasVmConfigInfo, {own, other}));
    const auto settings = das_settings(config);
    EXPECT_EQ(settings.of("vm-1").priority, "disabled");
    EXPECT_EQ(settings.of("vm-1").isolation, "power_off");
    EXPECT_EQ(settings.of("vm-2").priority, "high");
    EXPECT_EQ(settings.of("vm-2").isolation, "shut_down");
    EXPECT_EQ(settings.of("vm-3").priority, "high");
    EXPECT_EQ(settings.of("vm-3").ready_timeout_s, 90);
}

TEST(DasSettings, knows_what_must_be_ready_first) {
    Value config = default_cluster_config().raw();
    const auto group = [](const char* name, const char* id) {
        return make_data(TypeId::ClusterVmGroup,
                         {{"name", Value::string(name)},
                          {"vm", Value::array(TypeId::VirtualMachine, {machine(id)})}});
    };
    set_property(
        config, "group",
        Value::array(TypeId::ClusterGroupInfo, {group("db", "vm-1"), group("web", "vm-2")}));
    const Value rule =
        make_data(TypeId::ClusterDependencyRuleInfo, {{"enabled", Value::boolean(true)},
                                                      {"vmGroup", Value::string("web")},
                                                      {"dependsOnVmGroup", Value::string("db")}});
    set_property(config, "rule", Value::array(TypeId::ClusterRuleInfo, {rule}));
    const auto settings = das_settings(config);
    ASSERT_TRUE(settings.depends_on.contains("vm-2"));
    EXPECT_EQ(settings.depends_on.at("vm-2"), std::vector<std::string>{"vm-1"});
    EXPECT_FALSE(settings.depends_on.contains("vm-1"));
}

}  // namespace
}  // namespace drover::center
