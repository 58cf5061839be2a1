#include "service/authorization/authorization.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "service/authorization/entity_properties.hpp"
#include "service/authorization/reader.hpp"
#include "vim/properties.hpp"
#include "vim/security_types.hpp"

namespace drover::service {

using model::ManagedObject;
using task::Awaitable;
using task::Caller;
using vim::MoRef;
using vim::TypeId;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::string_view kAnonymous = "System.Anonymous";
// More users than that are not remembered at a time.
constexpr std::size_t kMostRemembered = 1000;

bool is_entity(TypeId type) {
    return vim::is_a(type, TypeId::ManagedEntity);
}

// What everybody may see, logged in or not, so as to log in and out: each property has its
// privilege still.
bool is_public(const ManagedObject& object, std::string_view privilege) {
    return privilege == "System.View" &&
           (object.type() == TypeId::ServiceInstance || object.type() == TypeId::SessionManager);
}

// The entity of a task that has not been removed yet.
MoRef task_entity(const ManagedObject& task) {
    const auto& info = task.property(vim::property::Task::info);
    if (!info) return {};
    return vim::TaskInfo(info).entity().value_or(MoRef{});
}

bool started_by(const ManagedObject& task, const std::string& user) {
    const auto& info = task.property(vim::property::Task::info);
    if (!info) return false;
    const auto reason = vim::TaskInfo(info).reason().as<vim::TaskReasonUser>();
    return reason && reason.userName() == user;
}

}  // namespace

Authorization::Authorization(Parts parts)
    : parts_(std::move(parts)),
      turns_(parts_.runtime),
      state_(std::make_shared<AuthorizationState>(AuthorizationState{system_rules(), {}})) {
    subscription_ = parts_.inventory.observe([this](const model::Delta& delta) { observe(delta); });
    parts_.inventory.for_each([this](const ManagedObject& object) {
        if (is_entity(object.type())) note_entity(object);
    });
}

Awaitable<void> Authorization::load() {
    auto state = co_await parts_.runtime.blocking(
        "store",
        [&store = parts_.store] {
            return AuthorizationState{load_rules(store), load_directory(store)};
        },
        kStoreLimit);
    install(std::move(state));
    if (!rules().permissions.empty() || directory().users.empty()) co_return;
    co_await change([root = parts_.root.id](AuthorizationState& next) {
        const auto& users = next.directory.users;
        const auto first = std::ranges::min_element(users, {}, [](const auto& user) {
            return std::pair(user.first != "root", user.second.posix_id);
        });
        base::log_info("audit: '{}' is the first account and administers this host", first->first);
        next.rules.put({root, {first->first, false}, role::kAdmin, true});
    });
}

AuthorizationChange Authorization::install(AuthorizationState next) {
    const auto before = state_;
    // Those who evaluate refer to the rules: they go first.
    access_.clear();
    state_ = std::make_shared<AuthorizationState>(std::move(next));
    forget_access();
    const AuthorizationChange change{before, state_};
    for (const auto& listener : listeners_) listener();
    return change;
}

void Authorization::forget_access() {
    access_.clear();
    ++generation_;
    if (std::exchange(tells_, true)) return;
    boost::asio::post(parts_.runtime.strand(), [this] {
        tells_ = false;
        if (on_access_) on_access_();
    });
}

Awaitable<AuthorizationChange> Authorization::change(
    std::function<void(AuthorizationState&)> edit) {
    const auto turn = co_await turns_.take();
    AuthorizationState next = *state_;
    edit(next);
    for (const auto& [name, user] : directory().users) {
        if (next.directory.users.contains(name)) continue;
        next.rules.remove_principal({name, false});
        for (auto& [group_name, group] : next.directory.groups) group.members.erase(name);
    }
    for (const auto& [name, group] : directory().groups) {
        if (!next.directory.groups.contains(name)) next.rules.remove_principal({name, true});
    }
    const auto& root = parts_.root.id;
    if (administrators(next.rules, next.directory, root).empty() &&
        !administrators(rules(), directory(), root).empty()) {
        throw vim::make_fault<vim::AuthMinimumAdminPermission>(
            "Nobody would be left who administers everything.");
    }
    store::Batch batch = difference(rules(), next.rules);
    add_difference(batch, directory(), next.directory);
    if (batch.writes().empty()) co_return AuthorizationChange{state_, state_};
    co_await parts_.runtime.blocking(
        "store",
        [&store = parts_.store, batch = std::move(batch)]() mutable {
            store.commit_and_wait(std::move(batch));
        },
        kStoreLimit);
    co_return install(std::move(next));
}

