#pragma once

// Who sends an HTTP request outside of the API: by the cookie of a session, by a ticket that was
// made for this very request, or by name and password.

#include <functional>
#include <optional>
#include <string>

#include "http/message.hpp"
#include "service/login_guard.hpp"
#include "service/sessions.hpp"
#include "service/tickets.hpp"
#include "task/dispatcher.hpp"
#include "task/runtime.hpp"

namespace drover::center {

/// What a request says of its sender.
struct CallerQuestion {
    std::string cookie;
    std::string authorization;
    std::string remote_address;
    std::string ticket;  ///< the cookie service::kTicketCookie
    service::ServiceRequest request;
};

CallerQuestion caller_question(const http::Request& request);

/// Belongs to the strand.
class Callers {
public:
    /// References must outlive it.
    struct Parts {
        task::Runtime& runtime;
        service::Sessions& sessions;
        service::Tickets& tickets;
        /// Whether this is the user's password. Blocks.
        std::function<bool(const std::string& user, const std::string& password)> verify;
    };

    explicit Callers(Parts parts) : parts_(std::move(parts)), guard_(parts_.runtime.clock()) {}

    /// Nothing if it is nobody that we know; a wrong password costs its sender time.
    task::Awaitable<std::optional<task::Caller>> identify(CallerQuestion question);

private:
    task::Awaitable<bool> check(std::string user, std::string password, std::string address);

    Parts parts_;
    service::LoginGuard guard_;
};

}  // namespace drover::center
