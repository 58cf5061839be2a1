#pragma once

// Consoles of machines through the center: its tickets stand for tickets of hosts, and what goes
// through its WebSocket goes through one to the host.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "center/consoles/console_link.hpp"
#include "center/context.hpp"
#include "center/forwarding/forwarding.hpp"
#include "center/hosts/hosts.hpp"
#include "http/message.hpp"
#include "http/tls_identity.hpp"

namespace drover::center {

/// Belongs to the strand, but for handle().
class Consoles {
public:
    static constexpr std::chrono::seconds kTicketLife{30};
    static constexpr std::size_t kMostTickets = 10'000;

    /// All of them must outlive it; subscribes to the hosts' states.
    Consoles(CenterContext& context, Hosts& hosts, Forwarding& forwarding);

    /// AcquireTicket and AcquireMksTicket. Before Forwarding::serve().
    void serve();

    /// The certificate that the center shows now, for the thumbprints that tickets tell.
    void show_identity(const http::TlsIdentity& identity);

    /// Tickets go with the session that they were acquired in.
    void end_session(std::string_view session_key);

    static bool serves(std::string_view path) { return path.starts_with("/ticket/"); }
    /// Any executor.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    struct Ticket {
        vim::MoRef machine;
        vim::MoRef host;
        std::string host_ticket;
        std::string session_key;
        std::string user;
        base::SteadyTime until;
    };
    /// Where a ticket leads.
    struct Way {
        vim::MoRef host;
        http::Url server;
        std::string thumbprint;
        std::string target;
    };

    task::Awaitable<vim::Value> acquire(task::Call call);
    std::string issue(const task::Call& call, const vim::MoRef& host, std::string_view host_ticket);
    std::string url_of(std::string_view ticket) const;
    /// Nothing if the ticket is unknown, used, too old, or its machine is elsewhere. The ticket is
    /// spent.
    task::Awaitable<std::optional<Way>> redeem(std::string ticket, std::string remote_address);
    const Host* host_of(const Ticket& ticket) const;
    void forget_old();

    /// Open consoles, to end those of a host that is lost.
    task::Awaitable<void> enter(vim::MoRef host, std::weak_ptr<ConsoleLink> link);
    task::Awaitable<http::Response> open(http::Request request, Way way);

    CenterContext& context_;
    Forwarding& forwarding_;
    std::map<std::string, Ticket, std::less<>> tickets_;
    std::multimap<std::string, std::weak_ptr<ConsoleLink>> open_;  // by host
    std::string thumbprint_;
};

}  // namespace drover::center
