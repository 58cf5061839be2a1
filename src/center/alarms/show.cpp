// What clients see of alarms: properties of entities and of the alarms themselves, events.

#include <algorithm>

#include "base/log.hpp"
#include "center/alarms/alarms.hpp"
#include "center/alarms/defaults.hpp"
#include "center/references.hpp"
#include "center/tree/data.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::ManagedObject;
using model::Transaction;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;
namespace shown = vim::property::ManagedEntity;

namespace {

using StatusValue = vim::Convert<Status>;

Value list_of(std::vector<Value> states) {
    return Value::array(TypeId::AlarmState, std::move(states));
}

void add_parent(const Value& reference, std::vector<std::string>& found) {
    if (!reference) return;
    std::string id(reference.moref_id());
    if (std::ranges::find(found, id) == found.end()) found.push_back(std::move(id));
}

// Whether entities of a type can be below another one: only then an alarm for them is inherited.
bool may_hold(const ManagedObject& entity, TypeId wanted) {
    const auto is = [wanted](std::initializer_list<TypeId> types) {
        return std::ranges::any_of(types, [wanted](TypeId type) {
            return vim::is_a(wanted, type) || vim::is_a(type, wanted);
        });
    };
    const TypeId type = entity.type();
    if (type == TypeId::Datacenter) return true;
    if (vim::is_a(type, TypeId::ResourcePool)) {
        return is({TypeId::ResourcePool, TypeId::VirtualMachine});
    }
    if (vim::is_a(type, TypeId::ComputeResource)) {
        return is({TypeId::HostSystem, TypeId::ResourcePool, TypeId::VirtualMachine});
    }
    if (type == TypeId::HostSystem) return is({TypeId::VirtualMachine});
    if (type != TypeId::Folder) return false;
    const Value& kinds = entity.property(property::Folder::childType);
    for (const Value& each : kinds ? kinds.elements() : std::span<const Value>{}) {
        const TypeId kind = vim::find_type(each.as_string());
        if (kind == TypeId::Datacenter || is({kind})) return true;
        if (kind == TypeId::ComputeResource &&
            is({TypeId::HostSystem, TypeId::ResourcePool, TypeId::VirtualMachine})) {
            return true;
        }
    }
    return false;
}

std::string_view capitalised(Status status) {
    switch (status) {
        case Status::gray:
            return "Gray";
        case Status::green:
            return "Green";
        case Status::yellow:
            return "Yellow";
        case Status::red:
            break;
    }
    return "Red";
}

}  // namespace

void Alarms::make_manager() {
    namespace manager = property::AlarmManager;
    const MoRef& self = references::alarm_manager;
    std::vector<Value> expressions;
    for (const auto& each : default_expressions()) expressions.push_back(each.raw());
    Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.set(self, manager::defaultExpression,
                    Value::array(TypeId::AlarmExpression, std::move(expressions)));
    transaction.set(self, manager::description, describe_alarms().raw());
    transaction.commit();
}

void Alarms::show_entity(Transaction& transaction, const ManagedObject& entity) {
    const MoRef& ref = entity.ref();
    transaction.set(ref, shown::alarmActionsEnabled,
                    Value::boolean(!without_actions_.contains(ref.id)));
    transaction.set_computed(
        ref, shown::declaredAlarmState,
        [this, id = ref.id](const model::Reader& reader) { return declared(id, reader); });
    transaction.set_computed(
        ref, shown::triggeredAlarmState,
        [this, id = ref.id](const model::Reader& reader) { return triggered(id, reader); });
}

void Alarms::show_alarm(const Alarm& alarm) {
    namespace info = property::Alarm;
    Transaction transaction(context_.inventory);
    if (!transaction.exists(alarm.ref)) {
        transaction.create(alarm.ref.type, alarm.ref.id);
        transaction.set(alarm.ref, info::value, Value::array(TypeId::CustomFieldValue, {}));
        transaction.set(alarm.ref, info::availableField, Value::array(TypeId::CustomFieldDef, {}));
    }
    transaction.set(alarm.ref, info::info, alarm.info.raw());
    transaction.commit();
}

void Alarms::touch_below(const MoRef& anchor) {
    std::vector<MoRef> below;
    context_.inventory.for_each([&](const ManagedObject& object) {
        if (!vim::is_a(object.type(), TypeId::ManagedEntity)) return;
        if (anchor.id != references::root_folder.id) {
            const auto ancestors = above(object);
            if (std::ranges::find(ancestors, anchor.id) == ancestors.end()) return;
        }
        below.push_back(object.ref());
    });
    Transaction transaction(context_.inventory);
    for (const MoRef& each : below) transaction.touch(each, shown::declaredAlarmState);
    transaction.commit();
}

