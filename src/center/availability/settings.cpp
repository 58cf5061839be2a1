#include "center/availability/settings.hpp"

#include <algorithm>
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
