// Rules and groups of a cluster's configuration as the planner's rules.

#include <algorithm>
#include <unordered_map>

#include "center/drs/cluster_view.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

std::span<const Value> elements_of(const Value& list) {
    return list.kind() == vim::ValueKind::array ? list.elements() : std::span<const Value>{};
}

bool is_true(const Value& value) {
    return value && value.as_boolean();
}

class RuleReader {
public:
    RuleReader(ClusterView& view, const Value& config) : view_(view), config_(config) {
        for (std::size_t at = 0; at < view.machines.size(); ++at) {
            machines_[view.machines[at].id] = static_cast<plan::MachineIndex>(at);
        }
    }

    void read() {
        for (const Value& each : elements_of(config_.property("rule"))) {
            if (!is_true(each.property("enabled"))) continue;
            const std::size_t before = view_.snapshot.rules.size();
            add(each);
            const Value& key = each.property("key");
            for (std::size_t at = before; at < view_.snapshot.rules.size(); ++at) {
                view_.rule_keys.push_back(key ? static_cast<std::int32_t>(key.as_integer()) : 0);
            }
        }
    }

private:
    std::vector<plan::MachineIndex> machines_in(const Value& list) const {
        std::vector<plan::MachineIndex> found;
        for (const Value& each : elements_of(list)) {
            const auto known = machines_.find(std::string(each.moref_id()));
            if (known != machines_.end()) found.push_back(known->second);
        }
        return found;
    }

    const Value& group(const Value& name) const {
        static const Value none{};
        if (name.kind() != vim::ValueKind::string) return none;
        for (const Value& each : elements_of(config_.property("group"))) {
            if (each.property("name") == name) return each;
        }
        return none;
    }

    void add(const Value& info) {
        plan::Rule rule;
        const Value& name = info.property("name");
        rule.name = name ? std::string(name.as_string()) : std::string();
        if (vim::is_a(info.type(), TypeId::ClusterVmHostRuleInfo))
            return add_host_rules(info, rule);
        const bool apart = vim::is_a(info.type(), TypeId::ClusterAntiAffinityRuleSpec);
        if (!apart && !vim::is_a(info.type(), TypeId::ClusterAffinityRuleSpec)) return;
        rule.kind = apart ? plan::RuleKind::keep_apart : plan::RuleKind::keep_together;
        rule.machines = machines_in(info.property("vm"));
        if (rule.machines.size() >= 2) view_.snapshot.rules.push_back(std::move(rule));
    }

    void add_host_rules(const Value& info, plan::Rule rule) {
        const Value& machines = group(info.property("vmGroupName"));
        if (!machines) return;
        rule.machines = machines_in(machines.property("vm"));
        if (rule.machines.empty()) return;
        const bool must = is_true(info.property("mandatory"));
        const auto add = [&](std::string_view property, plan::RuleKind kind) {
            const Value& hosts = group(info.property(property));
            if (!hosts) return;
            plan::Rule made = rule;
            made.kind = kind;
            for (const Value& each : elements_of(hosts.property("host"))) {
                if (const auto at = view_.host(each.as_moref())) made.hosts.push_back(*at);
            }
            view_.snapshot.rules.push_back(std::move(made));
        };
        add("affineHostGroupName",
            must ? plan::RuleKind::must_run_on : plan::RuleKind::should_run_on);
        add("antiAffineHostGroupName",
            must ? plan::RuleKind::must_not_run_on : plan::RuleKind::should_not_run_on);
    }

    ClusterView& view_;
    const Value& config_;
    std::unordered_map<std::string, plan::MachineIndex> machines_;
};

}  // namespace

void add_rules(ClusterView& view, const Value& config) {
    if (config) RuleReader(view, config).read();
}

}  // namespace drover::center
