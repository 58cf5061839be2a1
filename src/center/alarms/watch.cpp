// From what happens in the inventory to states of alarms.

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>

#include "base/log.hpp"
#include "center/alarms/alarms.hpp"
#include "center/alarms/figures.hpp"
#include "center/references.hpp"
#include "service/history/event_history.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::ManagedObject;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;

namespace {

constexpr std::chrono::seconds kTick{1};
// After its start a center gives its hosts so long before it believes that they do not answer.
constexpr std::chrono::seconds kSettling{15};
// Looked at in one go; others get their turn in between.
constexpr std::size_t kMostAtOnce = 1'000;
constexpr std::size_t kMostEvents = 100'000;

class EntityFacts final : public Facts {
public:
    explicit EntityFacts(const ManagedObject& entity) : entity_(entity) {}
    TypeId type() const override { return entity_.type(); }
    Value state(const model::PropertyPath& path) const override {
        return path.evaluate(entity_.property(path.root()));
    }
    Figure figure(std::int32_t counter) const override { return figure_of(entity_, counter); }

private:
    const ManagedObject& entity_;
};

// Whether what stands there is more than what was known before the center's start.
bool is_heard(const ManagedObject& entity) {
    if (entity.type() == TypeId::VirtualMachine) {
        const vim::VirtualMachineRuntimeInfo runtime(
            entity.property(property::VirtualMachine::runtime));
        return runtime &&
               runtime.connectionState() == vim::VirtualMachineConnectionState::connected;
    }
    if (entity.type() == TypeId::HostSystem) {
        const vim::HostRuntimeInfo runtime(entity.property(property::HostSystem::runtime));
        return runtime && runtime.connectionState() == vim::HostSystemConnectionState::connected;
    }
    if (entity.type() == TypeId::Datastore) {
        const vim::DatastoreSummary summary(entity.property(property::Datastore::summary));
        return summary && summary.accessible();
    }
    return true;
}

bool is_entity(const ManagedObject& object) {
    return vim::is_a(object.type(), TypeId::ManagedEntity);
}

// An event has several arguments; it happened to the one furthest down.
int rank_of(TypeId type) {
    constexpr std::array kOrder{
        TypeId::Datacenter, TypeId::Folder,     TypeId::ComputeResource, TypeId::ResourcePool,
        TypeId::Network,    TypeId::HostSystem, TypeId::Datastore,       TypeId::VirtualMachine};
    int rank = 0;
    for (std::size_t i = 0; i < kOrder.size(); ++i) {
        if (vim::is_a(type, kOrder[i])) rank = static_cast<int>(i) + 1;
    }
    return rank;
}

bool differs(const Memory& before, const Memory& after) {
    return !std::ranges::equal(before, after, [](const LeafMemory& left, const LeafMemory& right) {
        return left.yellow.passed == right.yellow.passed && left.red.passed == right.red.passed &&
               left.event == right.event;
    });
}

}  // namespace

void Alarms::observe(const model::Delta& delta) {
    for (const auto& object : delta.destroyed) {
        if (is_entity(*object)) gone_.push_back(object->id());
    }
    for (const ManagedObject* object : delta.created) {
        if (!is_entity(*object)) continue;
        fresh_.push_back(object->ref());
        dirty_.insert(object->id());
    }
    for (const model::PropertyChange& change : delta.changes) {
        if (is_entity(*change.object)) observe(change);
    }
    const bool is_news =
        !gone_.empty() || !fresh_.empty() || !dirty_.empty() || !restated_.empty() || has_moved_;
    if (is_news) look_soon();
}

void Alarms::observe(const model::PropertyChange& change) {
    const ManagedObject& entity = *change.object;
    if (change.property == property::ManagedEntity::overallStatus) {
        const auto known = watched_.find(entity.id());
        if (known != watched_.end() && known->second.said_status &&
            !(change.new_value == shown_status(known->second))) {
            known->second.said_status = change.new_value;
            restated_.insert(entity.id());
        }
    }
    const bool is_machine = entity.type() == TypeId::VirtualMachine;
    if (change.property == property::ManagedEntity::parent) {
        is_machine ? void(dirty_.insert(entity.id())) : void(has_moved_ = true);
    } else if (is_machine && change.property == property::VirtualMachine::resourcePool) {
        dirty_.insert(entity.id());
    } else if (!alarms_for(entity.type()).empty() &&
               watched_properties_[entity.type()].contains(change.property)) {
        dirty_.insert(entity.id());
    }
}

