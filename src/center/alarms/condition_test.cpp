#include "center/alarms/condition.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

namespace drover::center {
namespace {

using namespace std::chrono_literals;
using vim::TypeId;
using Comparing = vim::EventAlarmExpressionComparisonOperator;

constexpr std::int32_t kCounter = 2;

struct Given final : Facts {
    TypeId what = TypeId::VirtualMachine;
    std::map<std::string, vim::Value> states;
    Figure said;

    TypeId type() const override { return what; }
    vim::Value state(const model::PropertyPath& path) const override {
        const auto known = states.find(path.text());
        return known == states.end() ? vim::Value{} : known->second;
    }
    Figure figure(std::int32_t counter) const override {
        return counter == kCounter ? said : Figure{};
    }
};

Figure value(std::int64_t number) {
    return {Figure::Kind::value, number, true};
}

Condition power_is(const std::string& red, std::optional<std::string> yellow = {},
                   bool is_equal = true) {
    Condition made;
    made.kind = Condition::Kind::state;
    made.state = StateLeaf{TypeId::VirtualMachine,
                           model::PropertyPath::parse(TypeId::VirtualMachine, "runtime.powerState",
                                                      vim::newest_release()),
                           is_equal, std::move(yellow), red};
    return made;
}

Condition metric(std::optional<Limit> yellow, std::optional<Limit> red, bool is_above = true) {
    Condition made;
    made.kind = Condition::Kind::metric;
    made.metric = MetricLeaf{TypeId::VirtualMachine, kCounter, is_above, yellow, red};
    return made;
}

Condition happened(TypeId event, std::optional<Status> status, TypeId object = TypeId::none) {
    Condition made;
    made.kind = Condition::Kind::event;
    made.event = EventLeaf{event, {}, object, {}, status};
    return made;
}

Condition several(Condition::Kind kind, std::vector<Condition> parts) {
    Condition made;
    made.kind = kind;
    std::size_t leaf = 0;
    for (Condition& part : parts) {
        if (part.parts.empty()) part.leaf = leaf++;
        for (Condition& inner : part.parts) inner.leaf = leaf++;
    }
    made.parts = std::move(parts);
    return made;
}

struct Watch {
    explicit Watch(Condition looked_at, std::int32_t with_tolerance = 0, Given given = {})
        : condition(std::move(looked_at)), tolerance(with_tolerance), facts(std::move(given)) {}

    Condition condition;
    std::int32_t tolerance;
    Given facts;
    Memory memory = Memory(leaf_count(condition));
    base::SteadyTime now{};
    std::optional<base::SteadyTime> again;

