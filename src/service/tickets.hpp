#pragma once

// Secrets that are good once and for a short while: clone tickets, which open another session of
// the same user, and service tickets, which stand for a session in one HTTP request.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace drover::service {

/// The cookie in which a client sends a service ticket.
inline constexpr std::string_view kTicketCookie = "vmware_cgi_ticket";

/// What a service ticket allows.
struct ServiceRequest {
    std::string method;  ///< "GET", "PUT", ...
    std::string target;  ///< what service_target() makes of it

    friend bool operator==(const ServiceRequest&, const ServiceRequest&) = default;
};

/// ServiceRequest::target of a request for a file of a datastore. The path is decoded.
std::string service_target(std::string_view path, std::string_view datacenter,
                           std::string_view datastore);

/// Belongs to the strand.
class Tickets {
public:
    static constexpr std::chrono::seconds kCloneKept{30};
    static constexpr std::chrono::seconds kServiceKept{120};
    static constexpr std::size_t kMost = 1000;
    static constexpr std::size_t kMostPerSession = 100;

    Tickets(const base::Clock& clock, base::Random& random) : clock_(clock), random_(random) {}

    /// For the session with this key. Empty if it has too many already.
    std::string make_clone_ticket(const std::string& session_key);
    std::string make_service_ticket(const std::string& session_key, ServiceRequest request);

    /// Uses a ticket up; the key of the session that it was made in. Nothing if it is unknown, used
    /// or too old.
    std::optional<std::string> take_clone_ticket(std::string_view ticket);
    /// The same; a request that it is not for uses it up as well.
    std::optional<std::string> take_service_ticket(std::string_view ticket,
                                                   const ServiceRequest& request);

    /// Tickets go with their session.
    void end_session(std::string_view session_key);

private:
    struct Ticket {
        std::string session_key;
        std::optional<ServiceRequest> request;  ///< none: a clone ticket
        base::SteadyTime until;
    };

    std::string make(Ticket ticket);
    std::optional<Ticket> take(std::string_view ticket);

    const base::Clock& clock_;
    base::Random& random_;
    // By a keyed hash, so that the time of a look-up tells nothing of the secret.
    std::map<std::size_t, std::pair<std::string, Ticket>> tickets_;
    std::string hash_key_ = random_.hex(16);
};

}  // namespace drover::service
