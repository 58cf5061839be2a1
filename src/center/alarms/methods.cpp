// The methods of AlarmManager and Alarm.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "center/alarms/alarms.hpp"
#include "center/references.hpp"
#include "center/tree/names.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::ManagedObject;
using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

using ByEntity = vim::AlarmFilterSpecAlarmTypeByEntity;
using ByTrigger = vim::AlarmFilterSpecAlarmTypeByTrigger;

// Which triggered alarms are meant.
struct Filter {
    std::vector<Status> statuses;
    ByEntity entity = ByEntity::entityTypeAll;
    ByTrigger trigger = ByTrigger::triggerTypeAll;

    explicit Filter(const vim::AlarmFilterSpec& spec) {
        for (const Status each : spec.status()) statuses.push_back(each);
        if (spec.typeEntity()) {
            entity = read<ByEntity>(*spec.typeEntity(), "filter.typeEntity");
        }
        if (spec.typeTrigger()) {
            trigger = read<ByTrigger>(*spec.typeTrigger(), "filter.typeTrigger");
        }
    }

    bool lets_through(TypeId type, Status status, bool by_event) const {
        if (!statuses.empty() && std::ranges::find(statuses, status) == statuses.end()) {
            return false;
        }
        if (entity == ByEntity::entityTypeHost && type != TypeId::HostSystem) return false;
        if (entity == ByEntity::entityTypeVm && type != TypeId::VirtualMachine) return false;
        return trigger == ByTrigger::triggerTypeAll ||
               by_event == (trigger == ByTrigger::triggerTypeEvent);
    }

private:
    template <class Enum>
    static Enum read(std::string_view name, std::string_view path) {
        const auto known = vim::parse_enum<Enum>(name);
        if (known) return *known;
        throw vim::invalid_argument(path,
                                    fmt::format("{}: there is no '{}'", path, name.substr(0, 100)));
    }
};

}  // namespace

void Alarms::serve() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add("CreateAlarm", [this](Call call) { return create(std::move(call)); });
    dispatcher.add("ReconfigureAlarm", [this](Call call) { return reconfigure(std::move(call)); });
    dispatcher.add("RemoveAlarm", [this](Call call) -> Awaitable<Value> {
        co_await remove(call.self, call.caller->user);
        co_return Value{};
    });
    dispatcher.add("AcknowledgeAlarm", [this](Call call) { return acknowledge(std::move(call)); });
    dispatcher.add("ClearTriggeredAlarms", [this](Call call) { return clear(std::move(call)); });
    dispatcher.add("EnableAlarmActions",
                   [this](Call call) { return enable_actions(std::move(call)); });
    dispatcher.add("EnableAlarm",
                   [this](Call call) { return set_disabled(std::move(call), false); });
    dispatcher.add("DisableAlarm",
                   [this](Call call) { return set_disabled(std::move(call), true); });
    dispatcher.add_direct("AreAlarmActionsEnabled", [this](const Call& call) {
        const auto request = call.arguments<vim::AreAlarmActionsEnabledRequest>();
        return Value::boolean(!without_actions_.contains(entity(request.entity()).id()));
    });
    dispatcher.add_direct("GetAlarm", [this](const Call& call) { return get_alarms(call); });
    dispatcher.add_direct("GetAlarmState", [this](const Call& call) {
        const auto request = call.arguments<vim::GetAlarmStateRequest>();
        return declared(entity(request.entity()).id(), *context_.readers(*call.caller));
    });
}

const ManagedObject& Alarms::entity(const MoRef& ref) const {
    const ManagedObject& object = context_.inventory.get(ref);
    if (vim::is_a(object.type(), TypeId::ManagedEntity)) return object;
    throw vim::invalid_argument("entity", "entity: it is no managed entity");
}

Alarms::Alarm& Alarms::alarm(const MoRef& ref) const {
    const auto known = alarms_.find(ref.id);
    if (known == alarms_.end()) throw vim::object_not_found(ref);
    return *known->second;
}