// A machine belongs to folders, and to pools, a host and clusters as well.
std::vector<std::string> Alarms::above(const ManagedObject& entity) const {
    std::vector<std::string> found{entity.id()};
    for (std::size_t at = 0; at < found.size(); ++at) {
        const ManagedObject* object = context_.inventory.find(found[at]);
        if (object == nullptr || !vim::is_a(object->type(), TypeId::ManagedEntity)) continue;
        add_parent(object->property(shown::parent), found);
        if (object->type() != TypeId::VirtualMachine) continue;
        add_parent(object->property(property::VirtualMachine::resourcePool), found);
        const Value& runtime = object->property(property::VirtualMachine::runtime);
        if (runtime) add_parent(runtime.property("host"), found);
    }
    return found;
}

void Alarms::place(Watched& watched, bool is_news, Round& round) {
    const bool shows = std::ranges::any_of(watched.states,
                                           [](const State& state) { return state.is_triggered(); });
    const ManagedObject* entity = context_.inventory.find(watched.ref);
    std::vector<std::string> places;
    if (shows && entity != nullptr) places = above(*entity);
    if (!is_news && places == watched.shown_on) return;
    for (const std::string& each : watched.shown_on) {
        round.retouched.insert(each);
        const auto known = triggered_below_.find(each);
        if (known == triggered_below_.end()) continue;
        known->second.erase(watched.ref.id);
        if (known->second.empty()) triggered_below_.erase(known);
    }
    for (const std::string& each : places) {
        round.retouched.insert(each);
        triggered_below_[each].insert(watched.ref.id);
    }
    watched.shown_on = std::move(places);
}

void Alarms::publish(Round& round) {
    for (const std::string& each : round.placed) {
        const auto watched = watched_.find(each);
        if (watched != watched_.end()) place(watched->second, true, round);
    }
    Transaction transaction(context_.inventory);
    for (const std::string& each : round.retouched) {
        const ManagedObject* object = context_.inventory.find(each);
        if (object != nullptr) transaction.touch(object->ref(), shown::triggeredAlarmState);
    }
    for (const std::string& each : round.changed) {
        const ManagedObject* object = context_.inventory.find(each);
        if (object == nullptr) continue;
        transaction.touch(object->ref(), shown::declaredAlarmState);
        const auto watched = watched_.find(each);
        if (watched != watched_.end()) publish_status(transaction, watched->second);
    }
    transaction.commit();
    if (!round.batch.writes().empty()) {
        context_.store.commit(std::move(round.batch), [](const std::exception_ptr& error) {
            if (error) base::log_error("states of alarms could not be stored");
        });
    }
    for (const Change& change : round.changes) tell(change);
}

Value Alarms::shown_status(const Watched& watched) {
    Status worst = StatusValue::from(watched.said_status);
    for (const State& state : watched.states) {
        if (state.is_triggered()) worst = std::max(worst, state.status);
    }
    return StatusValue::to(worst);
}

void Alarms::publish_status(Transaction& transaction, Watched& watched) {
    const MoRef& ref = watched.ref;
    const bool is_triggered = std::ranges::any_of(
        watched.states, [](const State& state) { return state.is_triggered(); });
    if (!is_triggered && !watched.said_status) return;
    if (!watched.said_status) {
        watched.said_status = transaction.get(ref, shown::overallStatus);
        if (!watched.said_status) watched.said_status = StatusValue::to(Status::green);
    }
    const Value status = shown_status(watched);
    if (!is_triggered) watched.said_status = {};
    transaction.set(ref, shown::overallStatus, status);
    const auto repeat = [&](model::PropertyIndex index) {
        Value summary = transaction.get(ref, index);
        if (!summary) return;
        set_property(summary, "overallStatus", status);
        transaction.set(ref, index, summary);
    };
    if (ref.type == TypeId::VirtualMachine) repeat(property::VirtualMachine::summary);
    if (ref.type == TypeId::HostSystem) repeat(property::HostSystem::summary);
}

