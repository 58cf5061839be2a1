#pragma once

// AlarmManager and its alarms: what is defined, what state each has for each entity, and how both
// are shown.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "center/alarms/definition.hpp"
#include "center/context.hpp"

namespace drover::center {

/// Belongs to the strand.
class Alarms {
public:
    static constexpr std::size_t kMostAlarms = 1'000;

    explicit Alarms(CenterContext& context);
    ~Alarms();
    Alarms(const Alarms&) = delete;
    Alarms& operator=(const Alarms&) = delete;

    /// Reads what is stored, or defines the alarms that a center begins with, and watches from now
    /// on. After the tree and the mirror have shown what they know.
    task::Awaitable<void> start();
    /// Something has happened. May be called within a transaction or an observer.
    void on_event(const vim::Event& event);

private:
    struct Alarm {
        vim::MoRef ref;
        vim::AlarmInfo info;
        Definition definition;
        std::vector<vim::TypeId> types;  ///< empty: of whatever there are events
        bool watches_facts = false;
        bool watches_events = false;

        bool is_for(vim::TypeId type) const;
    };

    /// What an alarm says of an entity.
    struct State {
        Alarm* alarm = nullptr;
        Status status = Status::gray;
        base::WallTime time{};
        Memory memory;
        std::int32_t event_key = 0;  ///< what triggered it, if an event did
        bool disabled = false;
        bool stored = false;
        std::string acknowledged_by;
        std::optional<base::WallTime> acknowledged;
        /// No trigger is reported before.
        std::optional<base::SteadyTime> quiet_until;

        bool is_triggered() const { return status >= Status::yellow; }
    };
    struct Watched {
        vim::MoRef ref;
        std::vector<State> states;
        /// Those above it and itself, as long as an alarm is triggered.
        std::vector<std::string> shown_on;
        /// overallStatus without alarms; unset while none is triggered.
        vim::Value said_status;
    };
    struct Change {
        vim::MoRef entity;
        vim::MoRef alarm;
        Status from;
        Status to;
    };
    /// What one round of looking has found, to be published at once.
    struct Round {
        std::set<std::string> changed;    ///< entities of which a state has changed
        std::set<std::string> placed;     ///< entities of which a triggered alarm has changed
        std::set<std::string> retouched;  ///< entities that show another list of triggered alarms
        std::vector<Change> changes;
        store::Batch batch;
    };

    // Storing (records.cpp).
    static store::Record record_of(const vim::AlarmInfo& info);
    static store::Record record_of(const std::string& entity, const State& state);
    static store::Record actions_record(const std::string& entity);
    static void keep(const std::string& entity, State& state, store::Batch& batch);
    static void forget(const std::string& entity, const State& state, store::Batch& batch);
    static void forget(const Alarm& alarm, store::Batch& batch);
    static void forget_actions(const std::string& entity, store::Batch& batch);
    task::Awaitable<void> load();
    void load_alarm(const store::Record& record);
    void load_state(const store::Record& record);
    task::Awaitable<void> define_defaults();

    // Definitions (alarms.cpp).
    vim::AlarmInfo info_of(const vim::AlarmSpec& spec, const vim::MoRef& alarm,
                           const vim::MoRef& entity, std::string_view user) const;
    vim::MoRef new_reference() const;
    Alarm& define(const vim::AlarmInfo& info);
    /// Tells of a new alarm, and stores it with the event's key.
    task::Awaitable<void> announce(vim::MoRef ref, std::string user);
    void alarms_changed();
    const std::vector<Alarm*>& alarms_for(vim::TypeId type);
    State& state_of(const model::ManagedObject& entity, Alarm& alarm);
    State* find_state(const std::string& entity, const Alarm& alarm);

    // Watching (watch.cpp).
    void observe(const model::Delta& delta);
    void observe(const model::PropertyChange& change);
    void mark_all();
    void look_soon();
    void look();
    void look_at(const model::ManagedObject& entity, Round& round);
    void advance(const model::ManagedObject& entity, State& state, Round& round,
                 std::int32_t event_key = 0);
    void take(const vim::Event& event, Round& round);
    void set_status(const vim::MoRef& entity, State& state, Status status, Round& round);
    void reset(const std::string& entity, State& state, Round& round);
    bool applies(const Alarm& alarm, const model::ManagedObject& entity,
                 std::vector<std::string>& ancestors) const;
    void drop(const std::string& entity, Round& round);
    static task::Awaitable<void> tick(task::Runtime& runtime, std::weak_ptr<Alarms*> self);

