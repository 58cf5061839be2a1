// What is kept of alarms: each definition, and the states that a look at the entity would not give
// again.

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "center/alarms/alarms.hpp"
#include "center/alarms/defaults.hpp"
#include "center/references.hpp"
#include "service/history/history_item.hpp"

namespace drover::center {

using nlohmann::json;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kAlarmKind = "alarm";
constexpr std::string_view kStateKind = "alarm state";
constexpr std::string_view kActionsKind = "alarm actions off";
constexpr std::string_view kCenterKind = "center";
constexpr std::string_view kDefaults = "default alarms";
constexpr std::chrono::seconds kStoreLimit{60};

std::int64_t milliseconds_of(base::WallTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

base::WallTime time_of(std::int64_t milliseconds) {
    return base::WallTime{std::chrono::milliseconds{milliseconds}};
}

std::string state_id(const std::string& entity, const MoRef& alarm) {
    return alarm.id + "." + entity;
}

json to_json(const LeafMemory& leaf) {
    json made = json::object();
    if (leaf.yellow.passed) made["yellow"] = true;
    if (leaf.red.passed) made["red"] = true;
    if (leaf.event) made["event"] = vim::to_string(*leaf.event);
    return made;
}

LeafMemory leaf_of(const json& stored) {
    LeafMemory leaf;
    leaf.yellow.passed = stored.value("yellow", false);
    leaf.red.passed = stored.value("red", false);
    leaf.event = vim::parse_enum<Status>(stored.value("event", ""));
    return leaf;
}

}  // namespace

store::Record Alarms::record_of(const vim::AlarmInfo& info) {
    store::Record record;
    record.kind = kAlarmKind;
    record.id = info.key();
    record.name = info.name();
    record.value = service::to_stored(info.raw());
    return record;
}

store::Record Alarms::record_of(const std::string& entity, const State& state) {
    json made{{"status", vim::to_string(state.status)}, {"time", milliseconds_of(state.time)}};
    for (const LeafMemory& leaf : state.memory) made["leaves"].push_back(to_json(leaf));
    if (state.event_key != 0) made["event"] = state.event_key;
    if (state.disabled) made["disabled"] = true;
    if (state.acknowledged) {
        made["acknowledged"] = milliseconds_of(*state.acknowledged);
        made["by"] = state.acknowledged_by;
    }
    store::Record record;
    record.kind = kStateKind;
    record.id = state_id(entity, state.alarm->ref);
    record.parent = entity;
    record.value = made.dump();
    return record;
}

store::Record Alarms::actions_record(const std::string& entity) {
    store::Record record;
    record.kind = kActionsKind;
    record.id = entity;
    record.value = "{}";
    return record;
}

void Alarms::keep(const std::string& entity, State& state, store::Batch& batch) {
    bool tells = state.is_triggered() || state.disabled;
    for (const LeafMemory& leaf : state.memory) tells |= !leaf.is_empty();
    if (tells) {
        batch.put(record_of(entity, state));
    } else if (state.stored) {
        forget(entity, state, batch);
    }
    state.stored = tells;
}

void Alarms::forget(const std::string& entity, const State& state, store::Batch& batch) {
    if (state.stored) batch.remove(std::string(kStateKind), state_id(entity, state.alarm->ref));
}

void Alarms::forget(const Alarm& alarm, store::Batch& batch) {
    batch.remove(std::string(kAlarmKind), alarm.ref.id);
}

void Alarms::forget_actions(const std::string& entity, store::Batch& batch) {
    batch.remove(std::string(kActionsKind), entity);
}

Awaitable<void> Alarms::load() {
    struct Stored {
        std::vector<store::Record> alarms;
        std::vector<store::Record> states;
        std::vector<store::Record> actions;
        bool has_defaults = false;
    };
    const auto stored = co_await context_.runtime.blocking(
        "store",
        [&store = context_.store] {
            return Stored{store.load(kAlarmKind), store.load(kStateKind), store.load(kActionsKind),
                          store.get(kCenterKind, kDefaults).has_value()};
        },
        kStoreLimit);
    for (const auto& record : stored.alarms) {
        try {
            load_alarm(record);
        } catch (const std::exception& error) {
            base::log_error("the alarm {} can't be read and is left alone: {}", record.id,
                            error.what());
        }
    }
    alarms_changed();
    for (const auto& record : stored.states) load_state(record);
    for (const auto& record : stored.actions) without_actions_.insert(record.id);
    if (!stored.has_defaults) co_await define_defaults();
}

void Alarms::load_alarm(const store::Record& record) {
    const Value value = service::from_stored(record.value);
    if (!value || value.type() != TypeId::AlarmInfo) throw std::runtime_error("it is damaged");
    const vim::AlarmInfo info(value);
    if (context_.inventory.find(info.entity()) == nullptr) {
        throw std::runtime_error("what it is defined on is gone");
    }
    define(info);
}

void Alarms::load_state(const store::Record& record) {
    const auto alarm = alarms_.find(record.id.substr(0, record.id.find('.')));
    const auto* entity = context_.inventory.find(record.parent);
    const json stored = json::parse(record.value, nullptr, false);
    if (alarm == alarms_.end() || entity == nullptr || !stored.is_object()) return;
    State& state = state_of(*entity, *alarm->second);
    try {
        const json leaves = stored.value("leaves", json::array());
        for (std::size_t i = 0; i < state.memory.size() && i < leaves.size(); ++i) {
            state.memory[i] = leaf_of(leaves[i]);
        }
        state.status = vim::parse_enum<Status>(stored.value("status", "")).value_or(Status::gray);
        state.time = time_of(stored.value("time", std::int64_t{0}));
        state.event_key = stored.value("event", 0);
        state.disabled = stored.value("disabled", false);
        if (stored.contains("acknowledged")) {
            state.acknowledged = time_of(stored.value("acknowledged", std::int64_t{0}));
            state.acknowledged_by = stored.value("by", "");
        }
    } catch (const json::exception& error) {
        base::log_error("the state of alarm {} is damaged: {}", record.id, error.what());
    }
    state.stored = true;
}

// Once in the life of a center: what an administrator removes stays away.
Awaitable<void> Alarms::define_defaults() {
    store::Batch batch;
    std::vector<MoRef> made;
    for (const vim::AlarmSpec& spec : default_alarms()) {
        const Alarm& alarm = define(info_of(spec, new_reference(), references::root_folder, {}));
        batch.put(record_of(alarm.info));
        made.push_back(alarm.ref);
    }
    store::Record done;
    done.kind = kCenterKind;
    done.id = kDefaults;
    done.value = "1";
    batch.put(std::move(done));
    alarms_changed();
    co_await commit(context_, std::move(batch));
    for (const MoRef& ref : made) co_await announce(ref, {});
}

}  // namespace drover::center
