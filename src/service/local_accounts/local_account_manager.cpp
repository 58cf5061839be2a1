#include "service/local_accounts/local_account_manager.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "service/authorization/events.hpp"

namespace drover::service {

using service::Account;
using service::AuthorizationState;
using service::Directory;
using service::Group;
using task::Awaitable;
using task::Call;
using vim::Value;

namespace {

constexpr std::chrono::seconds kHashLimit{30};
constexpr std::string_view kCenterAccount = "drover-center-";
constexpr std::size_t kShortestPassword = 7;
constexpr std::size_t kDescriptionBytes = 256;
constexpr std::size_t kMostAccounts = 10'000;

vim::Fault not_found(std::string_view kind, std::string_view name) {
    auto fault = vim::UserNotFound::make();
    fault.set_principal(name.substr(0, 100));
    fault.set_unresolved(true);
    return vim::Fault(fault, fmt::format("There is no {} '{}'.", kind, name.substr(0, 100)));
}

Account& find_user(Directory& directory, std::string_view name) {
    const auto found = directory.users.find(name);
    if (found == directory.users.end()) throw not_found("user", name);
    return found->second;
}

Group& find_group(Directory& directory, std::string_view name) {
    const auto found = directory.groups.find(name);
    if (found == directory.groups.end()) throw not_found("group", name);
    return found->second;
}

vim::Fault already_exists(std::string_view name, std::string message) {
    auto fault = vim::AlreadyExists::make();
    fault.set_name(name);
    return vim::Fault(fault, std::move(message));
}

std::string check_name(std::string_view name, const char* argument) {
    if (!service::is_account_name(name)) {
        throw vim::invalid_argument(argument, "A name has 1 to 64 of A-Z a-z 0-9 _-.@\\.");
    }
    return std::string(name);
}

std::string check_description(std::string_view text, const char* argument) {
    const bool has_control = std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (text.size() > kDescriptionBytes || has_control) {
        throw vim::invalid_argument(argument,
                                    "A description has at most 256 bytes and no line breaks.");
    }
    return std::string(text);
}

void check_password(std::string_view password, std::string_view user, const char* argument) {
    if (!service::is_possible_password(password) || password.size() < kShortestPassword) {
        throw vim::invalid_argument(argument, "A password has 7 to 256 bytes and no NUL.");
    }
    if (password == user) {
        throw vim::invalid_argument(argument, "A password must not be the account's name.");
    }
}

void check_new(const Directory& directory, const std::string& name) {
    if (directory.users.contains(name) || directory.groups.contains(name)) {
        throw already_exists(name, fmt::format("There is an account '{}' already.", name));
    }
    if (directory.users.size() + directory.groups.size() >= kMostAccounts) {
        throw vim::make_fault<vim::InvalidRequest>("There are too many accounts.");
    }
}

// The number that the spec asks for, or the next free one.
int posix_id_of(const vim::HostAccountSpec& spec, const Directory& directory) {
    const auto posix = spec.as<vim::HostPosixAccountSpec>();
    if (posix && posix.shellAccess().value_or(false)) {
        throw vim::invalid_argument("user.shellAccess", "Accounts have no shell here.");
    }
    if (!posix || !posix.posixId()) return directory.next_posix_id();
    const int wanted = *posix.posixId();
    if (wanted <= 0) throw vim::invalid_argument("user.posixId", "It must be greater than 0.");
    const auto has_it = [&](const auto& entry) { return entry.second.posix_id == wanted; };
    if (std::ranges::any_of(directory.users, has_it) ||
        std::ranges::any_of(directory.groups, has_it)) {
        throw already_exists(spec.id(), fmt::format("The number {} is taken.", wanted));
    }
    return wanted;
}

}  // namespace

LocalAccountManager::LocalAccountManager(Parts parts)
    : parts_(std::move(parts)), guard_(parts_.runtime.clock()) {
    model::Transaction transaction(parts_.authorization.inventory());
    transaction.create(parts_.manager.type, parts_.manager.id);
    transaction.commit();
    using Method = Awaitable<Value> (LocalAccountManager::*)(Call);
    const auto serve = [this](std::string_view name, Method method) {
        parts_.dispatcher.add(
            name, [this, method](Call call) { return (this->*method)(std::move(call)); });
    };
    serve("CreateUser", &LocalAccountManager::create_user);
    serve("UpdateUser", &LocalAccountManager::update_user);
    serve("RemoveUser", &LocalAccountManager::remove_user);
    serve("ChangePassword", &LocalAccountManager::change_password);
    serve("CreateGroup", &LocalAccountManager::create_group);
    serve("RemoveGroup", &LocalAccountManager::remove_group);
    serve("AssignUserToGroup", &LocalAccountManager::assign);
    serve("UnassignUserFromGroup", &LocalAccountManager::unassign);
}

Awaitable<Value> LocalAccountManager::change(Call call, std::string about, Edit edit) {
    const auto done = co_await parts_.authorization.change(std::move(edit));
    const std::string& user = call.caller->user;
    base::log_info("audit: '{}' {}: {}", user, call.method->name(), about);
    service::post_change_events(parts_.events, parts_.authorization.inventory(), done, user);
    co_return Value{};
}

Awaitable<std::string> LocalAccountManager::hash(std::string password) {
    co_return co_await parts_.runtime.blocking(
        "accounts",
        [password = std::move(password)] { return service::hash_of_password(password); },
        kHashLimit);
}

Awaitable<Value> LocalAccountManager::create_user(Call call) {
    const auto spec = call.arguments<vim::CreateUserRequest>().user();
    Account account;
    account.name = check_name(spec.id(), "user.id");
    account.description = check_description(spec.description().value_or(""), "user.description");
    check_new(parts_.authorization.directory(), account.name);
    if (spec.password()) {
        check_password(*spec.password(), account.name, "user.password");
        account.hash = co_await hash(std::string(*spec.password()));
    }
    co_return co_await change(call, account.name, [&](AuthorizationState& next) {
        check_new(next.directory, account.name);
        account.posix_id = posix_id_of(spec, next.directory);
        next.directory.users.emplace(account.name, account);
    });
}

Awaitable<Value> LocalAccountManager::update_user(Call call) {
    const auto spec = call.arguments<vim::UpdateUserRequest>().user();
    const std::string name(spec.id());
    if (!parts_.authorization.directory().users.contains(name)) throw not_found("user", name);
    std::string new_hash;
    if (spec.password()) {
        check_password(*spec.password(), name, "user.password");
        new_hash = co_await hash(std::string(*spec.password()));
    }
    co_return co_await change(call, name, [&](AuthorizationState& next) {
        Account& account = find_user(next.directory, name);
        const auto posix = spec.as<vim::HostPosixAccountSpec>();
        if (posix && posix.posixId() != account.posix_id) {
            account.posix_id =
                posix.posixId() ? posix_id_of(spec, next.directory) : account.posix_id;
        }
        if (!new_hash.empty()) account.hash = new_hash;
        if (spec.description()) {
            account.description = check_description(*spec.description(), "user.description");
        }
    });
}

Awaitable<Value> LocalAccountManager::remove_user(Call call) {
    const std::string name(call.arguments<vim::RemoveUserRequest>().userName());
    // A center takes the account that it made for itself with it when it leaves a host.
    if (name == call.caller->user && !name.starts_with(kCenterAccount)) {
        throw vim::invalid_argument("userName", "Nobody removes the own account.");
    }
    co_await change(call, name, [&](AuthorizationState& next) {
        find_user(next.directory, name);
        next.directory.users.erase(name);
    });
    parts_.sessions.close_user(name);
    co_return Value{};
}

Awaitable<bool> LocalAccountManager::is_password(std::string user, std::string password,
                                                 std::string remote_address) {
    if (!guard_.begin(remote_address)) co_return false;
    const std::shared_ptr<void> under_way(nullptr, [&](void*) { guard_.end(remote_address); });
    const bool good = co_await parts_.runtime.blocking(
        "accounts",
        [&accounts = parts_.accounts, user, password] { return accounts.verify(user, password); },
        kHashLimit);
    if (good) {
        guard_.succeeded(remote_address, user);
    } else {
        co_await parts_.runtime.sleep(guard_.failed(remote_address, user));
    }
    co_return good;
}

Awaitable<Value> LocalAccountManager::change_password(Call call) {
    const auto request = call.arguments<vim::ChangePasswordRequest>();
    const std::string name(request.user());
    if (!co_await is_password(name, std::string(request.oldPassword()),
                              call.caller->remote_address)) {
        base::log_warning("audit: changing the password of '{}' from {} refused", name,
                          call.caller->remote_address);
        throw vim::make_fault<vim::InvalidLogin>("The user name or the old password is wrong.");
    }
    check_password(request.newPassword(), name, "newPassword");
    const std::string new_hash = co_await hash(std::string(request.newPassword()));
    call.caller->user = name;  // it has shown who it is
    co_return co_await change(call, name, [&](AuthorizationState& next) {
        find_user(next.directory, name).hash = new_hash;
    });
}

Awaitable<Value> LocalAccountManager::create_group(Call call) {
    const auto spec = call.arguments<vim::CreateGroupRequest>().group();
    Group group;
    group.name = check_name(spec.id(), "group.id");
    group.description = check_description(spec.description().value_or(""), "group.description");
    co_return co_await change(call, group.name, [&](AuthorizationState& next) {
        check_new(next.directory, group.name);
        group.posix_id = posix_id_of(spec, next.directory);
        next.directory.groups.emplace(group.name, group);
    });
}

Awaitable<Value> LocalAccountManager::remove_group(Call call) {
    const std::string name(call.arguments<vim::RemoveGroupRequest>().groupName());
    co_return co_await change(call, name, [&](AuthorizationState& next) {
        find_group(next.directory, name);
        next.directory.groups.erase(name);
    });
}

Awaitable<Value> LocalAccountManager::assign(Call call) {
    const auto request = call.arguments<vim::AssignUserToGroupRequest>();
    const std::string user(request.user());
    const std::string name(request.group());
    co_return co_await change(call, user + " to " + name, [&](AuthorizationState& next) {
        find_user(next.directory, user);
        if (!find_group(next.directory, name).members.insert(user).second) {
            throw already_exists(user, fmt::format("'{}' belongs to '{}' already.", user, name));
        }
    });
}

Awaitable<Value> LocalAccountManager::unassign(Call call) {
    const auto request = call.arguments<vim::UnassignUserFromGroupRequest>();
    const std::string user(request.user());
    const std::string name(request.group());
    co_return co_await change(call, user + " from " + name, [&](AuthorizationState& next) {
        if (find_group(next.directory, name).members.erase(user) == 0) {
            throw not_found("such member", user);
        }
    });
}

}  // namespace drover::service
