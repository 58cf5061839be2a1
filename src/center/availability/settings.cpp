#include "center/availability/settings.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <span>

namespace drover::center {

using vim::Value;
using vim::ValueKind;

namespace {

const Value& at(const Value& object, std::string_view name) {
    static const Value none{};
    return object.kind() == ValueKind::object ? object.property(name) : none;
}

std::span<const Value> elements_of(const Value& list) {
    return list.kind() == ValueKind::array ? list.elements() : std::span<const Value>{};
}

std::string text_of(const Value& value) {
    const bool is_text =
        value.kind() == ValueKind::string || value.kind() == ValueKind::enumeration;
    return is_text ? std::string(value.as_string()) : std::string();
}

bool is_true(const Value& value) {
    return value.kind() == ValueKind::boolean && value.as_boolean();
}

void read_priority(const Value& value, std::string& into) {
    const std::string text = text_of(value);
    if (!text.empty() && text != "clusterRestartPriority") into = text;
}

void read_isolation(const Value& value, std::string& into) {
    const std::string text = text_of(value);
    if (text == "none") into = "leave_on";
    if (text == "powerOff") into = "power_off";
    if (text == "shutdown") into = "shut_down";
}

void read_seconds(const Value& value, std::int32_t low, std::int32_t& into) {
    if (value) into = static_cast<std::int32_t>(std::max<std::int64_t>(value.as_integer(), low));
}

bool is_monitored(const Value& kind) {
    return text_of(kind) == "vmMonitoringOnly" || text_of(kind) == "vmAndAppMonitoring";
}

// Figures alone: whether a machine is monitored is said elsewhere.
void read_monitoring_figures(const Value& tools, DasMonitoring& into) {
    read_seconds(at(tools, "failureInterval"), 5, into.failure_interval_s);
    read_seconds(at(tools, "minUpTime"), 0, into.minimum_uptime_s);
    read_seconds(at(tools, "maxFailures"), 1, into.maximum_failures);
    read_seconds(at(tools, "maxFailureWindow"), -1, into.maximum_failure_window_s);
}

void read_whole_seconds(const Value& value, std::int32_t& into) {
    std::int32_t seconds = 0;
    const std::string text = text_of(value);
    const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (!text.empty() && read.ec == std::errc{} && seconds >= 0) into = seconds;
    if (value.kind() == ValueKind::int_ || value.kind() == ValueKind::long_) {
        read_seconds(value, 0, into);
    }
}

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

void read_truth(const Value& value, bool& into) {
    const std::string text = lower_case(text_of(value));
    if (value.kind() == ValueKind::boolean) into = value.as_boolean();
    if (text == "true" || text == "false") into = text == "true";
}

// VMware's advanced options that mean something here; their names' case does not count.
void read_options(const Value& das, DasSettings& into) {
    for (const Value& option : elements_of(at(das, "option"))) {
        const std::string key = lower_case(text_of(at(option, "key")));
        const Value& value = at(option, "value");
        if (key == "das.iostatsinterval") {
            read_whole_seconds(value, into.by_default.monitoring.io_interval_s);
        } else if (key == "das.respectvmvmantiaffinityrules") {
            read_truth(value, into.respects_anti_affinity);
        } else if (key == "das.respectvmhostsoftaffinityrules") {
            read_truth(value, into.respects_soft_host_rules);
        }
    }
}

// A machine's own; unset words leave it to the cluster.
void read_own_monitoring(const Value& tools, DasMonitoring& into) {
    const Value& clusters = at(tools, "clusterSettings");
    if (!tools || !clusters || is_true(clusters)) return;
    if (const Value& kind = at(tools, "vmMonitoring")) {
        into.enabled = is_monitored(kind);
    } else if (const Value& enabled = at(tools, "enabled")) {
        into.enabled = is_true(enabled);
    }
    read_monitoring_figures(tools, into);
}

void read_vm_settings(const Value& settings, DasMachineSettings& into) {
    read_priority(at(settings, "restartPriority"), into.priority);
    read_isolation(at(settings, "isolationResponse"), into.isolation);
    // -1 is the cluster's.
    const Value& timeout = at(settings, "restartPriorityTimeout");
    if (timeout && timeout.as_integer() >= 0) {
        into.ready_timeout_s =
            static_cast<std::int32_t>(std::min<std::int64_t>(timeout.as_integer(), 86'400));
    }
}

// vmComponentProtectionSettings: what is left to be said. A host that is without its datastore
// always loses its machines to one that has it; this is of those that nobody could take.
void read_storage_protection(const Value& settings, bool& resets) {
    const Value& storage = at(settings, "vmComponentProtectionSettings");
    const std::string reaction = text_of(at(storage, "vmReactionOnAPDCleared"));
    if (reaction == "reset" || reaction == "none") resets = reaction == "reset";
    if (text_of(at(storage, "vmStorageProtectionForAPD")) == "disabled") resets = false;
}

void read_readiness(const Value& readiness, DasMachineSettings& into) {
    const std::string text = text_of(at(readiness, "readyCondition"));
    if (text == "none") into.ready_when = "assigned";
    if (text == "poweredOn") into.ready_when = "running";
    if (text == "guestHbStatusGreen" || text == "appHbStatusGreen") into.ready_when = "guest_ready";
}

std::vector<std::string> machines_of_group(const Value& config, const Value& name) {
    std::vector<std::string> machines;
    for (const Value& group : elements_of(at(config, "group"))) {
        if (text_of(at(group, "name")) != text_of(name)) continue;
        if (!vim::is_a(group.type(), vim::TypeId::ClusterVmGroup)) continue;
        for (const Value& machine : elements_of(at(group, "vm"))) {
            machines.emplace_back(machine.moref_id());
        }
    }
    return machines;
}

void read_dependencies(const Value& config, DasSettings& into) {
    for (const Value& rule : elements_of(at(config, "rule"))) {
        if (!vim::is_a(rule.type(), vim::TypeId::ClusterDependencyRuleInfo)) continue;
        if (!is_true(at(rule, "enabled"))) continue;
        const auto first = machines_of_group(config, at(rule, "dependsOnVmGroup"));
        for (const auto& machine : machines_of_group(config, at(rule, "vmGroup"))) {
            auto& all = into.depends_on[machine];
            for (const auto& each : first) {
                if (each != machine && std::ranges::find(all, each) == all.end()) {
                    all.push_back(each);
                }
            }
        }
    }
}

}  // namespace

const DasMachineSettings& DasSettings::of(std::string_view machine) const {
    const auto known = overrides.find(machine);
    return known == overrides.end() ? by_default : known->second;
}

DasSettings das_settings(const Value& config) {
    DasSettings made;
    const Value& das = at(config, "dasConfig");
    made.enabled = is_true(at(das, "enabled"));
    made.restarts = text_of(at(das, "hostMonitoring")) != "disabled";
    read_vm_settings(at(das, "defaultVmSettings"), made.by_default);
    read_readiness(at(at(config, "orchestration"), "defaultVmReadiness"), made.by_default);
    made.by_default.monitoring.enabled = is_monitored(at(das, "vmMonitoring"));
    read_monitoring_figures(at(at(das, "defaultVmSettings"), "vmToolsMonitoringSettings"),
                            made.by_default.monitoring);
    const bool protects_storage = text_of(at(das, "vmComponentProtecting")) != "disabled";
    bool& resets = made.by_default.reset_when_storage_is_back;
    if (protects_storage) read_storage_protection(at(das, "defaultVmSettings"), resets);
    read_options(das, made);
    for (const Value& each : elements_of(at(config, "dasVmConfig"))) {
        const Value& key = at(each, "key");
        if (key.kind() != ValueKind::moref) continue;
        DasMachineSettings own = made.by_default;
        // The older words first: where both are said, the newer ones count.
        read_priority(at(each, "restartPriority"), own.priority);
        if (const Value& off = at(each, "powerOffOnIsolation")) {
            own.isolation = is_true(off) ? "power_off" : "leave_on";
        }
        read_vm_settings(at(each, "dasSettings"), own);
        read_own_monitoring(at(at(each, "dasSettings"), "vmToolsMonitoringSettings"),
                            own.monitoring);
        if (protects_storage) {
            read_storage_protection(at(each, "dasSettings"), own.reset_when_storage_is_back);
        }
        made.overrides[std::string(key.moref_id())] = std::move(own);
    }
    for (const Value& each : elements_of(at(config, "vmOrchestration"))) {
        const Value& key = at(each, "vm");
        if (key.kind() != ValueKind::moref) continue;
        const std::string id(key.moref_id());
        auto& own = made.overrides.try_emplace(id, made.by_default).first->second;
        read_readiness(at(each, "vmReadiness"), own);
    }
    read_dependencies(config, made);
    for (const Value& each : elements_of(at(das, "heartbeatDatastore"))) {
        made.preferred_datastores.emplace_back(each.moref_id());
    }
    made.only_preferred = text_of(at(das, "hBDatastoreCandidatePolicy")) == "userSelectedDs";
    return made;
}

}  // namespace drover::center
