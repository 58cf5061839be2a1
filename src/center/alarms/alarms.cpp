#include "center/alarms/alarms.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "center/alarms/figures.hpp"
#include "center/references.hpp"
#include "center/tree/numbers.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;

bool Alarms::Alarm::is_for(TypeId type) const {
    return types.empty() ||
           std::ranges::any_of(types, [type](TypeId wanted) { return vim::is_a(type, wanted); });
}

Alarms::Alarms(CenterContext& context) : context_(context) {}

Alarms::~Alarms() = default;

Awaitable<void> Alarms::start() {
    make_manager();
    started_ = context_.runtime.clock().steady_now();
    co_await load();
    {
        std::vector<const model::ManagedObject*> entities;
        context_.inventory.for_each([&entities](const model::ManagedObject& object) {
            if (vim::is_a(object.type(), TypeId::ManagedEntity)) entities.push_back(&object);
        });
        model::Transaction transaction(context_.inventory);
        for (const auto* each : entities) show_entity(transaction, *each);
        transaction.commit();
    }
    subscription_ =
        context_.inventory.observe([this](const model::Delta& delta) { observe(delta); });
    // What was triggered is so until a look says otherwise.
    Round round;
    for (const auto& [id, watched] : watched_) {
        round.changed.insert(id);
        round.placed.insert(id);
    }
    publish(round);
    mark_all();
    serve();
    context_.runtime.spawn("alarms", tick(context_.runtime, alive_));
}

MoRef Alarms::new_reference() const {
    return {TypeId::Alarm, context_.numbers.next_id("alarm-")};
}

vim::AlarmInfo Alarms::info_of(const vim::AlarmSpec& spec, const MoRef& ref, const MoRef& entity,
                               std::string_view user) const {
    auto info = vim::AlarmInfo::make();
    info.set_name(spec.name());
    if (spec.systemName()) info.set_systemName(*spec.systemName());
    info.set_description(spec.description());
    info.set_enabled(spec.enabled());
    info.set_expression(spec.expression());
    if (spec.actionFrequency()) info.set_actionFrequency(*spec.actionFrequency());
    if (spec.setting()) info.set_setting(spec.setting());
    info.set_entity(entity);
    info.set_lastModifiedTime(context_.runtime.clock().wall_now());
    info.set_lastModifiedUser(user);
    info.set_creationEventId(0);
    info.set_key(ref.id);
    info.set_alarm(ref);
    return info;
}

Alarms::Alarm& Alarms::define(const vim::AlarmInfo& info) {
    auto made = std::make_unique<Alarm>();
    made->ref = info.alarm();
    made->info = info;
    made->definition = definition_of(info);
    made->types = types_of(made->definition.condition);
    made->watches_facts = has_facts(made->definition.condition);
    made->watches_events = has_events(made->definition.condition);
    auto& place = alarms_[made->ref.id];
    if (place) {
        // Those that point to it go on pointing to it.
        *place = std::move(*made);
    } else {
        place = std::move(made);
    }
    show_alarm(*place);
    return *place;
}

Awaitable<void> Alarms::announce(MoRef ref, std::string user) {
    Alarm& made = alarm(ref);
    made.info.set_creationEventId(
        context_.events.post(event_of<vim::AlarmCreatedEvent>(made), user));
    show_alarm(made);
    co_await commit(context_, store::Batch().put(record_of(made.info)));
}

void Alarms::alarms_changed() {
    by_type_.clear();
    watched_properties_.clear();
}

const std::vector<Alarms::Alarm*>& Alarms::alarms_for(TypeId type) {
    const auto known = by_type_.find(type);
    if (known != by_type_.end()) return known->second;
    auto& list = by_type_[type];
    auto& properties = watched_properties_[type];
    for (const auto& [_, each] : alarms_) {
        if (!each->watches_facts || !each->is_for(type)) continue;
        list.push_back(each.get());
        for_each_leaf(each->definition.condition, [&](const Condition& leaf) {
            if (leaf.state && vim::is_a(type, leaf.state->type)) {
                properties.insert(leaf.state->path.root());
            }
        });
    }
    // In figures' properties stands as well whether the entity's host was heard.
    const auto figures = figure_properties(type);
    if (!list.empty()) properties.insert(figures.begin(), figures.end());
    return list;
}

Alarms::State* Alarms::find_state(const std::string& entity, const Alarm& alarm) {
    const auto known = watched_.find(entity);
    if (known == watched_.end()) return nullptr;
    for (State& state : known->second.states) {
        if (state.alarm == &alarm) return &state;
    }
    return nullptr;
}

Alarms::State& Alarms::state_of(const model::ManagedObject& entity, Alarm& alarm) {
    if (State* known = find_state(entity.id(), alarm)) return *known;
    Watched& watched = watched_[entity.id()];
    watched.ref = entity.ref();
    State& made = watched.states.emplace_back();
    made.alarm = &alarm;
    made.memory.resize(leaf_count(alarm.definition.condition));
    made.time = alarm.info.lastModifiedTime();
    return made;
}

}  // namespace drover::center
