#pragma once

// What an alarm looks at, and the status that follows. Pure: facts and time come in, a status goes
// out; what has to be remembered of an entity from one look to the next is in the caller's hands.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "model/property_path.hpp"
#include "vim/alarms_types.hpp"
#include "vim/history_types.hpp"

namespace drover::center {

using Status = vim::ManagedEntityStatus;  // gray < green < yellow < red

/// A property has (or has not) one of two values.
struct StateLeaf {
    vim::TypeId type;
    model::PropertyPath path;
    bool is_equal = true;
    std::optional<std::string> yellow;
    std::optional<std::string> red;
};

/// A limit that was passed for so long.
struct Limit {
    std::int64_t value = 0;
    std::chrono::seconds interval{0};
};

/// A counter is above (or below) a limit. `tolerance` makes a band around each limit: it counts as
/// passed beyond the band, and as not passed any more on its other side.
struct MetricLeaf {
    vim::TypeId type;
    std::int32_t counter = 0;
    bool is_above = true;
    std::optional<Limit> yellow;
    std::optional<Limit> red;
};

/// One attribute of an event compared with a text.
struct Comparison {
    std::string attribute;  ///< "vm.name"
    vim::EventAlarmExpressionComparisonOperator how;
    std::string value;
};

/// An event happened. It holds until another event of the same alarm, or a user, says otherwise.
struct EventLeaf {
    vim::TypeId event = vim::TypeId::Event;
    std::string event_id;                    ///< of EventEx and ExtendedEvent; empty: any
    vim::TypeId object = vim::TypeId::none;  ///< none: what the event itself is about
    std::vector<Comparison> comparisons;
    std::optional<Status> status;  ///< none: changes nothing
};

/// An expression. Leaves are numbered in the order in which they stand.
struct Condition {
    enum class Kind : std::uint8_t { all, any, state, metric, event };

    Kind kind = Kind::any;
    std::vector<Condition> parts;  // of all and any
    std::size_t leaf = 0;          // the number of a leaf
    std::optional<StateLeaf> state;
    std::optional<MetricLeaf> metric;
    std::optional<EventLeaf> event;
};

/// What is remembered of one leaf for one entity.
struct LeafMemory {
    struct Level {
        bool passed = false;
        std::optional<base::SteadyTime> since;  ///< beyond the limit, but not for long enough yet
        friend bool operator==(const Level&, const Level&) = default;
    };
    Level yellow;
    Level red;
    std::optional<Status> event;

    bool is_empty() const { return !yellow.passed && !red.passed && !event; }
    friend bool operator==(const LeafMemory&, const LeafMemory&) = default;
};
using Memory = std::vector<LeafMemory>;  // one for each leaf

/// A figure: there is one; there can be none (a machine that is off); or it is not known now, so
/// what was known stays.
struct Figure {
    enum class Kind : std::uint8_t { value, none, unknown };
    Kind kind = Kind::none;
    std::int64_t value = 0;
    /// A percentage in hundredths: a tolerance counts as so many more of them.
    bool is_percentage = true;
};

/// An entity as leaves see it.
class Facts {
public:
    virtual ~Facts() = default;
    virtual vim::TypeId type() const = 0;
    /// Unset if the property is.
    virtual vim::Value state(const model::PropertyPath& path) const = 0;
    virtual Figure figure(std::int32_t counter) const = 0;
};

struct Outcome {
    Status status = Status::gray;
    /// When the outcome may be another one though no fact has changed.
    std::optional<base::SteadyTime> look_again;
};

/// Gray is what can't be told. `all` is as bad as its best part, `any` as its worst. `memory` has
/// as many entries as there are leaves, and is brought up to date. `tolerance` is in hundredths of
/// a percent.
Outcome evaluate(const Condition& condition, const Facts& facts, std::int32_t tolerance,
                 base::SteadyTime now, Memory& memory);

std::size_t leaf_count(const Condition& condition);

/// True if a leaf for events is among its leaves; if one that is for something else.
bool has_events(const Condition& condition);
bool has_facts(const Condition& condition);

/// Takes an event that is about an entity of type `about` into that entity's memory; false if no
/// leaf was waiting for it. Leaves that name no type wait for the events of which the entity is the
/// main subject. Within an `any`, the latest event counts.
bool take_event(const Condition& condition, const vim::Event& event, vim::TypeId about,
                bool is_main, Memory& memory);

/// Whether an event is one that a leaf waits for, whatever it is about.
bool matches(const EventLeaf& leaf, const vim::Event& event);

/// A value as states and comparisons write it; nullopt for what has no text.
std::optional<std::string> text_of(const vim::Value& value);

/// Calls `visit` for each leaf, which is a Condition of kind state, metric or event.
template <class Visit>
void for_each_leaf(const Condition& condition, const Visit& visit) {
    for (const Condition& part : condition.parts) for_each_leaf(part, visit);
    if (condition.kind != Condition::Kind::all && condition.kind != Condition::Kind::any) {
        visit(condition);
    }
}

}  // namespace drover::center
