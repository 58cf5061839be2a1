#pragma once

#include "service/authorization/authorization.hpp"
#include "service/history/event_log.hpp"
#include "service/sessions.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// NotFound for a role that is not there.
vim::Fault no_role(int id);

/// Makes AuthorizationManager and serves its methods. All arguments must outlive the service;
/// `events` may be null.
class AuthorizationManager {
public:
    AuthorizationManager(task::Dispatcher& dispatcher, Authorization& authorization,
                         const Sessions& sessions, vim::MoRef manager, EventLog* events = nullptr);

private:
    using Edit = std::function<void(AuthorizationState&)>;

    void create_object();
    void publish_roles();
    task::Awaitable<vim::Value> change(task::Call call, Edit edit);

    task::Awaitable<vim::Value> add_role(task::Call call);
    task::Awaitable<vim::Value> update_role(task::Call call);
    task::Awaitable<vim::Value> remove_role(task::Call call);
    task::Awaitable<vim::Value> merge_roles(task::Call call);
    task::Awaitable<vim::Value> set_permissions(task::Call call, bool replaces);
    task::Awaitable<vim::Value> remove_permission(task::Call call);
    void serve_questions(task::Dispatcher& dispatcher);

    vim::Value entity_permissions(const task::Call& call) const;
    vim::Value all_permissions(const task::Call& call) const;
    vim::Value role_permissions(const task::Call& call) const;
    vim::Value has_on_entity(const task::Call& call) const;
    vim::Value has_on_entities(const task::Call& call) const;
    vim::Value user_has_on_entities(const task::Call& call) const;
    vim::Value fetch_user_privileges(const task::Call& call) const;

    std::vector<Permission> read_permissions(const vim::ArrayView<vim::Permission>& list,
                                             const vim::MoRef& entity,
                                             const AuthorizationState& state) const;
    std::vector<vim::Value> visible(const task::Call& call,
                                    const std::vector<Permission>& permissions) const;
    std::string user_of_session(std::string_view key) const;
    void require_user(std::string_view user) const;

    Authorization& authorization_;
    const Sessions& sessions_;
    vim::MoRef manager_;
    EventLog* events_;
};

}  // namespace drover::service