std::shared_ptr<const Access> Authorization::access_of(const std::string& user) const {
    const auto known = access_.find(user);
    if (known != access_.end()) return known->second;
    if (access_.size() >= kMostRemembered) access_.clear();
    // The rules live as long as who refers to them.
    struct Held {
        std::shared_ptr<const AuthorizationState> state;
        Access access;
    };
    const auto held = std::make_shared<Held>(
        Held{state_, Access(state_->rules, parts_.inventory, user,
                            state_->directory.groups_of(user), parts_.root)});
    std::shared_ptr<const Access> made(held, &held->access);
    access_.emplace(user, made);
    return made;
}

const ManagedObject* Authorization::entity_of(const ManagedObject& object) const {
    if (is_entity(object.type())) return &object;
    MoRef anchor;
    if (object.type() == TypeId::Task) {
        anchor = task_entity(object);
    } else if (object.type() == TypeId::VirtualMachineSnapshot) {
        const auto& machine = object.property(vim::property::VirtualMachineSnapshot::vm);
        if (machine) anchor = machine.as_moref();
    } else if (parts_.anchor) {
        anchor = parts_.anchor(object);
    }
    const ManagedObject* found = anchor ? parts_.inventory.find(anchor) : nullptr;
    if (found != nullptr && is_entity(found->type())) return found;
    return parts_.inventory.find(parts_.root);
}

PrivilegeSet Authorization::privileges_on(const std::string& user,
                                          const ManagedObject& object) const {
    const auto access = access_of(user);
    if (access->administers_all()) return every_privilege();
    const ManagedObject* entity = entity_of(object);
    PrivilegeSet held = entity ? access->on(*entity).privileges : PrivilegeSet{};
    // The services themselves are there for everybody who may see anything at all.
    const bool is_service = !is_entity(object.type()) && entity != nullptr &&
                            entity->id() == parts_.root.id && object.type() != TypeId::Task;
    if (is_service && access->may_see_anything()) held.set(view_);
    if (object.type() == TypeId::Task && started_by(object, user)) {
        held.set(view_);
        held.set(privilege_index("System.Read"));
        held.set(privilege_index("Global.CancelTask"));
    }
    return held;
}

bool Authorization::may(const Caller& caller, const ManagedObject& object,
                        std::string_view privilege) const {
    if (privilege == kAnonymous || is_public(object, privilege)) return true;
    if (caller.session_key.empty()) return false;
    const auto owner = model::owning_session(object.id());
    if (!owner.empty()) return owner == caller.session_key;
    const auto access = access_of(caller.user);
    if (access->administers_all()) return true;
    const auto index = find_privilege(privilege.empty() ? "System.Read" : privilege);
    if (!index) return false;
    if (is_entity(object.type())) return access->on(object).has(*index);
    return privileges_on(caller.user, object).test(*index);
}

bool Authorization::may(const Caller& caller, const MoRef& object,
                        std::string_view privilege) const {
    if (privilege == kAnonymous) return true;
    const ManagedObject* found = parts_.inventory.find(object);
    return found != nullptr && may(caller, *found, privilege);
}

model::ReaderPtr Authorization::reader_of(const Caller& caller) {
    return std::make_shared<AuthorizedReader>(*this, caller);
}

void Authorization::observe(const model::Delta& delta) {
    std::vector<std::string> gone;
    bool moved = false;
    for (const auto& object : delta.destroyed) {
        if (rules().permissions.contains(object->id())) gone.push_back(object->id());
    }
    for (const ManagedObject* object : delta.created) {
        if (!is_entity(object->type())) continue;
        note_entity(*object);
        // It may stand above something that was there before it.
        moved |= rules().permissions.contains(object->id());
    }
    for (const model::PropertyChange& change : delta.changes) {
        namespace property = vim::property;
        const TypeId type = change.object->type();
        moved |= change.property == property::ManagedEntity::parent && is_entity(type);
        moved |= type == TypeId::VirtualMachine &&
                 (change.property == property::VirtualMachine::resourcePool ||
                  change.property == property::VirtualMachine::parentVApp);
    }
    if (moved) forget_access();
    if (!gone.empty()) {
        parts_.runtime.spawn("permissions of removed entities", drop_entities(std::move(gone)));
    }
}

// Its computed properties can't be set while a commit is being told.
void Authorization::note_entity(const ManagedObject& entity) {
    if (new_entities_.empty()) {
        boost::asio::post(parts_.runtime.strand(), [this] { publish_entities(); });
    }
    new_entities_.push_back(entity.ref());
}

void Authorization::publish_entities() {
    model::Transaction transaction(parts_.inventory);
    for (const MoRef& entity : std::exchange(new_entities_, {})) {
        if (transaction.exists(entity)) compute_entity_properties(transaction, entity, *this);
    }
    transaction.commit();
}

Awaitable<void> Authorization::drop_entities(std::vector<std::string> gone) {
    co_await change([&gone, this](AuthorizationState& next) {
        for (const std::string& entity : gone) {
            // It may have come back meanwhile.
            if (parts_.inventory.find(std::string_view(entity)) == nullptr) {
                next.rules.remove_entity(entity);
            }
        }
    });
}

}  // namespace drover::service
