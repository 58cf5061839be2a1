#pragma once

#include <string>

#include "service/authorization/authorization.hpp"
#include "service/history/event_log.hpp"
#include "service/login_guard.hpp"
#include "service/sessions.hpp"
#include "task/dispatcher.hpp"
#include "vim/security_types.hpp"

namespace drover::service {

/// Makes HostLocalAccountManager and serves its methods. Everything named must outlive it.
class LocalAccountManager {
public:
    struct Parts {
        task::Dispatcher& dispatcher;
        task::Runtime& runtime;
        service::Authorization& authorization;
        service::Sessions& sessions;
        const service::Accounts& accounts;
        vim::MoRef manager;
        service::EventLog* events = nullptr;
    };

    explicit LocalAccountManager(Parts parts);

private:
    using Edit = std::function<void(service::AuthorizationState&)>;

    task::Awaitable<vim::Value> create_user(task::Call call);
    task::Awaitable<vim::Value> update_user(task::Call call);
    task::Awaitable<vim::Value> remove_user(task::Call call);
    task::Awaitable<vim::Value> change_password(task::Call call);
    task::Awaitable<vim::Value> create_group(task::Call call);
    task::Awaitable<vim::Value> remove_group(task::Call call);
    task::Awaitable<vim::Value> assign(task::Call call);
    task::Awaitable<vim::Value> unassign(task::Call call);
    task::Awaitable<bool> is_password(std::string user, std::string password,
                                      std::string remote_address);
    task::Awaitable<std::string> hash(std::string password);
    task::Awaitable<vim::Value> change(task::Call call, std::string about, Edit edit);

    Parts parts_;
    service::LoginGuard guard_;
};

}  // namespace drover::service
