#include "service/authorization/rules.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/log.hpp"

namespace drover::service {
namespace {

constexpr std::string_view kRoleKind = "role";
constexpr std::string_view kPermissionKind = "permission";
constexpr std::string_view kCounterKind = "authorization";
constexpr std::string_view kCounterId = "next-role";

PrivilegeSet set_of(std::initializer_list<std::string_view> ids) {
    PrivilegeSet set;
    for (const auto id : ids) set.set(privilege_index(id));
    return set;
}

std::optional<int> parse_int(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

// "<entity>\n<u or g>\n<principal>": neither holds a line break.
std::string permission_id(const Permission& permission) {
    return fmt::format("{}\n{}\n{}", permission.entity, permission.principal.is_group ? 'g' : 'u',
                       permission.principal.name);
}

store::Record role_record(const Role& role) {
    store::Record record;
    record.kind = kRoleKind;
    record.id = std::to_string(role.id);
    record.name = role.name;
    for (const auto id : privilege_ids(role.privileges)) {
        if (!record.value.empty()) record.value += '\n';
        record.value += id;
    }
    return record;
}

store::Record permission_record(const Permission& permission) {
    store::Record record;
    record.kind = kPermissionKind;
    record.id = permission_id(permission);
    record.parent = permission.entity;
    record.value = fmt::format("{} {}", permission.role, permission.propagate ? 1 : 0);
    return record;
}

std::optional<Role> read_role(const store::Record& record) {
    const auto id = parse_int(record.id);
    if (!id || *id < role::kFirstOwn) return std::nullopt;
    Role made{*id, record.name, record.name, record.name, {}};
    for (const auto privilege : split(record.value, '\n')) {
        // One that a later release has dropped grants nothing any more.
        if (const auto index = find_privilege(privilege)) made.privileges.set(*index);
    }
    return made;
}

std::optional<Permission> read_permission(const store::Record& record) {
    const auto key = split(record.id, '\n');
    const auto value = split(record.value, ' ');
    if (key.size() != 3 || value.size() != 2) return std::nullopt;
    const auto role = parse_int(value[0]);
    if (!role) return std::nullopt;
    return Permission{
        std::string(key[0]), {std::string(key[2]), key[1] == "g"}, *role, value[1] == "1"};
}

}  // namespace

const Role* Rules::find_role(int id) const {
    const auto found = roles.find(id);
    return found == roles.end() ? nullptr : &found->second;
}

const Role* Rules::find_role(std::string_view name) const {
    for (const auto& [id, role] : roles) {
        if (role.name == name) return &role;
    }
    return nullptr;
}

std::vector<Permission> Rules::with_role(int id) const {
    std::vector<Permission> found;
    for (const auto& [entity, on_entity] : permissions) {
        for (const auto& [principal, permission] : on_entity) {
            if (permission.role == id) found.push_back(permission);
        }
    }
    return found;
}

void Rules::put(Permission permission) {
    auto& on_entity = permissions[permission.entity];
    const Principal principal = permission.principal;
    on_entity.insert_or_assign(principal, std::move(permission));
}

bool Rules::remove(std::string_view entity, const Principal& principal) {
    const auto found = permissions.find(entity);
    if (found == permissions.end() || found->second.erase(principal) == 0) return false;
    if (found->second.empty()) permissions.erase(found);
    return true;
}

void Rules::remove_entity(std::string_view entity) {
    const auto found = permissions.find(entity);
    if (found != permissions.end()) permissions.erase(found);
}

void Rules::remove_principal(const Principal& principal) {
    std::vector<std::string> entities;
    for (const auto& [entity, on_entity] : permissions) {
        if (on_entity.contains(principal)) entities.push_back(entity);
    }
    for (const auto& entity : entities) remove(entity, principal);
}

Rules system_rules() {
    Rules rules;
    const auto add = [&](Role made) { rules.roles.emplace(made.id, std::move(made)); };
    add({role::kAdmin, "Admin", "Administrator", "Full access rights", every_privilege()});
    add({role::kReadOnly, "ReadOnly", "Read-only", "See details of objects, but not make changes",
         set_of({"System.Anonymous", "System.Read", "System.View"})});
    add({role::kView, "View", "View", "Visibility access (cannot be granted)",
         set_of({"System.Anonymous", "System.View"})});
    add({role::kAnonymous, "Anonymous", "Anonymous", "Not logged-in user (cannot be granted)",
         set_of({"System.Anonymous"})});
    add({role::kNoAccess, "NoAccess", "No access", "Used for restricting granted access", {}});
    Role without_crypto{role::kNoCryptoAdmin, "NoCryptoAdmin", "No cryptography administrator",
                        "Full access without Cryptographic operations privileges",
                        every_privilege()};
    const auto& all = all_privileges();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].group == "Cryptographer") without_crypto.privileges.reset(i);
    }
    add(std::move(without_crypto));
    return rules;
}

Rules load_rules(const store::Store& store) {
    Rules rules = system_rules();
    for (const auto& record : store.load(kRoleKind)) {
        if (auto role = read_role(record)) {
            const int id = role->id;
            rules.next_role = std::max(rules.next_role, id + 1);
            rules.roles.emplace(id, *std::move(role));
        } else {
            base::log_error("the stored role '{}' can't be read; it is left out", record.id);
        }
    }
    for (const auto& record : store.load(kPermissionKind)) {
        auto permission = read_permission(record);
        if (permission && rules.find_role(permission->role) != nullptr) {
            rules.put(*std::move(permission));
        } else {
            base::log_error("the stored permission '{}' can't be read; it is left out", record.id);
        }
    }
    if (const auto counter = store.get(kCounterKind, kCounterId)) {
        rules.next_role = std::max(rules.next_role, parse_int(counter->value).value_or(0));
    }
    return rules;
}

store::Batch difference(const Rules& from, const Rules& to) {
    store::Batch batch;
    for (const auto& [id, role] : to.roles) {
        const Role* old = from.find_role(id);
        if (!role.is_system() && (!old || !(*old == role))) batch.put(role_record(role));
    }
    for (const auto& [id, role] : from.roles) {
        if (!to.find_role(id)) batch.remove(std::string(kRoleKind), std::to_string(id));
    }
    const Rules::OnEntity none;
    const auto on = [&](const Rules& rules, const std::string& entity) -> const Rules::OnEntity& {
        const auto found = rules.permissions.find(entity);
        return found == rules.permissions.end() ? none : found->second;
    };
    for (const auto& [entity, on_entity] : to.permissions) {
        const auto& old = on(from, entity);
        for (const auto& [principal, permission] : on_entity) {
            const auto known = old.find(principal);
            if (known != old.end() && known->second == permission) continue;
            batch.put(permission_record(permission));
        }
    }
    for (const auto& [entity, on_entity] : from.permissions) {
        const auto& now = on(to, entity);
        for (const auto& [principal, permission] : on_entity) {
            if (now.contains(principal)) continue;
            batch.remove(std::string(kPermissionKind), permission_id(permission));
        }
    }
    if (to.next_role != from.next_role) {
        store::Record counter;
        counter.kind = kCounterKind;
        counter.id = kCounterId;
        counter.value = std::to_string(to.next_role);
        batch.put(std::move(counter));
    }
    return batch;
}

}  // namespace drover::service
