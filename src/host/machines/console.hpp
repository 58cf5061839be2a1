#pragma once

// Consoles of machines through a WebSocket. AcquireTicket gives a ticket, which opens
// wss://<host>/ticket/<ticket> once: what goes through it is the machine's own remote display
// protocol (RFB), in binary messages, as the browsers' clients for it speak it; or the bytes of a
// serial port, for tickets of drover's own types "serial" and "serial0" to "serial3".

#include <map>

#include "host/machines/machines.hpp"
#include "http/message.hpp"

namespace drover::host {

/// Belongs to the strand, but for handle().
class Consoles {
public:
    static constexpr std::chrono::seconds kTicketLife{30};
    static constexpr std::size_t kMostTickets = 1'000;

    Consoles(const HostContext& context, Machines& machines);

    /// AcquireTicket (webmks, mks, serial) and AcquireMksTicket. Makes the directory of the serial
    /// ports' sockets.
    void serve();

    static bool serves(std::string_view path) { return path.starts_with("/ticket/"); }
    /// Any executor.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    struct Ticket {
        vim::MoRef machine;
        std::string type;
        base::SteadyTime until;
    };
    struct Display {
        std::string address;
        std::uint16_t port = 0;
        std::string path;     ///< of a Unix socket, instead of both
        bool greets = false;  ///< whether it speaks first, as a screen does
    };

    /// Throws InvalidPowerState or InvalidState where there is nothing to open.
    std::string issue(const vim::MoRef& machine, std::string_view type);
    Display display_of(const Machine& machine, std::string_view type) const;
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
