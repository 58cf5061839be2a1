// What a spec makes of a compute resource's configuration.

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "center/tree/cluster_config.hpp"
#include "center/tree/data.hpp"

namespace drover::center {

using vim::ArrayUpdateOperation;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

constexpr std::size_t kMostEntries = 10'000;

[[noreturn]] void refuse(const std::string& path, std::string_view reason) {
    throw vim::invalid_argument(path, fmt::format("{}: {}", path, reason));
}

// Options by key: what the spec names is set, an empty text removes it, the rest stays.
Value merged_options(const Value& current, const Value& spec) {
    std::vector<Value> options;
    if (current) options.assign(current.elements().begin(), current.elements().end());
    for (const Value& wanted : spec.elements()) {
        const auto key = wanted.property("key").as_string();
        std::erase_if(options, [key](const Value& option) {
            return option.property("key").as_string() == key;
        });
        const Value& value = wanted.property("value");
        const bool removes =
            !value || (value.kind() == ValueKind::string && value.as_string().empty());
        if (!removes) options.push_back(wanted);
    }
    if (options.size() > kMostEntries) refuse("spec.option", "has too many entries");
    return Value::array(TypeId::OptionValue, std::move(options));
}

// What the spec leaves open stays. Policies are wholes.
Value merged(const Value& current, const Value& spec) {
    if (spec.kind() == ValueKind::array && spec.type() == TypeId::OptionValue) {
        return merged_options(current, spec);
    }
    const bool is_whole = vim::is_a(spec.type(), TypeId::ClusterDasAdmissionControlPolicy);
    if (spec.kind() != ValueKind::object || !current || current.type() != spec.type() || is_whole) {
        return spec;
    }
    Value result = current;
    for (std::size_t i = 0; i < spec.slots().size(); ++i) {
        if (spec.slots()[i]) result.set_slot(i, merged(current.slots()[i], spec.slots()[i]));
    }
    return result;
}

bool same_key(const Value& left, const Value& right) {
    return left && right && left == right;
}

// A list of ArrayUpdateSpecs: which list it changes, and what tells its entries apart.
struct ListSpec {
    std::string_view spec;
    std::string_view list;
    std::string_view key;
    TypeId element;
};

constexpr ListSpec kLists[] = {
    {"groupSpec", "group", "name", TypeId::ClusterGroupInfo},
    {"rulesSpec", "rule", "key", TypeId::ClusterRuleInfo},
    {"dasVmConfigSpec", "dasVmConfig", "key", TypeId::ClusterDasVmConfigInfo},
    {"drsVmConfigSpec", "drsVmConfig", "key", TypeId::ClusterDrsVmConfigInfo},
    {"dpmHostConfigSpec", "dpmHostConfig", "key", TypeId::ClusterDpmHostConfigInfo},
    {"vmOrchestrationSpec", "vmOrchestration", "vm", TypeId::ClusterVmOrchestrationInfo},
};

using NewUuid = std::function<std::string()>;

void complete_rule(Value& info, const std::vector<Value>& others, const NewUuid& new_uuid) {
    std::int32_t next = 1;
    for (const Value& other : others) {
        next = std::max(next, static_cast<std::int32_t>(other.property("key").as_integer()) + 1);
    }
    set_property(info, "key", Value::int_(next));
    const auto fill = [&info](std::string_view name, Value value) {
        if (!info.property(name)) set_property(info, name, std::move(value));
    };
    fill("enabled", Value::boolean(true));
    fill("name", Value::string(fmt::format("rule-{}", next)));
    fill("mandatory", Value::boolean(false));
    fill("userCreated", Value::boolean(true));
    fill("inCompliance", Value::boolean(true));
    fill("ruleUuid", Value::string(new_uuid()));
    fill("status", vim::Convert<vim::ManagedEntityStatus>::to(vim::ManagedEntityStatus::green));
}

void require_new_name(const Value& info, const std::vector<Value>& others, const std::string& path,
                      const Value& except_key, std::string_view key) {
    const Value& name = info.property("name");
    for (const Value& other : others) {
        if (same_key(other.property(key), except_key)) continue;
        if (!same_key(other.property("name"), name)) continue;
        auto fault = vim::DuplicateName::make();
        fault.set_name(name.as_string());
        throw vim::Fault(fault,
                         fmt::format("{}.name: '{}' exists already.", path, name.as_string()));
    }
}

// A rule names what it is about.
void check_rule(const Value& info, const Value& config, const std::string& path) {
    const Value& machines = info.property("vm");
    const bool is_pairwise = vim::is_a(info.type(), TypeId::ClusterAffinityRuleSpec) ||
                             vim::is_a(info.type(), TypeId::ClusterAntiAffinityRuleSpec);
    if (is_pairwise && (!machines || machines.elements().size() < 2)) {
        refuse(path + ".vm", "a rule needs two machines or more");
    }
    for (const auto name : {"vmGroupName", "affineHostGroupName", "antiAffineHostGroupName",
                            "vmGroup", "dependsOnVmGroup"}) {
        const Value& group = info.property(name);
        if (group.kind() != ValueKind::string) continue;
        bool known = false;
        for (const Value each : vim::ArrayView<Value>(config.property("group"))) {
            known |= same_key(each.property("name"), group);
        }
        if (!known) refuse(fmt::format("{}.{}", path, name), "there is no such group");
    }
}

// Machines in the one kind of group, hosts in the other.
void check_group(const Value& info, const std::string& path) {
    const auto require = [&](std::string_view list, TypeId type) {
        for (const Value member : vim::ArrayView<Value>(info.property(list))) {
            if (member.as_moref().type != type) {
                refuse(fmt::format("{}.{}", path, list),
                       fmt::format("{} is no {}", member.moref_id(), vim::describe(type).name()));
            }
        }
    };
    if (vim::is_a(info.type(), TypeId::ClusterVmGroup)) require("vm", TypeId::VirtualMachine);
    if (vim::is_a(info.type(), TypeId::ClusterHostGroup)) require("host", TypeId::HostSystem);
}

void apply_entry(const ListSpec& how, const Value& config, std::vector<Value>& entries,
                 const Value& spec, const std::string& path, const NewUuid& new_uuid) {
    const auto operation = vim::Convert<ArrayUpdateOperation>::from(spec.property("operation"));
    const bool is_rule = how.element == TypeId::ClusterRuleInfo;
    const bool has_name = is_rule || how.element == TypeId::ClusterGroupInfo;
    Value info = spec.property("info");
    const bool removes = operation == ArrayUpdateOperation::remove;
    if (!removes && !info) refuse(path + ".info", "is missing");
    if (!removes && how.element == TypeId::ClusterGroupInfo) check_group(info, path + ".info");
    const Value& remove_key = spec.property("removeKey");
    const Value key = removes && remove_key ? remove_key : info ? info.property(how.key) : Value{};
    const auto known = std::ranges::find_if(
        entries, [&](const Value& entry) { return same_key(entry.property(how.key), key); });
    const std::string key_path =
        removes && remove_key ? path + ".removeKey" : fmt::format("{}.info.{}", path, how.key);
    if (operation == ArrayUpdateOperation::add) {
        if (is_rule) {
            complete_rule(info, entries, new_uuid);
        } else if (!key) {
            refuse(key_path, "is missing");
        } else if (!has_name && known != entries.end()) {
            refuse(key_path, "is there already");
        }
        if (has_name) require_new_name(info, entries, path + ".info", Value{}, how.key);
        if (how.element == TypeId::ClusterGroupInfo && !info.property("userCreated")) {
            set_property(info, "userCreated", Value::boolean(true));
        }
        if (is_rule) check_rule(info, config, path + ".info");
        if (entries.size() >= kMostEntries) refuse(path, "there are too many entries");
        entries.push_back(std::move(info));
        return;
    }
    if (known == entries.end()) refuse(key_path, "there is no such entry");
    if (removes) {
        entries.erase(known);
        return;
    }
    if (is_rule) {
        info = merged(*known, info);
        require_new_name(info, entries, path + ".info", key, how.key);
        check_rule(info, config, path + ".info");
    } else {
        info = merged(*known, info);
    }
    *known = std::move(info);
}

void apply_list(const ListSpec& how, Value& config, const Value& spec, const NewUuid& new_uuid) {
    const Value& changes = spec.property(how.spec);
    if (!changes) return;
    std::vector<Value> entries;
    if (const Value& current = config.property(how.list)) {
        entries.assign(current.elements().begin(), current.elements().end());
    }
    for (std::size_t i = 0; i < changes.elements().size(); ++i) {
        apply_entry(how, config, entries, changes.elements()[i],
                    fmt::format("spec.{}[{}]", how.spec, i), new_uuid);
    }
    set_property(config, how.list, Value::array(how.element, std::move(entries)));
}

void require_one_of(const Value& object, std::string_view name, const std::string& path,
                    std::span<const std::string_view> choices) {
    const Value& value = object ? object.property(name) : object;
    if (!value) return;
    if (std::ranges::find(choices, value.as_string()) == choices.end()) {
        refuse(fmt::format("{}.{}", path, name),
               fmt::format("must be one of {}", fmt::join(choices, ", ")));
    }
}

void require_range(const Value& object, std::string_view name, const std::string& path,
                   std::int64_t least, std::int64_t most) {
    const Value& value = object ? object.property(name) : object;
    if (!value) return;
    if (value.as_integer() < least || value.as_integer() > most) {
        refuse(fmt::format("{}.{}", path, name), fmt::format("must be {} to {}", least, most));
    }
}

void check_das(const Value& das) {
    constexpr std::string_view on_off[] = {"enabled", "disabled"};
    constexpr std::string_view monitoring[] = {"vmMonitoringDisabled", "vmMonitoringOnly",
                                               "vmAndAppMonitoring"};
    constexpr std::string_view priorities[] = {
        "disabled", "lowest", "low", "medium", "high", "highest", "clusterRestartPriority"};
    constexpr std::string_view responses[] = {"none", "powerOff", "shutdown",
                                              "clusterIsolationResponse"};
    constexpr std::string_view candidates[] = {"userSelectedDs", "allFeasibleDs",
                                               "allFeasibleDsWithUserPreference"};
    require_one_of(das, "hostMonitoring", "spec.dasConfig", on_off);
    require_one_of(das, "vmComponentProtecting", "spec.dasConfig", on_off);
    require_one_of(das, "vmMonitoring", "spec.dasConfig", monitoring);
    require_one_of(das, "hBDatastoreCandidatePolicy", "spec.dasConfig", candidates);
    require_range(das, "failoverLevel", "spec.dasConfig", 0, 31);
    const Value& settings = das.property("defaultVmSettings");
    const std::string path = "spec.dasConfig.defaultVmSettings";
    require_one_of(settings, "restartPriority", path, priorities);
    require_one_of(settings, "isolationResponse", path, responses);
    const Value tools = settings ? settings.property("vmToolsMonitoringSettings") : Value{};
    require_one_of(tools, "vmMonitoring", path + ".vmToolsMonitoringSettings", monitoring);
    const Value& policy = das.property("admissionControlPolicy");
    const std::string policy_path = "spec.dasConfig.admissionControlPolicy";
    if (policy) {
        require_range(policy, "failoverLevel", policy_path, 0, 31);
        require_range(policy, "cpuFailoverResourcesPercent", policy_path, 0, 100);
        require_range(policy, "memoryFailoverResourcesPercent", policy_path, 0, 100);
        require_range(policy, "resourceReductionToToleratePercent", policy_path, 0, 100);
    }
}

// The old property and the policy say the same.
void align_failover_level(Value& das, const Value& spec) {
    const Value& policy = das.property("admissionControlPolicy");
    if (!policy || !vim::is_a(policy.type(), TypeId::ClusterFailoverLevelAdmissionControlPolicy)) {
        return;
    }
    const bool by_policy = static_cast<bool>(spec.property("admissionControlPolicy"));
    if (by_policy) {
        set_property(das, "failoverLevel", policy.property("failoverLevel"));
    } else if (spec.property("failoverLevel")) {
        Value changed = policy;
        set_property(changed, "failoverLevel", spec.property("failoverLevel"));
        set_property(das, "admissionControlPolicy", std::move(changed));
    }
}

void apply_common(Value& config, const Value& spec) {
    constexpr std::string_view placements[] = {"vmDirectory", "hostLocal"};
    require_one_of(spec, "vmSwapPlacement", "spec", placements);
    for (const auto name : {"vmSwapPlacement", "spbmEnabled", "defaultHardwareVersionKey",
                            "maximumHardwareVersionKey"}) {
        if (spec.property(name)) set_property(config, name, spec.property(name));
    }
}

}  // namespace