void Alarms::mark_all() {
    context_.inventory.for_each([this](const ManagedObject& object) {
        if (is_entity(object)) dirty_.insert(object.id());
    });
    look_soon();
}

// Nothing can be set while a commit is being told.
void Alarms::look_soon() {
    if (is_looking_soon_) return;
    is_looking_soon_ = true;
    boost::asio::post(context_.runtime.strand(), [weak = std::weak_ptr(alive_)] {
        if (const auto self = weak.lock()) (*self)->look();
    });
}

void Alarms::look() {
    is_looking_soon_ = false;
    Round round;
    for (const std::string& each : std::exchange(gone_, {})) {
        if (context_.inventory.find(each) == nullptr) drop(each, round);
    }
    {
        model::Transaction transaction(context_.inventory);
        for (const MoRef& each : std::exchange(fresh_, {})) {
            const ManagedObject* entity = context_.inventory.find(each);
            if (entity != nullptr) show_entity(transaction, *entity);
        }
        transaction.commit();
    }
    if (std::exchange(has_moved_, false)) mark_all();
    for (const vim::Event& event : std::exchange(events_, {})) take(event, round);
    for (std::size_t i = 0; i < kMostAtOnce && !dirty_.empty(); ++i) {
        const std::string id = std::move(dirty_.extract(dirty_.begin()).value());
        const ManagedObject* entity = context_.inventory.find(id);
        if (entity != nullptr) look_at(*entity, round);
    }
    for (std::string each : std::exchange(restated_, {})) round.changed.insert(std::move(each));
    publish(round);
    if (!dirty_.empty()) look_soon();
}

bool Alarms::applies(const Alarm& alarm, const ManagedObject& entity,
                     std::vector<std::string>& ancestors) const {
    const MoRef anchor = alarm.info.entity();
    if (anchor.id == references::root_folder.id) return true;
    if (ancestors.empty()) ancestors = above(entity);
    return std::ranges::find(ancestors, anchor.id) != ancestors.end();
}

void Alarms::look_at(const ManagedObject& entity, Round& round) {
    std::vector<std::string> ancestors;
    const auto known = watched_.find(entity.id());
    if (known != watched_.end()) {
        Watched& watched = known->second;
        std::erase_if(watched.states, [&](State& state) {
            if (state.alarm->is_for(entity.type()) && applies(*state.alarm, entity, ancestors)) {
                return false;
            }
            if (state.is_triggered()) set_status(watched.ref, state, Status::gray, round);
            forget(entity.id(), state, round.batch);
            round.changed.insert(entity.id());
            return true;
        });
        // It may stand elsewhere.
        if (!watched.shown_on.empty()) place(watched, false, round);
    }
    if (!is_settled_ && !heard_.contains(entity.id())) {
        if (!is_heard(entity)) {
            unheard_.insert(entity.id());
            return;
        }
        heard_.insert(entity.id());
    }
    for (Alarm* each : alarms_for(entity.type())) {
        if (applies(*each, entity, ancestors)) state_of(entity, *each);
    }
    const auto watched = watched_.find(entity.id());
    if (watched == watched_.end()) return;
    for (State& state : watched->second.states) advance(entity, state, round);
}

void Alarms::advance(const ManagedObject& entity, State& state, Round& round,
                     std::int32_t event_key) {
    const Definition& definition = state.alarm->definition;
    const Memory before = state.memory;
    const auto now = context_.runtime.clock().steady_now();
    Outcome outcome;
    if (!state.alarm->info.enabled() || state.disabled) {
        state.memory.assign(state.memory.size(), {});
    } else {
        outcome = evaluate(definition.condition, EntityFacts(entity), definition.tolerance, now,
                           state.memory);
    }
    if (outcome.look_again) appointments_.emplace(*outcome.look_again, entity.id());
    const bool is_trigger = outcome.status >= Status::yellow && outcome.status > state.status;
    const bool is_quiet = is_trigger && state.quiet_until && now < *state.quiet_until;
    if (is_quiet) {
        appointments_.emplace(*state.quiet_until, entity.id());
    } else if (outcome.status != state.status) {
        set_status(entity.ref(), state, outcome.status, round);
        if (is_trigger) {
            state.quiet_until = now + definition.reporting_interval;
            state.event_key = event_key;
        }
    } else if (!differs(before, state.memory)) {
        return;
    }
    keep(entity.id(), state, round.batch);
}