    // Showing (show.cpp).
    void make_manager();
    void show_entity(model::Transaction& transaction, const model::ManagedObject& entity);
    void show_alarm(const Alarm& alarm);
    void touch_below(const vim::MoRef& anchor);
    void place(Watched& watched, bool is_news, Round& round);
    static vim::Value shown_status(const Watched& watched);
    void publish(Round& round);
    void publish_status(model::Transaction& transaction, Watched& watched);
    vim::Value declared(const std::string& entity, const model::Reader& reader) const;
    vim::Value triggered(const std::string& entity, const model::Reader& reader) const;
    static vim::Value value_of(const vim::MoRef& entity, const Alarm& alarm, const State* state);
    std::vector<std::string> above(const model::ManagedObject& entity) const;
    vim::ManagedEntityEventArgument argument_of(const vim::MoRef& entity) const;
    template <class Event>
    Event event_of(const Alarm& alarm) const;
    template <class Event>
    Event event_of(const Alarm& alarm, const vim::MoRef& source) const;
    void name_source(vim::Event& event, const vim::MoRef& entity) const;
    void tell(const Change& change);

    // Methods (methods.cpp).
    void serve();
    task::Awaitable<vim::Value> create(task::Call call);
    task::Awaitable<vim::Value> reconfigure(task::Call call);
    task::Awaitable<void> remove(vim::MoRef alarm, std::string user);
    void discard(const vim::MoRef& alarm, Round& round);
    task::Awaitable<vim::Value> acknowledge(task::Call call);
    task::Awaitable<vim::Value> clear(task::Call call);
    task::Awaitable<vim::Value> enable_actions(task::Call call);
    task::Awaitable<vim::Value> set_disabled(task::Call call, bool disabled);
    vim::Value get_alarms(const task::Call& call) const;
    void require_free_name(std::string_view name, const vim::MoRef& except) const;
    Alarm& alarm(const vim::MoRef& ref) const;
    const model::ManagedObject& entity(const vim::MoRef& ref) const;
    State* state_for(const vim::MoRef& alarm, const vim::MoRef& about);

    struct ById {
        bool operator()(const std::string& left, const std::string& right) const {
            return model::reference_less(left, right);
        }
    };

    CenterContext& context_;
    std::map<std::string, std::unique_ptr<Alarm>, ById> alarms_;  // by alarm-7
    std::unordered_map<std::string, Watched> watched_;            // by the entity's id
    std::set<std::string> without_actions_;                       // entities
    // Entities of which alarms are triggered, by those that show it: themselves, those above.
    std::unordered_map<std::string, std::set<std::string, ById>> triggered_below_;

    // By the type of entities; made as they are needed, anew after each change of an alarm.
    std::map<vim::TypeId, std::vector<Alarm*>> by_type_;
    std::map<vim::TypeId, std::set<model::PropertyIndex>> watched_properties_;

    // What the next round looks at.
    std::set<std::string> dirty_;
    std::set<std::string> restated_;  // entities of which somebody else has set the status
    std::vector<vim::MoRef> fresh_;
    std::vector<std::string> gone_;
    std::vector<vim::Event> events_;
    bool has_moved_ = false;  // something above others
    bool is_looking_soon_ = false;

    std::set<std::pair<base::SteadyTime, std::string>> appointments_;
    base::SteadyTime started_{};
    bool is_settled_ = false;  // who was not heard until now does not answer
    std::set<std::string> heard_, unheard_;

    model::Subscription subscription_;
    std::shared_ptr<Alarms*> alive_ = std::make_shared<Alarms*>(this);
};

template <class Event>
Event Alarms::event_of(const Alarm& alarm) const {
    auto argument = vim::AlarmEventArgument::make();
    argument.set_alarm(alarm.ref);
    argument.set_name(alarm.info.name());
    auto event = Event::make();
    event.set_alarm(argument);
    event.set_entity(argument_of(alarm.info.entity()));
    return event;
}

template <class Event>
Event Alarms::event_of(const Alarm& alarm, const vim::MoRef& source) const {
    Event event = event_of<Event>(alarm);
    event.set_source(argument_of(source));
    name_source(event, source);
    return event;
}

}  // namespace drover::center