void Alarms::require_free_name(std::string_view name, const MoRef& except) const {
    for (const auto& [_, other] : alarms_) {
        if (other->ref != except && other->info.name() == name) {
            throw duplicate_name(name, other->ref);
        }
    }
}

Awaitable<Value> Alarms::create(Call call) {
    const auto request = call.arguments<vim::CreateAlarmRequest>();
    const ManagedObject& anchor = entity(request.entity());
    const auto spec = request.spec();
    check_alarm_name(spec.name());
    require_free_name(spec.name(), {});
    static_cast<void>(definition_of(spec));
    if (alarms_.size() >= kMostAlarms) {
        throw vim::invalid_argument("spec", fmt::format("There may be {} alarms.", kMostAlarms));
    }
    const MoRef on = anchor.ref();
    const MoRef ref = define(info_of(spec, new_reference(), on, call.caller->user)).ref;
    alarms_changed();
    std::exception_ptr failure;
    try {
        co_await announce(ref, call.caller->user);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        Round round;
        discard(ref, round);
        publish(round);
        std::rethrow_exception(failure);
    }
    touch_below(on);
    mark_all();
    base::log_info("audit: '{}' created the alarm '{}'", call.caller->user, spec.name());
    co_return Value::moref(ref);
}

Awaitable<Value> Alarms::reconfigure(Call call) {
    const auto spec = call.arguments<vim::ReconfigureAlarmRequest>().spec();
    const vim::AlarmInfo before = alarm(call.self).info;
    check_alarm_name(spec.name());
    require_free_name(spec.name(), call.self);
    vim::AlarmInfo info = info_of(spec, call.self, before.entity(), call.caller->user);
    info.set_creationEventId(before.creationEventId());
    static_cast<void>(definition_of(info));
    co_await commit(context_, store::Batch().put(record_of(info)));
    if (!alarms_.contains(call.self.id)) throw vim::object_not_found(call.self);
    const Alarm& changed = define(info);
    alarms_changed();
    if (!(before.expression().raw() == info.expression().raw())) {
        Round round;
        for (auto& [id, watched] : watched_) {
            State* state = find_state(id, changed);
            if (state != nullptr) reset(id, *state, round);
        }
        publish(round);
    }
    touch_below(info.entity());
    mark_all();
    context_.events.post(event_of<vim::AlarmReconfiguredEvent>(changed), call.caller->user);
    base::log_info("audit: '{}' reconfigured the alarm '{}'", call.caller->user, spec.name());
    co_return Value{};
}

// With all that it says.
void Alarms::discard(const MoRef& ref, Round& round) {
    Alarm& gone = alarm(ref);
    forget(gone, round.batch);
    for (auto& [id, watched] : watched_) {
        const auto state = std::ranges::find(watched.states, &gone, &State::alarm);
        if (state == watched.states.end()) continue;
        forget(id, *state, round.batch);
        round.changed.insert(id);
        if (state->is_triggered()) round.placed.insert(id);
        watched.states.erase(state);
    }
    alarms_.erase(ref.id);
    alarms_changed();
    model::Transaction transaction(context_.inventory);
    if (transaction.exists(ref)) transaction.destroy(ref);
    transaction.commit();
}

Awaitable<void> Alarms::remove(MoRef ref, std::string user) {
    const auto event = event_of<vim::AlarmRemovedEvent>(alarm(ref));
    const MoRef anchor = alarm(ref).info.entity();
    Round round;
    discard(ref, round);
    auto batch = std::exchange(round.batch, {});
    publish(round);
    touch_below(anchor);
    co_await commit(context_, std::move(batch));
    context_.events.post(event, user);
    base::log_info("audit: '{}' removed the alarm '{}'", user, event.alarm().name());
}

Alarms::State* Alarms::state_for(const MoRef& ref, const MoRef& about) {
    Alarm& wanted = alarm(ref);
    const ManagedObject& object = entity(about);
    std::vector<std::string> ancestors;
    if (!wanted.is_for(object.type()) || !applies(wanted, object, ancestors)) {
        throw vim::invalid_argument(
            "entity", fmt::format("entity: the alarm '{}' is not for it", wanted.info.name()));
    }
    return &state_of(object, wanted);
}

