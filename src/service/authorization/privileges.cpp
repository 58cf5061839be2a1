#include "service/authorization/privileges.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/check.hpp"
#include "service/authorization/privilege_names.hpp"
#include "vim/schema.hpp"

namespace drover::service {
namespace {

using vim::Value;

// "AddNewDisk" -> "Add new disk", for what has no label of its own.
std::string label_of(std::string_view name) {
    std::string label;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool upper = name[i] >= 'A' && name[i] <= 'Z';
        const bool starts_word = upper && i > 0 && !(name[i - 1] >= 'A' && name[i - 1] <= 'Z');
        if (starts_word) label += ' ';
        label += starts_word ? static_cast<char>(name[i] | 0x20) : name[i];
    }
    return label;
}

using ById = std::map<std::string, Privilege, std::less<>>;

void add_named(ById& all) {
    for (const PrivilegeGroupNames& group : privilege_names()) {
        std::string_view rest = group.names;
        while (!rest.empty()) {
            const auto end = std::min(rest.find(';'), rest.size());
            std::string_view entry = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            const bool on_parent = entry.starts_with('^');
            if (on_parent) entry.remove_prefix(1);
            const auto equals = entry.find('=');
            DROVER_CHECK(equals != std::string_view::npos);
            const std::string name(entry.substr(0, equals));
            const std::string id = std::string(group.group) + "." + name;
            all.try_emplace(id, Privilege{id, std::string(group.group), name,
                                          std::string(entry.substr(equals + 1)), on_parent});
        }
    }
}

void add_unnamed(ById& all, std::string_view id) {
    if (id.empty() || all.contains(id)) return;
    const auto dot = id.rfind('.');
    DROVER_CHECK(dot != std::string_view::npos);
    const std::string name(id.substr(dot + 1));
    all.try_emplace(std::string(id), Privilege{std::string(id), std::string(id.substr(0, dot)),
                                               name, label_of(name), false});
}

std::vector<Privilege> collect() {
    ById all;
    add_named(all);
    for (const auto& type : vim::all_types()) {
        for (const auto& property : type.properties()) add_unnamed(all, property.privilege());
        if (type.kind != vim::TypeKind::managed) continue;
        for (const auto& method : type.own_methods()) add_unnamed(all, method.privilege());
    }
    DROVER_CHECK(all.size() <= kMostPrivileges);
    std::vector<Privilege> list;
    for (auto& [id, privilege] : all) list.push_back(std::move(privilege));
    return list;
}

std::string group_label(std::string_view group) {
    for (const PrivilegeGroupNames& known : privilege_names()) {
        if (known.group == group) return std::string(known.label);
    }
    return label_of(group.substr(group.rfind('.') + 1));
}

vim::ElementDescription describe(std::string_view key, std::string_view label) {
    auto made = vim::ElementDescription::make();
    made.set_key(key);
    made.set_label(label);
    made.set_summary(label);
    return made;
}

}  // namespace

const std::vector<Privilege>& all_privileges() {
    static const std::vector<Privilege> all = collect();
    return all;
}

std::optional<PrivilegeIndex> find_privilege(std::string_view id) {
    static const auto by_id = [] {
        std::unordered_map<std::string_view, PrivilegeIndex> made;
        for (const Privilege& each : all_privileges()) {
            made.emplace(each.id, static_cast<PrivilegeIndex>(made.size()));
        }
        return made;
    }();
    const auto found = by_id.find(id);
    return found == by_id.end() ? std::nullopt : std::optional(found->second);
}

PrivilegeIndex privilege_index(std::string_view id) {
    const auto found = find_privilege(id);
    DROVER_CHECK(found);
    return *found;
}

std::vector<std::string_view> privilege_ids(const PrivilegeSet& set) {
    std::vector<std::string_view> ids;
    const auto& all = all_privileges();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (set.test(i)) ids.emplace_back(all[i].id);
    }
    return ids;
}

const PrivilegeSet& every_privilege() {
    static const PrivilegeSet every = [] {
        PrivilegeSet set;
        for (std::size_t i = 0; i < all_privileges().size(); ++i) set.set(i);
        return set;
    }();
    return every;
}

Value privilege_list() {
    std::vector<Value> list;
    for (const Privilege& each : all_privileges()) {
        auto made = vim::AuthorizationPrivilege::make();
        made.set_privId(each.id);
        made.set_onParent(each.on_parent);
        made.set_name(each.name);
        made.set_privGroupName(each.group);
        list.push_back(made.raw());
    }
    return Value::array(vim::TypeId::AuthorizationPrivilege, std::move(list));
}

vim::AuthorizationDescription privilege_description() {
    std::vector<vim::ElementDescription> privileges;
    std::vector<vim::ElementDescription> groups;
    for (const Privilege& each : all_privileges()) {
        privileges.push_back(describe(each.id, each.label));
        if (groups.empty() || groups.back().key() != each.group) {
            const bool known = std::ranges::any_of(
                groups, [&](const auto& group) { return group.key() == each.group; });
            if (!known) groups.push_back(describe(each.group, group_label(each.group)));
        }
    }
    auto made = vim::AuthorizationDescription::make();
    made.set_privilege(privileges);
    made.set_privilegeGroup(groups);
    return made;
}

}  // namespace drover::service
