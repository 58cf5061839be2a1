#include "center/drs/policy.hpp"

#include <algorithm>
#include <charconv>

namespace drover::center {

namespace {

std::optional<int> number_of(const vim::Value& value) {
    if (!value) return std::nullopt;
    if (value.kind() == vim::ValueKind::int_ || value.kind() == vim::ValueKind::long_) {
        return static_cast<int>(std::clamp<std::int64_t>(value.as_integer(), 0, 100'000));
    }
    if (value.kind() != vim::ValueKind::string) return std::nullopt;
    const std::string_view text = value.as_string();
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

plan::Automation automation_of(vim::DrsBehavior behaviour) {
    switch (behaviour) {
        case vim::DrsBehavior::manual:
            return plan::Automation::manual;
        case vim::DrsBehavior::partiallyAutomated:
            return plan::Automation::partially_automated;
        case vim::DrsBehavior::fullyAutomated:
            break;
    }
    return plan::Automation::fully_automated;
}

std::optional<plan::Automation> DrsPolicy::automation_of(std::string_view machine) const {
    const auto own = overrides.find(machine);
    if (own == overrides.end()) return automation;
    if (!own->second.enabled) return std::nullopt;
    return own->second.automation;
}

plan::Movability DrsPolicy::movability_of(std::string_view machine) const {
    const auto wanted = automation_of(machine);
    if (!wanted) return plan::Movability::disabled;
    return *wanted == plan::Automation::fully_automated ? plan::Movability::automatic
                                                        : plan::Movability::recommend;
}

bool DrsPolicy::places(std::string_view machine) const {
    const auto wanted = automation_of(machine);
    return enabled && wanted && *wanted != plan::Automation::manual;
}

DrsPolicy drs_policy(const vim::Value& config) {
    DrsPolicy policy;
    if (!config) return policy;
    const vim::ClusterConfigInfoEx all(config);
    const auto drs = all.drsConfig();
    if (!drs) return policy;
    policy.enabled = drs.enabled().value_or(false);
    policy.automation =
        automation_of(drs.defaultVmBehavior().value_or(vim::DrsBehavior::fullyAutomated));
    policy.threshold = std::clamp(6 - drs.vmotionRate().value_or(3), 1, 5);
    for (const auto& option : drs.option()) {
        if (option.key() != kOvercommitOption) continue;
        if (const auto percent = number_of(option.value())) {
            policy.memory_overcommit = std::clamp(*percent, 100, 1000) / 100.0;
        }
    }
    if (!drs.enableVmBehaviorOverrides().value_or(true)) return policy;
    for (const auto& entry : all.drsVmConfig()) {
        DrsPolicy::Override own;
        own.enabled = entry.enabled().value_or(true);
        own.automation =
            entry.behavior() ? center::automation_of(*entry.behavior()) : policy.automation;
        policy.overrides[entry.key().id] = own;
    }
    return policy;
}

}  // namespace drover::center
