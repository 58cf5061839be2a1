#include "service/local_accounts/user_directory.hpp"

#include <algorithm>
#include <string>

#include "vim/properties.hpp"
#include "vim/security_types.hpp"

namespace drover::service {

using service::Directory;
using task::Call;
using vim::Value;

namespace {

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
    return lower;
}

// Whether a name or a description is what was asked for, in any case.
class Search {
public:
    Search(std::string_view text, bool exact) : text_(lower_case(text)), exact_(exact) {}

    bool finds(const std::string& name, const std::string& description) const {
        if (exact_) return lower_case(name) == text_;
        return lower_case(name).contains(text_) || lower_case(description).contains(text_);
    }

private:
    std::string text_;
    bool exact_;
};

Value describe(const std::string& name, const std::string& description, int posix_id,
               bool is_group) {
    auto made = vim::PosixUserSearchResult::make();
    made.set_principal(name);
    made.set_fullName(description);
    made.set_group(is_group);
    made.set_id(posix_id);
    if (!is_group) made.set_shellAccess(false);
    return made.raw();
}

vim::Fault not_found(const char* kind, std::string_view name) {
    return vim::make_fault<vim::NotFound>("There is no " + std::string(kind) + " '" +
                                          std::string(name.substr(0, 100)) + "'.");
}

Value find(const Directory& directory, const vim::RetrieveUserGroupsRequest& request) {
    const auto of_group = request.belongsToGroup();
    const auto of_user = request.belongsToUser();
    if (request.domain() && !request.domain()->empty()) {
        throw not_found("domain", *request.domain());
    }
    const auto group = of_group ? directory.groups.find(*of_group) : directory.groups.end();
    if (of_group && group == directory.groups.end()) throw not_found("group", *of_group);
    if (of_user && !directory.users.contains(*of_user)) throw not_found("user", *of_user);
    const Search search(request.searchStr(), request.exactMatch());
    std::vector<Value> found;
    if (request.findUsers() && !of_user) {
        for (const auto& [name, user] : directory.users) {
            if (of_group && !group->second.members.contains(name)) continue;
            if (!search.finds(name, user.description)) continue;
            found.push_back(describe(name, user.description, user.posix_id, false));
        }
    }
    if (request.findGroups() && !of_group) {
        for (const auto& [name, each] : directory.groups) {
            if (of_user && !each.members.contains(std::string(*of_user))) continue;
            if (!search.finds(name, each.description)) continue;
            found.push_back(describe(name, each.description, each.posix_id, true));
        }
    }
    return Value::array(vim::TypeId::UserSearchResult, std::move(found));
}

}  // namespace

void serve_user_directory(task::Dispatcher& dispatcher, service::Authorization& authorization,
                          const vim::MoRef& directory) {
    model::Transaction transaction(authorization.inventory());
    transaction.create(directory.type, directory.id);
    transaction.commit();
    dispatcher.add_direct("RetrieveUserGroups", [&authorization](const Call& call) {
        return find(authorization.directory(), call.arguments<vim::RetrieveUserGroupsRequest>());
    });
}

}  // namespace drover::service
