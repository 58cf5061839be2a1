#include "center/alarms/definition.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "center/alarms/figures.hpp"
#include "center/tree/names.hpp"
#include "service/history/event_catalog.hpp"
#include "vim/fault.hpp"

namespace drover::center {

using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kMostLeaves = 100;
constexpr int kDeepest = 10;
constexpr std::size_t kMostTextBytes = 4'096;

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
    throw vim::invalid_argument(path, fmt::format("{}: {}", path, reason));
}

std::string shortened(std::string_view text) {
    return std::string(text.substr(0, 100));
}

TypeId entity_type(std::string_view name, const std::string& path) {
    const TypeId type = entity_type_of(name);
    if (type == TypeId::none) {
        refuse(path, fmt::format("'{}' is no type of managed entities", shortened(name)));
    }
    return type;
}

// The type at the end of a path, as far as it can be told: none where only the object says it.
TypeId end_of(TypeId at, std::string_view path) {
    while (!path.empty()) {
        const auto end = path.find('.');
        const std::string_view name = path.substr(0, end);
        path = end == std::string_view::npos ? std::string_view{} : path.substr(end + 1);
        const auto index = vim::describe(at).find_property(name);
        if (!index) return TypeId::none;
        at = vim::describe(at).properties()[*index].type();
    }
    return at;
}

StateLeaf state_leaf(const vim::StateAlarmExpression& spec, const std::string& path) {
    const TypeId type = entity_type(spec.type(), path + ".type");
    const auto parse = [&] {
        try {
            return model::PropertyPath::parse(type, spec.statePath(), vim::newest_release());
        } catch (const vim::Fault&) {
            refuse(path + ".statePath", fmt::format("a {} has no property '{}'", spec.type(),
                                                    shortened(spec.statePath())));
        }
    };
    // What follows from alarms would never end.
    const std::string_view wanted = spec.statePath();
    if (wanted.ends_with("overallStatus") || wanted.contains("AlarmState")) {
        refuse(path + ".statePath", fmt::format("'{}' follows from alarms itself", wanted));
    }
    StateLeaf leaf{type, parse(), spec.operator_() == vim::StateAlarmOperator::isEqual, {}, {}};
    const TypeId end = end_of(type, spec.statePath());
    const auto operand = [&](const auto& given, const char* name) -> std::optional<std::string> {
        if (!given) return std::nullopt;
        const std::string text(*given);
        const auto& descriptor = vim::describe(end);
        const bool is_possible = descriptor.kind == vim::TypeKind::enumeration
                                     ? descriptor.find_value(text).has_value()
                                 : end == TypeId::boolean ? text == "true" || text == "false"
                                                          : text.size() <= kMostTextBytes;
        if (!is_possible) {
            refuse(path + "." + name,
                   fmt::format("{} can't be '{}'", spec.statePath(), shortened(text)));
        }
        return text;
    };
    leaf.yellow = operand(spec.yellow(), "yellow");
    leaf.red = operand(spec.red(), "red");
    if (!leaf.yellow && !leaf.red) refuse(path + ".red", "neither yellow nor red is given");
    return leaf;
}

MetricLeaf metric_leaf(const vim::MetricAlarmExpression& spec, const std::string& path) {
    MetricLeaf leaf;
    leaf.type = entity_type(spec.type(), path + ".type");
    leaf.counter = spec.metric().counterId();
    leaf.is_above = spec.operator_() == vim::MetricAlarmOperator::isAbove;
    if (!has_figure(leaf.type, leaf.counter)) {
        refuse(path + ".metric.counterId",
               fmt::format("there is no counter {} of a {} that alarms can watch", leaf.counter,
                           spec.type()));
    }
    if (!spec.metric().instance().empty()) {
        refuse(path + ".metric.instance", "alarms watch entities as a whole: \"\"");
    }
    const auto limit = [&](const auto& value, const auto& interval,
                           const char* name) -> std::optional<Limit> {
        if (interval && *interval < 0) refuse(path + "." + name + "Interval", "is below 0");
        if (!value) return std::nullopt;
        return Limit{*value, std::chrono::seconds{interval.value_or(0)}};
    };
    leaf.yellow = limit(spec.yellow(), spec.yellowInterval(), "yellow");
    leaf.red = limit(spec.red(), spec.redInterval(), "red");
    if (!leaf.yellow && !leaf.red) refuse(path + ".red", "neither yellow nor red is given");
    return leaf;
}

// pyVmomi and others write "vim.event.VmPoweredOnEvent".
TypeId event_type(std::string_view name, const std::string& path) {
    const TypeId type = service::event_type_of(name);
    if (type == TypeId::none) {
        refuse(path, fmt::format("there are no events '{}'", shortened(name)));
    }
    if (vim::is_a(type, TypeId::AlarmEvent)) {
        refuse(path, "events of alarms trigger no alarms");
    }
    return type;
}

