#include "center/alarms/condition.hpp"

#include <algorithm>
#include <cstdlib>

namespace drover::center {

using vim::EventAlarmExpressionComparisonOperator;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

constexpr std::int64_t kWhole = 10'000;  // hundredths of a percent

void look_again_at(std::optional<base::SteadyTime>& soonest, base::SteadyTime time) {
    soonest = soonest ? std::min(*soonest, time) : time;
}

std::int64_t band_of(const Limit& limit, const Figure& figure, std::int32_t tolerance) {
    if (figure.is_percentage) return tolerance;
    return std::abs(limit.value) * tolerance / kWhole;  // both have 32 bits at most
}

void look(const std::optional<Limit>& limit, bool is_above, const Figure& figure,
          std::int32_t tolerance, base::SteadyTime now, LeafMemory::Level& level,
          std::optional<base::SteadyTime>& soonest) {
    if (!limit || figure.kind == Figure::Kind::none) {
        level = {};
        return;
    }
    if (figure.kind == Figure::Kind::unknown) {
        level.since.reset();
        return;
    }
    const std::int64_t band = band_of(*limit, figure, tolerance);
    const std::int64_t value = figure.value;
    if (level.passed) {
        const bool is_back = is_above ? value <= limit->value - band : value >= limit->value + band;
        if (is_back) level = {};
        return;
    }
    const bool is_beyond = is_above ? value > limit->value + band : value < limit->value - band;
    if (!is_beyond) {
        level = {};
        return;
    }
    if (!level.since) level.since = now;
    if (now - *level.since >= limit->interval) {
        level = {true, std::nullopt};
    } else {
        look_again_at(soonest, *level.since + limit->interval);
    }
}

Status status_of(const MetricLeaf& leaf, const Facts& facts, std::int32_t tolerance,
                 base::SteadyTime now, LeafMemory& memory,
                 std::optional<base::SteadyTime>& soonest) {
    const Figure figure = facts.figure(leaf.counter);
    look(leaf.yellow, leaf.is_above, figure, tolerance, now, memory.yellow, soonest);
    look(leaf.red, leaf.is_above, figure, tolerance, now, memory.red, soonest);
    if (memory.red.passed) return Status::red;
    if (memory.yellow.passed) return Status::yellow;
    return figure.kind == Figure::Kind::value ? Status::green : Status::gray;
}

Status status_of(const StateLeaf& leaf, const Facts& facts) {
    const auto text = text_of(facts.state(leaf.path));
    if (!text) return Status::gray;
    const auto fits = [&](const std::optional<std::string>& operand) {
        return operand && (*operand == *text) == leaf.is_equal;
    };
    if (fits(leaf.red)) return Status::red;
    return fits(leaf.yellow) ? Status::yellow : Status::green;
}

Status look_at(const Condition& condition, const Facts& facts, std::int32_t tolerance,
               base::SteadyTime now, Memory& memory, std::optional<base::SteadyTime>& soonest) {
    switch (condition.kind) {
        case Condition::Kind::state:
            return vim::is_a(facts.type(), condition.state->type)
                       ? status_of(*condition.state, facts)
                       : Status::gray;
        case Condition::Kind::metric:
            if (!vim::is_a(facts.type(), condition.metric->type)) return Status::gray;
            return status_of(*condition.metric, facts, tolerance, now, memory[condition.leaf],
                             soonest);
        case Condition::Kind::event:
            return memory[condition.leaf].event.value_or(Status::green);
        case Condition::Kind::all:
        case Condition::Kind::any:
            break;
    }
    // Each part is looked at, for each remembers something.
    std::optional<Status> found;
    for (const Condition& part : condition.parts) {
        const Status status = look_at(part, facts, tolerance, now, memory, soonest);
        if (!found) {
            found = status;
        } else {
            found = condition.kind == Condition::Kind::all ? std::min(*found, status)
                                                           : std::max(*found, status);
        }
    }
    return found.value_or(Status::gray);
}

// "vm.name" of an event.
Value attribute_of(const vim::Event& event, std::string_view path) {
    Value at = event.raw();
    while (!path.empty()) {
        if (at.kind() != ValueKind::object) return {};
        const auto end = path.find('.');
        at = Value(at.property(path.substr(0, end)));
        path = end == std::string_view::npos ? std::string_view{} : path.substr(end + 1);
    }
    // An argument is known by its name.
    if (at.kind() == ValueKind::object) at = Value(at.property("name"));
    return at;
}

bool holds(const Comparison& comparison, const vim::Event& event) {
    const std::string text = text_of(attribute_of(event, comparison.attribute)).value_or("");
    switch (comparison.how) {
        case EventAlarmExpressionComparisonOperator::equals:
            return text == comparison.value;
        case EventAlarmExpressionComparisonOperator::notEqualTo:
            return text != comparison.value;
        case EventAlarmExpressionComparisonOperator::startsWith:
            return text.starts_with(comparison.value);
        case EventAlarmExpressionComparisonOperator::doesNotStartWith:
            return !text.starts_with(comparison.value);
        case EventAlarmExpressionComparisonOperator::endsWith:
            return text.ends_with(comparison.value);
        case EventAlarmExpressionComparisonOperator::doesNotEndWith:
            return !text.ends_with(comparison.value);
    }
    return false;
}

void forget_events(const Condition& condition, Memory& memory) {
    for_each_leaf(condition, [&memory](const Condition& leaf) { memory[leaf.leaf].event = {}; });
}

}  // namespace