    Status look(std::chrono::nanoseconds later = 0s) {
        now += later;
        const Outcome outcome = evaluate(condition, facts, tolerance, now, memory);
        again = outcome.look_again;
        return outcome.status;
    }
    Status at(std::int64_t number, std::chrono::nanoseconds later = 0s) {
        facts.said = value(number);
        return look(later);
    }
};

TEST(Condition, StatesAreComparedWithBothOperands) {
    Watch watch{power_is("poweredOff", "suspended")};
    EXPECT_EQ(watch.look(), Status::gray);  // not known
    watch.facts.states["runtime.powerState"] = vim::Value::string("poweredOn");
    EXPECT_EQ(watch.look(), Status::green);
    watch.facts.states["runtime.powerState"] = vim::Value::string("suspended");
    EXPECT_EQ(watch.look(), Status::yellow);
    watch.facts.states["runtime.powerState"] = vim::Value::string("poweredOff");
    EXPECT_EQ(watch.look(), Status::red);
    watch.facts.what = TypeId::HostSystem;  // another kind of entity
    EXPECT_EQ(watch.look(), Status::gray);

    Watch unequal{power_is("poweredOn", {}, false)};
    unequal.facts.states["runtime.powerState"] = vim::Value::string("poweredOn");
    EXPECT_EQ(unequal.look(), Status::green);
    unequal.facts.states["runtime.powerState"] = vim::Value::string("poweredOff");
    EXPECT_EQ(unequal.look(), Status::red);
}

TEST(Condition, AFigureMustStayBeyondItsLimitForTheInterval) {
    Watch watch{metric(Limit{7'500, 60s}, Limit{9'000, 120s})};
    EXPECT_EQ(watch.look(), Status::gray);
    EXPECT_EQ(watch.at(7'500), Status::green);  // not above
    EXPECT_EQ(watch.at(9'500), Status::green);
    EXPECT_EQ(watch.again, watch.now + 60s);
    EXPECT_EQ(watch.look(59s), Status::green);
    EXPECT_EQ(watch.look(1s), Status::yellow);
    EXPECT_EQ(watch.again, watch.now + 60s);
    EXPECT_EQ(watch.look(60s), Status::red);
    EXPECT_EQ(watch.again, std::nullopt);
    EXPECT_EQ(watch.at(9'000), Status::yellow);
    EXPECT_EQ(watch.at(7'000), Status::green);
    // A moment below begins the count anew.
    EXPECT_EQ(watch.at(8'000), Status::green);
    EXPECT_EQ(watch.at(7'000, 59s), Status::green);
    EXPECT_EQ(watch.at(8'000, 1s), Status::green);
    EXPECT_EQ(watch.look(59s), Status::green);
}

TEST(Condition, WhatIsNotKnownNowStaysAndWhatIsNotThereGoes) {
    Watch watch{metric({}, Limit{9'000, 0s})};
    EXPECT_EQ(watch.at(9'001), Status::red);
    watch.facts.said.kind = Figure::Kind::unknown;
    EXPECT_EQ(watch.look(1h), Status::red);
    watch.facts.said.kind = Figure::Kind::none;
    EXPECT_EQ(watch.look(), Status::gray);
}

TEST(Condition, AToleranceIsABandAroundTheLimit) {
    Watch percent{metric({}, Limit{8'000, 0s}), 500};
    EXPECT_EQ(percent.at(8'500), Status::green);
    EXPECT_EQ(percent.at(8'501), Status::red);
    EXPECT_EQ(percent.at(7'501), Status::red);
    EXPECT_EQ(percent.at(7'500), Status::green);

    Watch below{metric({}, Limit{2'000, 0s}, false), 500};
    EXPECT_EQ(below.at(1'500), Status::green);
    EXPECT_EQ(below.at(1'499), Status::red);
    EXPECT_EQ(below.at(2'499), Status::red);
    EXPECT_EQ(below.at(2'500), Status::green);

    // Of other figures it is so much of the limit: five percent.
    Watch amount{metric({}, Limit{2'000, 0s}), 500};
    amount.facts.said = {Figure::Kind::value, 2'100, false};
    EXPECT_EQ(amount.look(), Status::green);
    amount.facts.said.value = 2'101;
    EXPECT_EQ(amount.look(), Status::red);
    amount.facts.said.value = 1'900;
    EXPECT_EQ(amount.look(), Status::green);
}

vim::Event power_on(const std::string& name = "web") {
    auto machine = vim::VmEventArgument::make();
    machine.set_vm({TypeId::VirtualMachine, "vm-1"});
    machine.set_name(name);
    auto event = vim::VmPoweredOnEvent::make();
    event.set_vm(machine);
    return event;
}

TEST(Condition, AnEventHoldsUntilAnotherOneOfTheSameAlarm) {
    Watch watch{several(Condition::Kind::any,
                        {happened(TypeId::VmPoweredOnEvent, Status::red),
                         happened(TypeId::VmPoweredOffEvent, Status::green),
                         happened(TypeId::VmEvent, Status::yellow, TypeId::VirtualMachine)})};
    const auto take = [&](const vim::Event& event, bool is_main = true) {
        return take_event(watch.condition, event, TypeId::VirtualMachine, is_main, watch.memory);
    };
    EXPECT_EQ(watch.look(), Status::green);
    EXPECT_TRUE(take(power_on()));
    EXPECT_EQ(watch.look(1h), Status::red);
    EXPECT_TRUE(take(vim::VmSuspendedEvent::make()));  // a subtype
    EXPECT_EQ(watch.look(), Status::yellow);
    EXPECT_TRUE(take(vim::VmPoweredOffEvent::make()));
    EXPECT_EQ(watch.look(), Status::green);
    EXPECT_FALSE(take(vim::EnteredMaintenanceModeEvent::make()));
    // It is about another thing in the first place, but about a machine as well.
    EXPECT_TRUE(take(power_on(), false));
    EXPECT_EQ(watch.look(), Status::yellow);
    EXPECT_FALSE(take_event(watch.condition, power_on(), TypeId::HostSystem, false, watch.memory));
}

TEST(Condition, AllOfSeveralEventsMustHaveHappened) {
    Watch watch{
        several(Condition::Kind::all, {happened(TypeId::VmPoweredOnEvent, Status::red),
                                       happened(TypeId::VmReconfiguredEvent, Status::yellow)})};
    take_event(watch.condition, power_on(), TypeId::VirtualMachine, true, watch.memory);
    EXPECT_EQ(watch.look(), Status::green);
    take_event(watch.condition, vim::VmReconfiguredEvent::make(), TypeId::VirtualMachine, true,
               watch.memory);
    EXPECT_EQ(watch.look(), Status::yellow);
}

TEST(Condition, EventsAreKnownByTypeIdAndAttributes) {
    EventLeaf leaf;
    leaf.event = TypeId::EventEx;
    leaf.event_id = "my.alarm.failure";
    auto event = vim::EventEx::make();
    event.set_eventTypeId("my.alarm.failure");
    EXPECT_TRUE(matches(leaf, event));
    event.set_eventTypeId("my.alarm");
    EXPECT_FALSE(matches(leaf, event));
    leaf = {};
    leaf.event_id = "VmPoweredOnEvent";
    EXPECT_TRUE(matches(leaf, power_on()));
    EXPECT_FALSE(matches(leaf, vim::VmPoweredOffEvent::make()));
    leaf = {};
    EXPECT_FALSE(matches(leaf, vim::AlarmCreatedEvent::make()));  // never of themselves

    const auto holds = [](Comparing how, const std::string& text,
                          const std::string& attribute = "vm.name") {
        EventLeaf compared;
        compared.comparisons.push_back({attribute, how, text});
        return matches(compared, power_on("web-1"));
    };
    EXPECT_TRUE(holds(Comparing::equals, "web-1"));
    EXPECT_TRUE(holds(Comparing::equals, "web-1", "vm"));
    EXPECT_FALSE(holds(Comparing::equals, "web"));
    EXPECT_TRUE(holds(Comparing::notEqualTo, "web"));
    EXPECT_TRUE(holds(Comparing::startsWith, "web"));
    EXPECT_FALSE(holds(Comparing::doesNotStartWith, "web"));
    EXPECT_TRUE(holds(Comparing::endsWith, "-1"));
    EXPECT_FALSE(holds(Comparing::doesNotEndWith, "-1"));
    EXPECT_FALSE(holds(Comparing::equals, "web-1", "no.such.attribute"));
}

// What was asked for in words, without memory: looks at all samples again and again.
Status by_definition(const std::vector<std::pair<std::chrono::seconds, std::int64_t>>& samples,
                     const Limit& limit) {
    std::optional<std::chrono::seconds> since;
    bool passed = false;
    for (const auto& [time, number] : samples) {
        if (number <= limit.value) {
            since.reset();
            passed = false;
            continue;
        }
        if (!since) since = time;
        passed |= time - *since >= limit.interval;
    }
    return passed ? Status::red : Status::green;
}

RC_GTEST_PROP(ConditionProperties, AFigureTriggersExactlyAsTheDefinitionSays, ()) {
    const Limit limit{*rc::gen::inRange<std::int64_t>(0, 10),
                      std::chrono::seconds{*rc::gen::inRange(0, 100)}};
    Watch watch{metric({}, limit)};
    std::vector<std::pair<std::chrono::seconds, std::int64_t>> samples;
    std::chrono::seconds time{0};
    for (int i = *rc::gen::inRange(1, 30); i > 0; --i) {
        const std::chrono::seconds step{*rc::gen::inRange(0, 60)};
        time += step;
        samples.emplace_back(time, *rc::gen::inRange<std::int64_t>(0, 10));
        RC_ASSERT(watch.at(samples.back().second, step) == by_definition(samples, limit));
        // An appointment is kept: looking then, and not before, makes a difference.
        if (!watch.again) continue;
        RC_ASSERT(*watch.again > watch.now);
        Watch later = watch;
        RC_ASSERT(later.look(*watch.again - watch.now - 1ns) == Status::green);
        RC_ASSERT(later.look(1ns) == Status::red);
    }
}

RC_GTEST_PROP(ConditionProperties, AllIsItsBestPartAndAnyItsWorst, ()) {
    std::vector<Condition> parts;
    std::vector<Status> alone;
    Given facts;
    facts.said = value(*rc::gen::inRange<std::int64_t>(0, 10));
    for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
        const auto limit = [] {
            return *rc::gen::arbitrary<bool>()
                       ? std::optional(Limit{*rc::gen::inRange<std::int64_t>(0, 10), 0s})
                       : std::nullopt;
        };
        parts.push_back(metric(limit(), limit(), *rc::gen::arbitrary<bool>()));
        if (*rc::gen::arbitrary<bool>()) parts.back().metric->type = TypeId::HostSystem;
        alone.push_back(Watch{parts.back(), 0, facts}.look());
    }
    RC_ASSERT((Watch{several(Condition::Kind::all, parts), 0, facts}.look()) ==
              std::ranges::min(alone));
    RC_ASSERT((Watch{several(Condition::Kind::any, parts), 0, facts}.look()) ==
              std::ranges::max(alone));
}

RC_GTEST_PROP(ConditionProperties, WithinTheBandNothingChanges, ()) {
    const auto tolerance = *rc::gen::inRange(1, 100);
    const bool is_above = *rc::gen::arbitrary<bool>();
    Watch watch{metric({}, Limit{1'000, 0s}, is_above), tolerance, {}};
    Status before = watch.at(*rc::gen::inRange<std::int64_t>(800, 1'200));
    for (int i = 0; i < 20; ++i) {
        const std::int64_t number = *rc::gen::inRange<std::int64_t>(800, 1'200);
        const Status status = watch.at(number);
        if (std::abs(number - 1'000) < tolerance) RC_ASSERT(status == before);
        if (std::abs(number - 1'000) > tolerance) {
            RC_ASSERT(status == ((number > 1'000) == is_above ? Status::red : Status::green));
        }
        before = status;
    }
}

}  // namespace
}  // namespace drover::center