vim::ClusterConfigInfoEx completed(const vim::ClusterConfigInfoEx& stored) {
    return vim::ClusterConfigInfoEx(merged(default_cluster_config().raw(), stored.raw()));
}

vim::ComputeResourceConfigInfo apply_compute_spec(vim::ComputeResourceConfigInfo config,
                                                  const vim::ComputeResourceConfigSpec& spec,
                                                  bool modify) {
    if (!spec) return config;
    if (spec.is<vim::ClusterConfigSpecEx>()) {
        throw vim::make_fault<vim::NotSupported>(
            "spec: the compute resource of a stand-alone host takes no cluster's configuration.");
    }
    Value changed = modify ? config.raw() : default_compute_config().raw();
    apply_common(changed, spec.raw());
    return vim::ComputeResourceConfigInfo(changed);
}

vim::ClusterConfigInfoEx apply_cluster_spec(vim::ClusterConfigInfoEx config,
                                            const vim::ComputeResourceConfigSpec& spec, bool modify,
                                            const NewUuid& new_uuid) {
    if (!spec) return config;
    Value changed = modify ? config.raw() : default_cluster_config().raw();
    const Value& wanted = spec.raw();
    apply_common(changed, wanted);
    if (!spec.is<vim::ClusterConfigSpecEx>()) return vim::ClusterConfigInfoEx(changed);
    constexpr std::pair<std::string_view, std::string_view> parts[] = {
        {"dasConfig", "dasConfig"},
        {"drsConfig", "drsConfig"},
        {"dpmConfig", "dpmConfigInfo"},
        {"orchestration", "orchestration"},
        {"infraUpdateHaConfig", "infraUpdateHaConfig"},
        {"proactiveDrsConfig", "proactiveDrsConfig"},
        {"cryptoConfig", "cryptoConfig"},
    };
    for (const auto& [from, to] : parts) {
        const Value& part = wanted.property(from);
        if (part) set_property(changed, to, merged(changed.property(to), part));
    }
    const Value& vsan = wanted.property("vsanConfig");
    if (vsan && vsan.property("enabled") && vsan.property("enabled").as_boolean()) {
        throw vim::make_fault<vim::NotSupported>("spec.vsanConfig: there is no vSAN here.");
    }
    if (wanted.property("dasConfig")) {
        check_das(wanted.property("dasConfig"));
        Value das = changed.property("dasConfig");
        align_failover_level(das, wanted.property("dasConfig"));
        set_property(changed, "dasConfig", std::move(das));
    }
    if (wanted.property("drsConfig")) {
        require_range(wanted.property("drsConfig"), "vmotionRate", "spec.drsConfig", 1, 5);
    }
    for (const ListSpec& how : kLists) apply_list(how, changed, wanted, new_uuid);
    return vim::ClusterConfigInfoEx(changed);
}

