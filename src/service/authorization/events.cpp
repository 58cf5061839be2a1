#include "service/authorization/events.hpp"

#include "vim/history_types.hpp"
#include "vim/properties.hpp"
#include "vim/security_types.hpp"

namespace drover::service {
namespace {

vim::RoleEventArgument argument_of(const Role& role) {
    auto made = vim::RoleEventArgument::make();
    made.set_roleId(role.id);
    made.set_name(role.name);
    return made;
}

template <class Event>
Event role_event(const Role& role) {
    auto event = Event::make();
    event.set_role(argument_of(role));
    return event;
}

std::vector<std::string_view> ids_without(const PrivilegeSet& set, const PrivilegeSet& without) {
    return privilege_ids(set & ~without);
}

void post_roles(EventLog& events, const Rules& before, const Rules& after,
                const std::string& user) {
    for (const auto& [id, role] : after.roles) {
        const Role* old = before.find_role(id);
        if (old == nullptr) {
            auto event = role_event<vim::RoleAddedEvent>(role);
            event.set_privilegeList(privilege_ids(role.privileges));
            events.post(event, user);
        } else if (!(*old == role)) {
            auto event = role_event<vim::RoleUpdatedEvent>(role);
            event.set_privilegeList(privilege_ids(role.privileges));
            event.set_prevRoleName(old->name);
            event.set_privilegesAdded(ids_without(role.privileges, old->privileges));
            event.set_privilegesRemoved(ids_without(old->privileges, role.privileges));
            events.post(event, user);
        }
    }
    for (const auto& [id, role] : before.roles) {
        if (after.find_role(id) == nullptr) {
            events.post(role_event<vim::RoleRemovedEvent>(role), user);
        }
    }
}

class PermissionEvents {
public:
    PermissionEvents(EventLog& events, const model::Inventory& inventory,
                     const AuthorizationChange& change, const std::string& user)
        : events_(events),
          inventory_(inventory),
          before_(change.before->rules),
          after_(change.after->rules),
          user_(user) {}

    void post() const {
        for (const auto& [entity, on_entity] : after_.permissions) {
            for (const auto& [principal, permission] : on_entity) told_now(permission);
        }
        for (const auto& [entity, on_entity] : before_.permissions) {
            for (const auto& [principal, permission] : on_entity) {
                if (find(after_, permission) == nullptr) {
                    events_.post(made<vim::PermissionRemovedEvent>(permission), user_);
                }
            }
        }
    }

private:
    static const Permission* find(const Rules& rules, const Permission& like) {
        const auto on_entity = rules.permissions.find(like.entity);
        if (on_entity == rules.permissions.end()) return nullptr;
        const auto found = on_entity->second.find(like.principal);
        return found == on_entity->second.end() ? nullptr : &found->second;
    }

    template <class Event>
    Event made(const Permission& permission) const {
        auto event = Event::make();
        auto argument = vim::ManagedEntityEventArgument::make();
        if (const auto* entity = inventory_.find(std::string_view(permission.entity))) {
            argument.set_entity(entity->ref());
            const auto& name = entity->property(vim::property::ManagedEntity::name);
            argument.set_name(name ? name.as_string() : std::string_view{});
        } else {
            argument.set_entity({vim::TypeId::ManagedEntity, permission.entity});
            argument.set_name("");
        }
        event.set_entity(argument);
        event.set_principal(permission.principal.name);
        event.set_group(permission.principal.is_group);
        return event;
    }

    template <class Event>
    Event made_with_role(const Permission& permission) const {
        auto event = made<Event>(permission);
        if (const Role* role = after_.find_role(permission.role)) {
            event.set_role(argument_of(*role));
        }
        event.set_propagate(permission.propagate);
        return event;
    }

    void told_now(const Permission& permission) const {
        const Permission* old = find(before_, permission);
        if (old == nullptr) {
            events_.post(made_with_role<vim::PermissionAddedEvent>(permission), user_);
        } else if (!(*old == permission)) {
            auto event = made_with_role<vim::PermissionUpdatedEvent>(permission);
            if (const Role* role = before_.find_role(old->role)) {
                event.set_prevRole(argument_of(*role));
            }
            event.set_prevPropagate(old->propagate);
            events_.post(event, user_);
        }
    }

    EventLog& events_;
    const model::Inventory& inventory_;
    const Rules& before_;
    const Rules& after_;
    const std::string& user_;
};

vim::HostEventArgument host_argument(const model::Inventory& inventory) {
    auto made = vim::HostEventArgument::make();
    inventory.for_each([&](const model::ManagedObject& object) {
        if (object.type() != vim::TypeId::HostSystem || made.host()) return;
        made.set_host(object.ref());
        const auto& name = object.property(vim::property::ManagedEntity::name);
        made.set_name(name ? name.as_string() : std::string_view{});
    });
    return made;
}

template <class Entry>
vim::HostAccountSpec spec_of(const std::string& name, const Entry& entry) {
    auto spec = vim::HostAccountSpec::make();
    spec.set_id(name);
    spec.set_description(entry.description);
    return spec;
}

void post_password_changes(EventLog& events, const model::Inventory& inventory,
                           const Directory& before, const Directory& after,
                           const std::string& user) {
    for (const auto& [name, account] : after.users) {
        const auto old = before.users.find(name);
        if (old == before.users.end() || old->second.hash == account.hash) continue;
        auto event = vim::UserPasswordChanged::make();
        event.set_userLogin(name);
        event.set_host(host_argument(inventory));
        events.post(event, user);
    }
}

// Users and groups alike.
template <class Map>
void post_accounts(EventLog& events, const model::Inventory& inventory, const Map& before,
                   const Map& after, bool are_groups, const std::string& user) {
    for (const auto& [name, entry] : after) {
        const auto old = before.find(name);
        if (old == before.end()) {
            auto event = vim::AccountCreatedEvent::make();
            event.set_spec(spec_of(name, entry));
            event.set_group(are_groups);
            event.set_host(host_argument(inventory));
            events.post(event, user);
        } else if (!(old->second == entry)) {
            auto event = vim::AccountUpdatedEvent::make();
            event.set_spec(spec_of(name, entry));
            event.set_group(are_groups);
            event.set_host(host_argument(inventory));
            events.post(event, user);
        }
    }
    for (const auto& [name, entry] : before) {
        if (after.contains(name)) continue;
        auto event = vim::AccountRemovedEvent::make();
        event.set_account(name);
        event.set_group(are_groups);
        event.set_host(host_argument(inventory));
        events.post(event, user);
    }
}

}  // namespace

void post_change_events(EventLog* events, const model::Inventory& inventory,
                        const AuthorizationChange& change, const std::string& user) {
    if (events == nullptr || change.before == change.after) return;
    const auto& before = *change.before;
    const auto& after = *change.after;
    post_accounts(*events, inventory, before.directory.users, after.directory.users, false, user);
    post_password_changes(*events, inventory, before.directory, after.directory, user);
    post_accounts(*events, inventory, before.directory.groups, after.directory.groups, true, user);
    post_roles(*events, before.rules, after.rules, user);
    PermissionEvents(*events, inventory, change, user).post();
}

}  // namespace drover::service