Value Alarms::value_of(const MoRef& entity, const Alarm& alarm, const State* state) {
    auto made = vim::AlarmState::make();
    made.set_key(alarm.ref.id + "." + entity.id);
    made.set_entity(entity);
    made.set_alarm(alarm.ref);
    // Without an event an alarm for events has nothing to complain of.
    const bool is_quiet = !alarm.watches_facts && alarm.info.enabled();
    made.set_overallStatus(state != nullptr ? state->status
                           : is_quiet       ? Status::green
                                            : Status::gray);
    made.set_time(state != nullptr ? state->time : alarm.info.lastModifiedTime());
    made.set_acknowledged(state != nullptr && state->acknowledged.has_value());
    if (state != nullptr) {
        if (state->acknowledged) {
            made.set_acknowledgedByUser(state->acknowledged_by);
            made.set_acknowledgedTime(*state->acknowledged);
        }
        if (state->event_key != 0) made.set_eventKey(state->event_key);
    }
    made.set_disabled(state != nullptr && state->disabled);
    return made.raw();
}

Value Alarms::declared(const std::string& id, const model::Reader& reader) const {
    std::vector<Value> states;
    const ManagedObject* entity = context_.inventory.find(id);
    if (entity == nullptr) return list_of({});
    const auto known = watched_.find(id);
    std::vector<std::string> ancestors;
    for (const auto& [_, each] : alarms_) {
        if (!applies(*each, *entity, ancestors)) continue;
        const bool concerns =
            each->is_for(entity->type()) ||
            std::ranges::any_of(each->types, [&](TypeId type) { return may_hold(*entity, type); });
        const ManagedObject* object = context_.inventory.find(each->ref);
        if (!concerns || object == nullptr || !reader.may_view(*object)) continue;
        const State* state = nullptr;
        if (known != watched_.end()) {
            const auto at = std::ranges::find(known->second.states, each.get(), &State::alarm);
            if (at != known->second.states.end()) state = &*at;
        }
        states.push_back(value_of(entity->ref(), *each, state));
    }
    return list_of(std::move(states));
}

Value Alarms::triggered(const std::string& id, const model::Reader& reader) const {
    const auto below = triggered_below_.find(id);
    if (below == triggered_below_.end()) return list_of({});
    std::vector<Value> states;
    for (const std::string& each : below->second) {
        const auto watched = watched_.find(each);
        const ManagedObject* entity = context_.inventory.find(each);
        if (watched == watched_.end() || entity == nullptr || !reader.may_view(*entity)) continue;
        for (const State& state : watched->second.states) {
            if (!state.is_triggered()) continue;
            states.push_back(value_of(watched->second.ref, *state.alarm, &state));
        }
    }
    return list_of(std::move(states));
}

vim::ManagedEntityEventArgument Alarms::argument_of(const MoRef& entity) const {
    auto argument = vim::ManagedEntityEventArgument::make();
    argument.set_entity(entity);
    const ManagedObject* object = context_.inventory.find(entity);
    const Value& name = object != nullptr ? object->property(shown::name) : Value{};
    argument.set_name(name ? name.as_string() : std::string_view(entity.id));
    return argument;
}

void Alarms::name_source(vim::Event& event, const MoRef& entity) const {
    const auto argument = argument_of(entity);
    if (entity.type == TypeId::VirtualMachine) {
        auto vm = vim::VmEventArgument::make();
        vm.set_vm(entity);
        vm.set_name(argument.name());
        event.set_vm(vm);
    } else if (entity.type == TypeId::HostSystem) {
        auto host = vim::HostEventArgument::make();
        host.set_host(entity);
        host.set_name(argument.name());
        event.set_host(host);
    } else if (entity.type == TypeId::Datastore) {
        auto datastore = vim::DatastoreEventArgument::make();
        datastore.set_datastore(entity);
        datastore.set_name(argument.name());
        event.set_ds(datastore);
    }
}

void Alarms::tell(const Change& change) {
    const auto known = alarms_.find(change.alarm.id);
    if (known == alarms_.end()) return;
    // That nothing is wrong with something new is no news.
    if (change.from < Status::yellow && change.to < Status::yellow) return;
    auto event = event_of<vim::AlarmStatusChangedEvent>(*known->second, change.entity);
    event.set_from(vim::to_string(change.from));
    event.set_to(vim::to_string(change.to));
    event.set_fullFormattedMessage("Alarm '" + std::string(known->second->info.name()) + "' on " +
                                   std::string(event.source().name()) + " changed from " +
                                   std::string(capitalised(change.from)) + " to " +
                                   std::string(capitalised(change.to)));
    context_.events.post(event, {});
}

}  // namespace drover::center
