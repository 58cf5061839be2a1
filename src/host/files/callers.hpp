#pragma once

// Who sends an HTTP request outside of the API: by the cookie of a session, by a ticket that was
// made for this very request, or by name and password.

#include <optional>
#include <string>

#include "host/context.hpp"
#include "host/files/basic_auth.hpp"
#include "http/message.hpp"
#include "service/sessions.hpp"
#include "service/tickets.hpp"

namespace drover::host::files {

/// What a request says of its sender.
struct CallerQuestion {
    std::string cookie;
    std::optional<Credentials> credentials;
    std::string remote_address;
    std::string ticket;  ///< the cookie service::kTicketCookie
    service::ServiceRequest request;
};

CallerQuestion caller_question(const http::Request& request);

/// Belongs to the strand.
class Callers {
public:
    /// Without `tickets` there are none.
    Callers(const HostContext& context, service::Sessions& sessions, Passwords passwords,
            service::Tickets* tickets = nullptr)
        : sessions_(sessions),
          tickets_(tickets),
          auth_(context.runtime, context.random, std::move(passwords)) {}

    /// Nothing if it is nobody that we know.
    task::Awaitable<std::optional<task::Caller>> identify(CallerQuestion question);

private:
    service::Sessions& sessions_;
    service::Tickets* tickets_;
    BasicAuth auth_;
};

}  // namespace drover::host::files
