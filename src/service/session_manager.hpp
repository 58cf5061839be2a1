#pragma once

#include "model/inventory.hpp"
#include "service/accounts.hpp"
#include "service/readers.hpp"
#include "service/sessions.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// Serves SessionManager and keeps its properties. Every login, refused ones too, and every end of
/// a session is logged for the audit. All arguments must outlive it.
class SessionManager {
public:
    SessionManager(task::Dispatcher& dispatcher, task::Runtime& runtime,
                   model::Inventory& inventory, Sessions& sessions, const Accounts& accounts,
                   vim::MoRef manager);

    /// UserSession of a session.
    static vim::UserSession describe(const Session& session);

private:
    task::Awaitable<vim::Value> login(task::Call call);
    vim::Value logout(const task::Call& call);
    vim::Value terminate(const task::Call& call);
    vim::Value is_active(const task::Call& call) const;
    vim::Value set_locale(const task::Call& call);
    void publish();
    void create_object();

    task::Runtime& runtime_;
    model::Inventory& inventory_;
    Sessions& sessions_;
    const Accounts& accounts_;
    vim::MoRef manager_;
    // Logins that failed of late, by remote address: guesses are slowed down.
    std::map<std::string, int> recent_failures_;
};

}  // namespace drover::service
