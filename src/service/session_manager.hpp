#pragma once

#include <functional>
#include <string>

#include "model/inventory.hpp"
#include "service/accounts.hpp"
#include "service/history/event_log.hpp"
#include "service/login_guard.hpp"
#include "service/readers.hpp"
#include "service/sessions.hpp"
#include "service/tickets.hpp"
#include "store/store.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// Serves SessionManager and keeps its properties. Every login, refused ones too, and every end of
/// a session is logged for the audit. All arguments must outlive it.
class SessionManager {
public:
    /// What a service may have beyond sessions. All of it may be left out.
    struct Options {
        /// Whether anything was ever granted to a user: without that, the right password is refused
        /// with NoPermission on `root`.
        std::function<bool(const std::string& user)> has_access;
        vim::MoRef root;
        EventLog* events = nullptr;
        store::Store* store = nullptr;  ///< keeps the message of UpdateServiceMessage
        Tickets* tickets = nullptr;     ///< without it there are no tickets
    };

    SessionManager(task::Dispatcher& dispatcher, task::Runtime& runtime,
                   model::Inventory& inventory, Sessions& sessions, const Accounts& accounts,
                   vim::MoRef manager, Options options);
    SessionManager(task::Dispatcher& dispatcher, task::Runtime& runtime,
                   model::Inventory& inventory, Sessions& sessions, const Accounts& accounts,
                   vim::MoRef manager);

    /// Reads the stored message. Optional.
    task::Awaitable<void> load();

    /// UserSession of a session.
    static vim::UserSession describe(const Session& session);

private:
    task::Awaitable<vim::Value> login(task::Call call);
    task::Awaitable<void> refuse(std::string user, std::string remote_address);
    vim::Value begin_session(const task::Call& call, const std::string& user,
                             const std::string& locale);
    vim::Value logout(const task::Call& call);
    vim::Value terminate(const task::Call& call);
    vim::Value is_active(const task::Call& call) const;
    vim::Value set_locale(const task::Call& call);
    vim::Value clone_ticket(const task::Call& call);
    vim::Value clone_session(const task::Call& call);
    vim::Value service_ticket(const task::Call& call);
    task::Awaitable<vim::Value> set_message(task::Call call);
    void require_access(const std::string& user, const std::string& remote_address);
    void publish();
    void publish_message(const std::string& text);
    void create_object();
    void serve(task::Dispatcher& dispatcher);

    task::Runtime& runtime_;
    model::Inventory& inventory_;
    Sessions& sessions_;
    const Accounts& accounts_;
    vim::MoRef manager_;
    Options options_;
    LoginGuard guard_;
};

}  // namespace drover::service