EventLeaf event_leaf(const vim::EventAlarmExpression& spec, const std::string& path) {
    EventLeaf leaf;
    const std::string_view id = spec.eventTypeId().value_or("");
    if (spec.eventType().empty() && id.empty()) {
        refuse(path + ".eventType", "neither eventType nor eventTypeId is given");
    }
    if (id.size() > kMostTextBytes) refuse(path + ".eventTypeId", "is too long");
    leaf.event_id = id;
    if (!spec.eventType().empty()) leaf.event = event_type(spec.eventType(), path + ".eventType");
    const std::string_view object = spec.objectType().value_or("");
    if (!object.empty()) leaf.object = entity_type(object, path + ".objectType");
    leaf.status = spec.status();
    std::size_t number = 0;
    for (const auto& given : spec.comparisons()) {
        const std::string at = fmt::format("{}.comparisons[{}]", path, number++);
        if (number > kMostLeaves) refuse(path + ".comparisons", "there are too many");
        const auto how =
            vim::parse_enum<vim::EventAlarmExpressionComparisonOperator>(given.operator_());
        if (!how) {
            refuse(at + ".operator",
                   fmt::format("there is no operator '{}'", shortened(given.operator_())));
        }
        if (given.attributeName().empty() || given.attributeName().size() > kMostTextBytes) {
            refuse(at + ".attributeName", "is empty or too long");
        }
        if (given.value().size() > kMostTextBytes) refuse(at + ".value", "is too long");
        leaf.comparisons.push_back(
            {std::string(given.attributeName()), *how, std::string(given.value())});
    }
    return leaf;
}

struct Reading {
    std::size_t leaves = 0;
    int depth = 0;

    Condition read(const vim::AlarmExpression& expression, const std::string& path) {
        if (++depth > kDeepest) refuse(path, "expressions are nested too deeply");
        Condition made;
        if (const auto all = expression.as<vim::AndAlarmExpression>()) {
            made.kind = Condition::Kind::all;
            made.parts = parts_of(all.expression(), path);
        } else if (const auto any = expression.as<vim::OrAlarmExpression>()) {
            made.kind = Condition::Kind::any;
            made.parts = parts_of(any.expression(), path);
        } else {
            read_leaf(expression, path, made);
        }
        --depth;
        return made;
    }

private:
    template <class Expressions>
    std::vector<Condition> parts_of(const Expressions& expressions, const std::string& path) {
        std::vector<Condition> parts;
        for (const auto& each : expressions) {
            parts.push_back(read(each, fmt::format("{}.expression[{}]", path, parts.size())));
        }
        if (parts.empty()) refuse(path + ".expression", "is empty");
        return parts;
    }

    void read_leaf(const vim::AlarmExpression& expression, const std::string& path,
                   Condition& made) {
        made.leaf = leaves++;
        if (leaves > kMostLeaves) refuse("spec.expression", "has too many parts");
        if (const auto state = expression.as<vim::StateAlarmExpression>()) {
            made.kind = Condition::Kind::state;
            made.state = state_leaf(state, path);
        } else if (const auto metric = expression.as<vim::MetricAlarmExpression>()) {
            made.kind = Condition::Kind::metric;
            made.metric = metric_leaf(metric, path);
        } else if (const auto event = expression.as<vim::EventAlarmExpression>()) {
            made.kind = Condition::Kind::event;
            made.event = event_leaf(event, path);
        } else {
            refuse(path, "is no expression that can be true or false");
        }
    }
};

}  // namespace

TypeId entity_type_of(std::string_view name) {
    constexpr std::string_view kPrefix = "vim.";
    if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
    const TypeId type = vim::find_type(name);
    return type != TypeId::none && vim::is_a(type, TypeId::ManagedEntity) ? type : TypeId::none;
}

void check_alarm_name(std::string_view name) {
    static_cast<void>(checked_name(name, "spec.name"));
}

Definition definition_of(const vim::AlarmSpec& spec) {
    Definition made;
    if (spec.description().size() > kMostTextBytes) refuse("spec.description", "is too long");
    if (spec.systemName().value_or("").size() > kMostTextBytes) {
        refuse("spec.systemName", "is too long");
    }
    made.condition = Reading{}.read(spec.expression(), "spec.expression");
    if (spec.action()) refuse("spec.action", "alarms of this center carry out no actions");
    if (spec.actionFrequency().value_or(0) < 0) refuse("spec.actionFrequency", "is below 0");
    if (const auto setting = spec.setting()) {
        made.tolerance = setting.toleranceRange();
        if (made.tolerance < 0) refuse("spec.setting.toleranceRange", "is below 0");
        if (setting.reportingFrequency() < 0) {
            refuse("spec.setting.reportingFrequency", "is below 0");
        }
        made.reporting_interval = std::chrono::seconds{setting.reportingFrequency()};
    }
    return made;
}

std::vector<TypeId> types_of(const Condition& condition) {
    std::vector<TypeId> types;
    bool is_open = false;
    for_each_leaf(condition, [&](const Condition& leaf) {
        const TypeId type = leaf.state    ? leaf.state->type
                            : leaf.metric ? leaf.metric->type
                                          : leaf.event->object;
        if (type == TypeId::none) {
            is_open = true;
        } else if (std::ranges::find(types, type) == types.end()) {
            types.push_back(type);
        }
    });
    return is_open ? std::vector<TypeId>{} : types;
}

}  // namespace drover::center
