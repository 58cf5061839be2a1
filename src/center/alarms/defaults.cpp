#include "center/alarms/defaults.hpp"

#include "center/alarms/figures.hpp"

namespace drover::center {

using vim::ManagedEntityStatus;

namespace {

constexpr std::int32_t kFiveMinutes_s = 300;

vim::MetricAlarmExpression above(std::string_view type, std::int32_t counter, std::int32_t yellow,
                                 std::int32_t red, std::int32_t interval_s) {
    auto metric = vim::PerfMetricId::make();
    metric.set_counterId(counter);
    metric.set_instance("");
    auto made = vim::MetricAlarmExpression::make();
    made.set_operator(vim::MetricAlarmOperator::isAbove);
    made.set_type(type);
    made.set_metric(metric);
    made.set_yellow(yellow);
    made.set_red(red);
    if (interval_s > 0) {
        made.set_yellowInterval(interval_s);
        made.set_redInterval(interval_s);
    }
    return made;
}

vim::StateAlarmExpression state(vim::StateAlarmOperator how, std::string_view type,
                                std::string_view path, std::string_view red) {
    auto made = vim::StateAlarmExpression::make();
    made.set_operator(how);
    made.set_type(type);
    made.set_statePath(path);
    made.set_red(red);
    return made;
}

vim::AlarmSpec alarm(std::string_view name, std::string_view system_name,
                     std::string_view description, const vim::AlarmExpression& expression,
                     std::int32_t reporting_s) {
    auto setting = vim::AlarmSetting::make();
    setting.set_toleranceRange(0);
    setting.set_reportingFrequency(reporting_s);
    auto made = vim::AlarmSpec::make();
    made.set_name(name);
    made.set_systemName(system_name);
    made.set_description(description);
    made.set_enabled(true);
    made.set_expression(expression);
    made.set_setting(setting);
    return made;
}

vim::AlarmExpression host_is_lost() {
    auto all = vim::AndAlarmExpression::make();
    all.set_expression(
        {state(vim::StateAlarmOperator::isEqual, "HostSystem", "runtime.connectionState",
               "notResponding"),
         state(vim::StateAlarmOperator::isUnequal, "HostSystem", "runtime.powerState", "standBy")});
    return all;
}

template <class Description>
Description described(std::string_view key, std::string_view label) {
    auto made = Description::make();
    made.set_key(key);
    made.set_label(label);
    made.set_summary(label);
    return made;
}

std::vector<vim::ElementDescription> elements(
    std::initializer_list<std::pair<std::string_view, std::string_view>> list) {
    std::vector<vim::ElementDescription> made;
    for (const auto& [key, label] : list) {
        made.push_back(described<vim::ElementDescription>(key, label));
    }
    return made;
}

}  // namespace

std::vector<vim::AlarmSpec> default_alarms() {
    return {
        alarm("Host connection and power state", "alarm.HostConnectionStateAlarm",
              "Default alarm to monitor host connection and power state", host_is_lost(), 0),
        alarm(
            "Host CPU usage", "alarm.HostCPUUsageAlarm", "Default alarm to monitor host CPU usage",
            above("HostSystem", counter::cpu_usage, 7'500, 9'000, kFiveMinutes_s), kFiveMinutes_s),
        alarm("Host memory usage", "alarm.HostMemoryUsageAlarm",
              "Default alarm to monitor host memory usage",
              above("HostSystem", counter::memory_usage, 9'000, 9'500, kFiveMinutes_s),
              kFiveMinutes_s),
        alarm("Virtual machine CPU usage", "alarm.VmCPUUsageAlarm",
              "Default alarm to monitor virtual machine CPU usage",
              above("VirtualMachine", counter::cpu_usage, 7'500, 9'000, kFiveMinutes_s),
              kFiveMinutes_s),
        alarm("Virtual machine memory usage", "alarm.VmMemoryUsageAlarm",
              "Default alarm to monitor virtual machine memory usage",
              above("VirtualMachine", counter::memory_usage, 8'500, 9'500, 2 * kFiveMinutes_s),
              kFiveMinutes_s),
        alarm("Datastore usage on disk", "alarm.DatastoreDiskUsageAlarm",
              "Default alarm to monitor datastore disk usage",
              above("Datastore", counter::disk_used, 7'500, 8'500, 0), kFiveMinutes_s),
    };
}

std::vector<vim::AlarmExpression> default_expressions() {
    return {
        state(vim::StateAlarmOperator::isEqual, "VirtualMachine", "runtime.powerState",
              "poweredOff"),
        state(vim::StateAlarmOperator::isEqual, "HostSystem", "runtime.connectionState",
              "notResponding"),
        above("VirtualMachine", counter::cpu_usage, 7'500, 9'000, kFiveMinutes_s),
        above("VirtualMachine", counter::memory_usage, 8'500, 9'500, kFiveMinutes_s),
        above("HostSystem", counter::cpu_usage, 7'500, 9'000, kFiveMinutes_s),
        above("HostSystem", counter::memory_usage, 9'000, 9'500, kFiveMinutes_s),
        above("Datastore", counter::disk_used, 7'500, 8'500, 0),
    };
}

vim::AlarmDescription describe_alarms() {
    auto made = vim::AlarmDescription::make();
    using Type = vim::TypeDescription;
    made.set_expr({described<Type>("AndAlarmExpression", "All of several expressions"),
                   described<Type>("OrAlarmExpression", "Any of several expressions"),
                   described<Type>("StateAlarmExpression", "State"),
                   described<Type>("MetricAlarmExpression", "Figure"),
                   described<Type>("EventAlarmExpression", "Event")});
    made.set_stateOperator(
        elements({{"isEqual", "Is equal to"}, {"isUnequal", "Is not equal to"}}));
    made.set_metricOperator(elements({{"isAbove", "Is above"}, {"isBelow", "Is below"}}));
    made.set_hostSystemConnectionState(elements({{"connected", "Connected"},
                                                 {"notResponding", "Not responding"},
                                                 {"disconnected", "Disconnected"}}));
    made.set_virtualMachinePowerState(elements(
        {{"poweredOff", "Powered off"}, {"poweredOn", "Powered on"}, {"suspended", "Suspended"}}));
    made.set_datastoreConnectionState(
        elements({{"true", "Accessible"}, {"false", "Not accessible"}}));
    made.set_hostSystemPowerState(elements({{"poweredOn", "Powered on"},
                                            {"poweredOff", "Powered off"},
                                            {"standBy", "Standby"},
                                            {"unknown", "Unknown"}}));
    const auto statuses =
        elements({{"gray", "Gray"}, {"green", "Green"}, {"yellow", "Yellow"}, {"red", "Red"}});
    made.set_virtualMachineGuestHeartbeatStatus(statuses);
    made.set_entityStatus(statuses);
    // Alarms of this center carry out none.
    made.set_action(std::vector<Type>{});
    return made;
}

}  // namespace drover::center
