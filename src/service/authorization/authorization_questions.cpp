// What AuthorizationManager answers without changing anything.

#include <algorithm>

#include "service/authorization/authorization_manager.hpp"
#include "service/authorization/entity_properties.hpp"
#include "vim/properties.hpp"
#include "vim/security_types.hpp"

namespace drover::service {

using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

vim::EntityPrivilege availability(const MoRef& entity, const PrivilegeSet& held,
                                  const vim::ArrayView<std::string_view>& asked) {
    std::vector<vim::PrivilegeAvailability> list;
    for (const auto id : asked) {
        const auto index = find_privilege(id);
        auto one = vim::PrivilegeAvailability::make();
        one.set_privId(id);
        one.set_isGranted(index && held.test(*index));
        list.push_back(std::move(one));
    }
    auto made = vim::EntityPrivilege::make();
    made.set_entity(entity);
    made.set_privAvailability(list);
    return made;
}

template <class T>
Value array_of(TypeId type, const std::vector<T>& list) {
    std::vector<Value> values;
    for (const auto& each : list) values.push_back(each.raw());
    return Value::array(type, std::move(values));
}

}  // namespace

void AuthorizationManager::serve_questions(task::Dispatcher& dispatcher) {
    using Question = Value (AuthorizationManager::*)(const Call&) const;
    const auto serve = [&](std::string_view method, Question question) {
        dispatcher.add_direct(
            method, [this, question](const Call& call) { return (this->*question)(call); });
    };
    serve("RetrieveEntityPermissions", &AuthorizationManager::entity_permissions);
    serve("RetrieveAllPermissions", &AuthorizationManager::all_permissions);
    serve("RetrieveRolePermissions", &AuthorizationManager::role_permissions);
    serve("HasPrivilegeOnEntity", &AuthorizationManager::has_on_entity);
    serve("HasPrivilegeOnEntities", &AuthorizationManager::has_on_entities);
    serve("HasUserPrivilegeOnEntities", &AuthorizationManager::user_has_on_entities);
    serve("FetchUserPrivilegeOnEntities", &AuthorizationManager::fetch_user_privileges);
}

// Those on entities that are there and may be seen by the caller.
std::vector<Value> AuthorizationManager::visible(const Call& call,
                                                 const std::vector<Permission>& permissions) const {
    std::vector<Value> found;
    for (const Permission& each : permissions) {
        const auto* entity = authorization_.inventory().find(std::string_view(each.entity));
        if (entity == nullptr || !authorization_.may(*call.caller, *entity, "System.View")) {
            continue;
        }
        found.push_back(service::describe(each, entity->ref()).raw());
    }
    return found;
}

Value AuthorizationManager::entity_permissions(const Call& call) const {
    const auto request = call.arguments<vim::RetrieveEntityPermissionsRequest>();
    const auto& rules = authorization_.rules();
    std::vector<Permission> found;
    std::vector<const model::ManagedObject*> queue{
        &authorization_.inventory().get(request.entity())};
    for (std::size_t i = 0; i < queue.size() && i < 1000; ++i) {
        const auto on_entity = rules.permissions.find(queue[i]->id());
        if (on_entity != rules.permissions.end()) {
            for (const auto& [principal, permission] : on_entity->second) {
                if (i == 0 || permission.propagate) found.push_back(permission);
            }
        }
        if (!request.inherited()) break;
        const auto follow = [&](const MoRef& above) {
            const auto* entity = above ? authorization_.inventory().find(above) : nullptr;
            if (entity && std::ranges::find(queue, entity) == queue.end()) queue.push_back(entity);
        };
        follow(parent_of(*queue[i]));
        if (queue[i]->type() == TypeId::VirtualMachine) {
            const auto& pool = queue[i]->property(vim::property::VirtualMachine::resourcePool);
            if (pool) follow(pool.as_moref());
        }
    }
    return Value::array(TypeId::Permission, visible(call, found));
}

Value AuthorizationManager::all_permissions(const Call& call) const {
    std::vector<Permission> found;
    for (const auto& [entity, on_entity] : authorization_.rules().permissions) {
        for (const auto& [principal, permission] : on_entity) found.push_back(permission);
    }
    return Value::array(TypeId::Permission, visible(call, found));
}

Value AuthorizationManager::role_permissions(const Call& call) const {
    const int id = call.arguments<vim::RetrieveRolePermissionsRequest>().roleId();
    if (authorization_.rules().find_role(id) == nullptr) throw no_role(id);
    return Value::array(TypeId::Permission, visible(call, authorization_.rules().with_role(id)));
}

std::string AuthorizationManager::user_of_session(std::string_view key) const {
    const auto session = sessions_.find_by_key(key);
    if (!session) throw vim::invalid_argument("sessionId", "There is no such session.");
    return session->user;
}

void AuthorizationManager::require_user(std::string_view user) const {
    if (authorization_.directory().users.contains(user)) return;
    throw vim::invalid_argument("userName", "There is no such user.");
}

Value AuthorizationManager::has_on_entity(const Call& call) const {
    const auto request = call.arguments<vim::HasPrivilegeOnEntityRequest>();
    const auto& entity = authorization_.inventory().get(request.entity());
    const auto held = authorization_.privileges_on(user_of_session(request.sessionId()), entity);
    std::vector<Value> answers;
    for (const auto id : request.privId()) {
        const auto index = find_privilege(id);
        answers.push_back(Value::boolean(index && held.test(*index)));
    }
    return Value::array(TypeId::boolean, std::move(answers));
}

Value AuthorizationManager::has_on_entities(const Call& call) const {
    const auto request = call.arguments<vim::HasPrivilegeOnEntitiesRequest>();
    const std::string user = user_of_session(request.sessionId());
    std::vector<vim::EntityPrivilege> answers;
    for (const MoRef& given : request.entity()) {
        const auto& entity = authorization_.inventory().get(given);
        answers.push_back(availability(entity.ref(), authorization_.privileges_on(user, entity),
                                       request.privId()));
    }
    return array_of(TypeId::EntityPrivilege, answers);
}

Value AuthorizationManager::user_has_on_entities(const Call& call) const {
    const auto request = call.arguments<vim::HasUserPrivilegeOnEntitiesRequest>();
    const std::string user(request.userName());
    require_user(user);
    std::vector<vim::EntityPrivilege> answers;
    for (const MoRef& given : request.entities()) {
        const auto& entity = authorization_.inventory().get(given);
        if (!authorization_.may(*call.caller, entity, "System.View")) {
            throw vim::no_permission(entity.ref(), "System.View");
        }
        answers.push_back(availability(entity.ref(), authorization_.privileges_on(user, entity),
                                       request.privId()));
    }
    return array_of(TypeId::EntityPrivilege, answers);
}

Value AuthorizationManager::fetch_user_privileges(const Call& call) const {
    const auto request = call.arguments<vim::FetchUserPrivilegeOnEntitiesRequest>();
    const std::string user(request.userName());
    require_user(user);
    std::vector<vim::UserPrivilegeResult> answers;
    for (const MoRef& given : request.entities()) {
        const auto& entity = authorization_.inventory().get(given);
        if (!authorization_.may(*call.caller, entity, "System.View")) {
            throw vim::no_permission(entity.ref(), "System.View");
        }
        auto answer = vim::UserPrivilegeResult::make();
        answer.set_entity(entity.ref());
        answer.set_privileges(privilege_ids(authorization_.privileges_on(user, entity)));
        answers.push_back(std::move(answer));
    }
    return array_of(TypeId::UserPrivilegeResult, answers);
}

}  // namespace drover::service
