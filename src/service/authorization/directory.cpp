#include "service/authorization/directory.hpp"

#include <algorithm>
#include <charconv>

namespace drover::service {
namespace {

constexpr std::string_view kGroupKind = "account-group";
constexpr int kFirstPosixId = 1000;

// "<posix id>\n<description>\n<member>\n<member>...": a description has no line breaks.
store::Record record_of(const Group& group) {
    store::Record record;
    record.kind = kGroupKind;
    record.id = group.name;
    record.value = std::to_string(group.posix_id) + "\n" + group.description;
    for (const std::string& member : group.members) record.value += "\n" + member;
    return record;
}

Group read_group(const store::Record& record) {
    Group group;
    group.name = record.id;
    std::string_view rest = record.value;
    for (int line = 0; !rest.empty() || line < 2; ++line) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const std::string text(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line == 0) std::from_chars(text.data(), text.data() + text.size(), group.posix_id);
        if (line == 1) group.description = text;
        if (line > 1) group.members.insert(text);
    }
    return group;
}

}  // namespace

bool Directory::knows(const Principal& principal) const {
    return principal.is_group ? groups.contains(principal.name) : users.contains(principal.name);
}

std::set<std::string> Directory::groups_of(std::string_view user) const {
    std::set<std::string> found;
    for (const auto& [name, group] : groups) {
        if (group.members.contains(std::string(user))) found.insert(name);
    }
    return found;
}

int Directory::next_posix_id() const {
    int next = kFirstPosixId;
    for (const auto& [name, user] : users) next = std::max(next, user.posix_id + 1);
    for (const auto& [name, group] : groups) next = std::max(next, group.posix_id + 1);
    return next;
}

Directory load_directory(store::Store& store) {
    Directory directory;
    for (Account& account : Accounts(store).all()) {
        const std::string name = account.name;
        directory.users.emplace(name, std::move(account));
    }
    for (const auto& record : store.load(kGroupKind)) {
        directory.groups.emplace(record.id, read_group(record));
    }
    return directory;
}

void add_difference(store::Batch& batch, const Directory& from, const Directory& to) {
    for (const auto& [name, user] : to.users) {
        const auto old = from.users.find(name);
        if (old == from.users.end() || !(old->second == user)) batch.put(record_of(user));
    }
    for (const auto& [name, user] : from.users) {
        if (!to.users.contains(name)) batch.remove("account", name);
    }
    for (const auto& [name, group] : to.groups) {
        const auto old = from.groups.find(name);
        if (old == from.groups.end() || !(old->second == group)) batch.put(record_of(group));
    }
    for (const auto& [name, group] : from.groups) {
        if (!to.groups.contains(name)) batch.remove(std::string(kGroupKind), name);
    }
}

std::set<std::string> administrators(const Rules& rules, const Directory& directory,
                                     std::string_view root) {
    std::set<std::string> found;
    const auto at_root = rules.permissions.find(root);
    if (at_root == rules.permissions.end()) return found;
    const auto is_admin = [&](const Principal& principal) {
        const auto permission = at_root->second.find(principal);
        return permission != at_root->second.end() && permission->second.role == role::kAdmin &&
               permission->second.propagate;
    };
    for (const auto& [name, user] : directory.users) {
        if (user.hash.empty()) continue;  // it can't log in
        const Principal own{name, false};
        if (at_root->second.contains(own)) {
            if (is_admin(own)) found.insert(name);
            continue;
        }
        for (const auto& group : directory.groups_of(name)) {
            if (is_admin({group, true})) found.insert(name);
        }
    }
    return found;
}

}  // namespace drover::service
