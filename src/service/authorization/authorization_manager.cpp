#include "service/authorization/authorization_manager.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "service/authorization/entity_properties.hpp"
#include "service/authorization/events.hpp"
#include "vim/properties.hpp"
#include "vim/security_types.hpp"

namespace drover::service {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::AuthorizationManager;

namespace {

constexpr std::size_t kMostRoles = 1000;
constexpr std::size_t kMostPermissions = 10'000;
constexpr std::size_t kRoleNameBytes = 80;

std::string check_role_name(std::string_view name) {
    const bool has_control = std::ranges::any_of(
        name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (name.empty() || name.size() > kRoleNameBytes || has_control) {
        auto fault = vim::InvalidName::make();
        fault.set_name(name.substr(0, kRoleNameBytes));
        throw vim::Fault(fault, "A role's name has 1 to 80 bytes and no control characters.");
    }
    return std::string(name);
}

void check_free(const Rules& rules, std::string_view name, int but) {
    const Role* other = rules.find_role(name);
    if (other == nullptr || other->id == but) return;
    auto fault = vim::AlreadyExists::make();
    fault.set_name(name);
    throw vim::Fault(fault, fmt::format("There is a role '{}' already.", name));
}

PrivilegeSet read_privileges(const vim::ArrayView<std::string_view>& ids) {
    PrivilegeSet set;
    for (const auto id : {"System.Anonymous", "System.Read", "System.View"}) {
        set.set(privilege_index(id));
    }
    for (const auto id : ids) {
        const auto index = find_privilege(id);
        if (!index) {
            throw vim::invalid_argument(
                "privIds", fmt::format("There is no privilege '{}'.", id.substr(0, 100)));
        }
        set.set(*index);
    }
    return set;
}

Role& own_role(Rules& rules, int id) {
    const auto found = rules.roles.find(id);
    if (found == rules.roles.end()) throw no_role(id);
    if (found->second.is_system()) {
        throw vim::invalid_argument("roleId",
                                    fmt::format("'{}' is one of the system's roles; it can't be "
                                                "changed.",
                                                found->second.name));
    }
    return found->second;
}

vim::AuthorizationRole describe(const Role& role) {
    auto made = vim::AuthorizationRole::make();
    made.set_roleId(role.id);
    made.set_system(role.is_system());
    made.set_name(role.name);
    auto info = vim::Description::make();
    info.set_label(role.label);
    info.set_summary(role.summary);
    made.set_info(info);
    made.set_privilege(privilege_ids(role.privileges));
    return made;
}

template <class T>
Value array_of(TypeId type, const std::vector<T>& list) {
    std::vector<Value> values;
    for (const auto& each : list) values.push_back(each.raw());
    return Value::array(type, std::move(values));
}

}  // namespace

vim::Fault no_role(int id) {
    return vim::make_fault<vim::NotFound>(fmt::format("There is no role {}.", id));
}

AuthorizationManager::AuthorizationManager(task::Dispatcher& dispatcher,
                                           Authorization& authorization, const Sessions& sessions,
                                           MoRef manager, EventLog* events)
    : authorization_(authorization),
      sessions_(sessions),
      manager_(std::move(manager)),
      events_(events) {
    create_object();
    authorization_.on_change([this] { publish_roles(); });
    dispatcher.add("AddAuthorizationRole", [this](Call call) { return add_role(std::move(call)); });
    dispatcher.add("UpdateAuthorizationRole",
                   [this](Call call) { return update_role(std::move(call)); });
    dispatcher.add("RemoveAuthorizationRole",
                   [this](Call call) { return remove_role(std::move(call)); });
    dispatcher.add("MergePermissions", [this](Call call) { return merge_roles(std::move(call)); });
    dispatcher.add("SetEntityPermissions",
                   [this](Call call) { return set_permissions(std::move(call), false); });
    dispatcher.add("ResetEntityPermissions",
                   [this](Call call) { return set_permissions(std::move(call), true); });
    dispatcher.add("RemoveEntityPermission",
                   [this](Call call) { return remove_permission(std::move(call)); });
    serve_questions(dispatcher);
}

void AuthorizationManager::create_object() {
    model::Transaction transaction(authorization_.inventory());
    transaction.create(manager_.type, manager_.id);
    transaction.set(manager_, property::privilegeList, privilege_list());
    transaction.set(manager_, property::description, privilege_description().raw());
    transaction.commit();
    publish_roles();
}

void AuthorizationManager::publish_roles() {
    std::vector<vim::AuthorizationRole> roles;
    for (const auto& [id, role] : authorization_.rules().roles) roles.push_back(describe(role));
    model::Transaction transaction(authorization_.inventory());
    transaction.set(manager_, property::roleList, array_of(TypeId::AuthorizationRole, roles));
    transaction.commit();
}

Awaitable<Value> AuthorizationManager::change(Call call, Edit edit) {
    const auto done = co_await authorization_.change(std::move(edit));
    const std::string& user = call.caller->user;
    if (done.before != done.after) {
        base::log_info("audit: '{}' changed roles or permissions: {}", user, call.method->name());
    }
    post_change_events(events_, authorization_.inventory(), done, user);
    co_return Value{};
}

Awaitable<Value> AuthorizationManager::add_role(Call call) {
    const auto request = call.arguments<vim::AddAuthorizationRoleRequest>();
    const std::string name = check_role_name(request.name());
    const PrivilegeSet privileges = read_privileges(request.privIds());
    int id = 0;
    co_await change(call, [&](AuthorizationState& next) {
        check_free(next.rules, name, 0);
        if (next.rules.roles.size() >= kMostRoles) {
            throw vim::make_fault<vim::InvalidRequest>("There are too many roles.");
        }
        id = next.rules.next_role++;
        next.rules.roles.emplace(id, Role{id, name, name, name, privileges});
    });
    co_return Value::int_(id);
}

Awaitable<Value> AuthorizationManager::update_role(Call call) {
    const auto request = call.arguments<vim::UpdateAuthorizationRoleRequest>();
    const int id = request.roleId();
    co_return co_await change(call, [&](AuthorizationState& next) {
        Role& role = own_role(next.rules, id);
        const std::string name = check_role_name(request.newName());
        check_free(next.rules, name, id);
        role = Role{id, name, name, name, read_privileges(request.privIds())};
    });
}

Awaitable<Value> AuthorizationManager::remove_role(Call call) {
    const auto request = call.arguments<vim::RemoveAuthorizationRoleRequest>();
    const int id = request.roleId();
    co_return co_await change(call, [&](AuthorizationState& next) {
        own_role(next.rules, id);
        const auto used = next.rules.with_role(id);
        if (!used.empty() && request.failIfUsed()) {
            throw vim::make_fault<vim::RemoveFailed>(
                fmt::format("The role {} is used by {} permissions.", id, used.size()));
        }
        for (const Permission& each : used) next.rules.remove(each.entity, each.principal);
        next.rules.roles.erase(id);
    });
}

Awaitable<Value> AuthorizationManager::merge_roles(Call call) {
    const auto request = call.arguments<vim::MergePermissionsRequest>();
    const int from = request.srcRoleId();
    const int into = request.dstRoleId();
    co_return co_await change(call, [&](AuthorizationState& next) {
        for (const int id : {from, into}) {
            if (next.rules.find_role(id) == nullptr) throw no_role(id);
        }
        if (into == role::kView || into == role::kAnonymous) {
            throw vim::invalid_argument("dstRoleId", "This role can't be granted.");
        }
        for (Permission each : next.rules.with_role(from)) {
            each.role = into;
            next.rules.put(std::move(each));
        }
    });
}

std::vector<Permission> AuthorizationManager::read_permissions(
    const vim::ArrayView<vim::Permission>& list, const MoRef& entity,
    const AuthorizationState& state) const {
    std::vector<Permission> permissions;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto given = list[i];
        const std::string path = fmt::format("permission[{}]", i);
        Permission made{entity.id,
                        {std::string(given.principal()), given.group()},
                        given.roleId(),
                        given.propagate()};
        if (given.entity() && given.entity()->id != entity.id) {
            throw vim::invalid_argument(path + ".entity", "It names another entity.");
        }
        if (!state.directory.knows(made.principal)) {
            auto fault = vim::UserNotFound::make();
            fault.set_principal(made.principal.name);
            fault.set_unresolved(true);
            throw vim::Fault(fault, fmt::format("There is no {} '{}'.",
                                                made.principal.is_group ? "group" : "user",
                                                made.principal.name.substr(0, 100)));
        }
        if (state.rules.find_role(made.role) == nullptr) throw no_role(made.role);
        if (made.role == role::kView || made.role == role::kAnonymous) {
            throw vim::invalid_argument(path + ".roleId", "This role can't be granted.");
        }
        permissions.push_back(std::move(made));
    }
    return permissions;
}

Awaitable<Value> AuthorizationManager::set_permissions(Call call, bool replaces) {
    // Both requests look alike.
    const MoRef given = call.request.property("entity").as_moref();
    const MoRef entity = authorization_.inventory().get(given).ref();
    const vim::ArrayView<vim::Permission> list(call.request.property("permission"));
    co_return co_await change(call, [&](AuthorizationState& next) {
        auto permissions = read_permissions(list, entity, next);
        if (replaces) next.rules.remove_entity(entity.id);
        for (Permission& each : permissions) next.rules.put(std::move(each));
        std::size_t count = 0;
        for (const auto& [id, on_entity] : next.rules.permissions) count += on_entity.size();
        if (count > kMostPermissions) {
            throw vim::make_fault<vim::InvalidRequest>("There are too many permissions.");
        }
    });
}

Awaitable<Value> AuthorizationManager::remove_permission(Call call) {
    const auto request = call.arguments<vim::RemoveEntityPermissionRequest>();
    const Principal principal{std::string(request.user()), request.isGroup()};
    const std::string entity = request.entity().id;
    co_return co_await change(call, [&](AuthorizationState& next) {
        if (!next.rules.remove(entity, principal)) {
            throw vim::make_fault<vim::NotFound>(fmt::format(
                "'{}' has no permission on '{}'.", principal.name.substr(0, 100), entity));
        }
    });
}

}  // namespace drover::service