void Alarms::set_status(const MoRef& entity, State& state, Status status, Round& round) {
    round.changes.push_back({entity, state.alarm->ref, state.status, status});
    round.changed.insert(entity.id);
    const bool shows = state.is_triggered() || status >= Status::yellow;
    state.status = status;
    state.time = context_.runtime.clock().wall_now();
    if (!state.is_triggered()) {
        state.acknowledged.reset();
        state.acknowledged_by.clear();
        state.event_key = 0;
    }
    if (shows) round.placed.insert(entity.id);
}

// Everything that was remembered is forgotten; what alarms say of the entity begins anew.
void Alarms::reset(const std::string& entity, State& state, Round& round) {
    state.memory.assign(leaf_count(state.alarm->definition.condition), {});
    state.quiet_until.reset();
    keep(entity, state, round.batch);
}

void Alarms::on_event(const vim::Event& event) {
    const bool is_awaited = std::ranges::any_of(alarms_, [&event](const auto& each) {
        bool found = false;
        if (!each.second->watches_events || !each.second->info.enabled()) return false;
        for_each_leaf(each.second->definition.condition, [&](const Condition& leaf) {
            found |= leaf.event && leaf.event->status && matches(*leaf.event, event);
        });
        return found;
    });
    if (!is_awaited || events_.size() >= kMostEvents) return;
    events_.push_back(event);
    look_soon();
}

void Alarms::take(const vim::Event& event, Round& round) {
    std::vector<const ManagedObject*> about;
    for (const MoRef& ref : service::objects_of(event)) {
        const ManagedObject* object = context_.inventory.find(ref);
        if (object == nullptr || !is_entity(*object)) continue;
        if (std::ranges::find(about, object) == about.end()) about.push_back(object);
    }
    if (about.empty()) about.push_back(context_.inventory.find(references::root_folder));
    const ManagedObject* main = *std::ranges::max_element(
        about, {}, [](const ManagedObject* object) { return rank_of(object->type()); });
    for (const auto& [_, each] : alarms_) {
        if (!each->watches_events || !each->info.enabled()) continue;
        for (const ManagedObject* entity : about) {
            std::vector<std::string> ancestors;
            Memory memory(leaf_count(each->definition.condition));
            const auto takes = [&](Memory& by) {
                return take_event(each->definition.condition, event, entity->type(), entity == main,
                                  by);
            };
            if (!takes(memory) || !applies(*each, *entity, ancestors)) continue;
            State& state = state_of(*entity, *each);
            const Memory before = state.memory;
            takes(state.memory);
            if (differs(before, state.memory)) keep(entity->id(), state, round.batch);
            advance(*entity, state, round, event.key());
        }
    }
}

// It is gone, and the alarms that were defined on it go with it.
void Alarms::drop(const std::string& entity, Round& round) {
    unheard_.erase(entity);
    if (without_actions_.erase(entity) > 0) forget_actions(entity, round.batch);
    std::vector<MoRef> orphans;
    for (const auto& [_, each] : alarms_) {
        if (each->info.entity().id == entity) orphans.push_back(each->ref);
    }
    for (const MoRef& each : orphans) {
        context_.runtime.spawn("an alarm of what is gone", remove(each, {}));
    }
    const auto known = watched_.find(entity);
    if (known == watched_.end()) return;
    for (const State& state : known->second.states) forget(entity, state, round.batch);
    known->second.states.clear();
    place(known->second, true, round);
    watched_.erase(known);
}

Awaitable<void> Alarms::tick(task::Runtime& runtime, std::weak_ptr<Alarms*> weak) {
    while (true) {
        co_await runtime.sleep(kTick);
        const auto held = weak.lock();
        if (!held) co_return;
        Alarms& self = **held;
        const auto now = runtime.clock().steady_now();
        if (!self.is_settled_ && now - self.started_ >= kSettling) {
            self.is_settled_ = true;
            self.dirty_.merge(self.unheard_);
            self.unheard_.clear();
            self.heard_.clear();
        }
        auto& appointments = self.appointments_;
        while (!appointments.empty() && appointments.begin()->first <= now) {
            self.dirty_.insert(appointments.extract(appointments.begin()).value().second);
        }
        if (!self.dirty_.empty()) self.look_soon();
    }
}

}  // namespace drover::center