namespace {

// A list of references without those that are gone.
Value still_there(const Value& list, const std::function<bool(const vim::MoRef&)>& is_gone) {
    if (!list) return list;
    std::vector<Value> kept;
    for (const Value& each : list.elements()) {
        if (!is_gone(each.as_moref())) kept.push_back(each);
    }
    return kept.size() == list.elements().size() ? list : Value::array(list.type(), kept);
}

}  // namespace

vim::ClusterConfigInfoEx without(const vim::ClusterConfigInfoEx& config,
                                 const std::function<bool(const vim::MoRef&)>& is_gone) {
    Value result = config.raw();
    for (const ListSpec& how : kLists) {
        const Value current = result.property(how.list);
        if (!current) continue;
        std::vector<Value> kept;
        bool changed = false;
        for (const Value& entry : current.elements()) {
            const Value& key = entry.property(how.key);
            if (key.kind() == ValueKind::moref && is_gone(key.as_moref())) {
                changed = true;
                continue;
            }
            Value copy = entry;
            for (const auto name : {"vm", "host"}) {
                const Value& list = entry.property(name);
                if (list.kind() != ValueKind::array) continue;
                Value shorter = still_there(list, is_gone);
                if (shorter.same_content(list)) continue;
                set_property(copy, name, std::move(shorter));
                changed = true;
            }
            kept.push_back(std::move(copy));
        }
        if (changed) set_property(result, how.list, Value::array(how.element, std::move(kept)));
    }
    return vim::ClusterConfigInfoEx(result);
}

}  // namespace drover::center