Awaitable<Value> Alarms::acknowledge(Call call) {
    const auto request = call.arguments<vim::AcknowledgeAlarmRequest>();
    State* state = state_for(request.alarm(), request.entity());
    if (!state->is_triggered() || state->acknowledged) co_return Value{};
    state->acknowledged = context_.runtime.clock().wall_now();
    state->acknowledged_by = call.caller->user;
    store::Batch batch;
    keep(request.entity().id, *state, batch);
    Round round;
    round.changed.insert(request.entity().id);
    round.placed.insert(request.entity().id);
    const auto event = event_of<vim::AlarmAcknowledgedEvent>(*state->alarm, request.entity());
    co_await commit(context_, std::move(batch));
    publish(round);
    context_.events.post(event, call.caller->user);
    co_return Value{};
}

Awaitable<Value> Alarms::clear(Call call) {
    const Filter filter(call.arguments<vim::ClearTriggeredAlarmsRequest>().filter());
    Round round;
    std::vector<vim::AlarmClearedEvent> events;
    for (auto& [id, watched] : watched_) {
        for (State& state : watched.states) {
            const bool by_event = state.alarm->watches_events;
            if (!state.is_triggered() ||
                !filter.lets_through(watched.ref.type, state.status, by_event)) {
                continue;
            }
            auto event = event_of<vim::AlarmClearedEvent>(*state.alarm, watched.ref);
            event.set_from(vim::to_string(state.status));
            events.push_back(event);
            set_status(watched.ref, state, Status::green, round);
            reset(id, state, round);
        }
    }
    // The events say who has done it.
    round.changes.clear();
    auto batch = std::exchange(round.batch, {});
    publish(round);
    co_await commit(context_, std::move(batch));
    for (const auto& event : events) context_.events.post(event, call.caller->user);
    co_return Value{};
}

Awaitable<Value> Alarms::enable_actions(Call call) {
    const auto request = call.arguments<vim::EnableAlarmActionsRequest>();
    const MoRef ref = entity(request.entity()).ref();
    store::Batch batch;
    if (request.enabled()) {
        without_actions_.erase(ref.id);
        forget_actions(ref.id, batch);
    } else {
        without_actions_.insert(ref.id);
        batch.put(actions_record(ref.id));
    }
    co_await commit(context_, std::move(batch));
    model::Transaction transaction(context_.inventory);
    if (transaction.exists(ref)) {
        transaction.set(ref, vim::property::ManagedEntity::alarmActionsEnabled,
                        Value::boolean(!without_actions_.contains(ref.id)));
    }
    transaction.commit();
    co_return Value{};
}

Awaitable<Value> Alarms::set_disabled(Call call, bool disabled) {
    const MoRef about = call.request.property("entity").as_moref();
    State* state = state_for(call.request.property("alarm").as_moref(), about);
    if (state->disabled == disabled) co_return Value{};
    state->disabled = disabled;
    store::Batch batch;
    keep(about.id, *state, batch);
    co_await commit(context_, std::move(batch));
    Round round;
    const ManagedObject* object = context_.inventory.find(about);
    if (object != nullptr) {
        round.changed.insert(about.id);
        look_at(*object, round);
    }
    publish(round);
    co_return Value{};
}

Value Alarms::get_alarms(const Call& call) const {
    const auto wanted = call.arguments<vim::GetAlarmRequest>().entity();
    if (wanted) static_cast<void>(entity(*wanted));
    const auto reader = context_.readers(*call.caller);
    std::vector<Value> found;
    for (const auto& [_, each] : alarms_) {
        if (wanted && each->info.entity() != *wanted) continue;
        const ManagedObject* object = context_.inventory.find(each->ref);
        if (object != nullptr && reader->may_view(*object)) {
            found.push_back(Value::moref(each->ref));
        }
    }
    return Value::array(TypeId::Alarm, std::move(found));
}

}  // namespace drover::center
