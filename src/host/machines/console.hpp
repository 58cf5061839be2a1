#pragma once

// Consoles of machines through a WebSocket. AcquireTicket gives a ticket, which opens
// wss://<host>/ticket/<ticket> once: what goes through it is the machine's own remote display
// protocol (RFB), in binary messages, as the browsers' clients for it speak it.

#include <map>

#include "host/machines/machines.hpp"
#include "http/message.hpp"

namespace drover::host {

/// Belongs to the strand, but for handle().
class Consoles {
public:
    static constexpr std::chrono::minutes kTicketLife{2};
    static constexpr std::size_t kMostTickets = 1'000;

    Consoles(const HostContext& context, Machines& machines);

    /// AcquireTicket (webmks, mks) and AcquireMksTicket.
    void serve();

    static bool serves(std::string_view path) { return path.starts_with("/ticket/"); }
    /// Any executor.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    struct Ticket {
        vim::MoRef machine;
        base::SteadyTime until;
    };
    struct Display {
        std::string address;
        std::uint16_t port = 0;
    };

    std::string issue(const vim::MoRef& machine);
    /// Where the ticket leads; nothing if it is unknown, used, too old or the machine is off. The
    /// ticket is spent.
    task::Awaitable<std::optional<Display>> redeem(std::string ticket);
    void forget_old();

    const HostContext& context_;
    Machines& machines_;
    std::map<std::string, Ticket, std::less<>> tickets_;
    std::string thumbprint_;
};

}  // namespace drover::host