Outcome evaluate(const Condition& condition, const Facts& facts, std::int32_t tolerance,
                 base::SteadyTime now, Memory& memory) {
    Outcome outcome;
    outcome.status = look_at(condition, facts, tolerance, now, memory, outcome.look_again);
    return outcome;
}

std::size_t leaf_count(const Condition& condition) {
    std::size_t count = 0;
    for_each_leaf(condition, [&count](const Condition&) { ++count; });
    return count;
}

bool has_events(const Condition& condition) {
    bool found = false;
    for_each_leaf(condition, [&found](const Condition& leaf) { found |= leaf.event.has_value(); });
    return found;
}

bool has_facts(const Condition& condition) {
    bool found = false;
    for_each_leaf(condition, [&found](const Condition& leaf) { found |= !leaf.event.has_value(); });
    return found;
}

bool matches(const EventLeaf& leaf, const vim::Event& event) {
    const TypeId type = event.dynamic_type();
    // What alarms say of themselves triggers none.
    if (!vim::is_a(type, leaf.event) || vim::is_a(type, TypeId::AlarmEvent)) return false;
    if (!leaf.event_id.empty()) {
        const Value& id = event.raw().property("eventTypeId");
        const std::string_view known =
            id.kind() == ValueKind::string ? id.as_string() : vim::describe(type).name();
        if (known != leaf.event_id) return false;
    }
    return std::ranges::all_of(leaf.comparisons, [&event](const Comparison& comparison) {
        return holds(comparison, event);
    });
}

bool take_event(const Condition& condition, const vim::Event& event, TypeId about, bool is_main,
                Memory& memory) {
    if (condition.event) {
        const EventLeaf& leaf = *condition.event;
        if (!leaf.status || !matches(leaf, event)) return false;
        const bool is_its = leaf.object == TypeId::none ? is_main : vim::is_a(about, leaf.object);
        if (!is_its) return false;
        memory[condition.leaf].event = leaf.status;
        return true;
    }
    bool taken = false;
    for (std::size_t i = 0; i < condition.parts.size(); ++i) {
        if (!take_event(condition.parts[i], event, about, is_main, memory)) continue;
        taken = true;
        if (condition.kind != Condition::Kind::any) continue;
        for (std::size_t other = 0; other < condition.parts.size(); ++other) {
            if (other != i) forget_events(condition.parts[other], memory);
        }
        break;
    }
    return taken;
}

std::optional<std::string> text_of(const Value& value) {
    switch (value.kind()) {
        case ValueKind::string:
        case ValueKind::enumeration:
            return std::string(value.as_string());
        case ValueKind::boolean:
            return value.as_boolean() ? "true" : "false";
        case ValueKind::byte_:
        case ValueKind::short_:
        case ValueKind::int_:
        case ValueKind::long_:
            return std::to_string(value.as_integer());
        case ValueKind::moref:
            return std::string(value.moref_id());
        default:
            return std::nullopt;
    }
}

}  // namespace drover::center
