#include "host/machines/console.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "base/log.hpp"
#include "http/tls_identity.hpp"

namespace drover::host {

using http::Response;
using http::WebSocket;
using task::Awaitable;
using task::Call;
using vim::Value;
namespace asio = boost::asio;

namespace {

constexpr std::string_view kPath = "/ticket/";
constexpr std::array<std::string_view, 1> kSubprotocols{"binary"};
constexpr std::size_t kPieceBytes = 64 << 10;
constexpr std::uint16_t kNormal = 1000;
constexpr std::uint16_t kFailed = 1011;

// One open console: two directions, each a coroutine on the connection's strand.
struct Relay {
    Relay(const asio::any_io_executor& executor, std::shared_ptr<WebSocket> with)
        : socket(std::move(with)), display(executor), ended(executor) {}

    std::shared_ptr<WebSocket> socket;
    asio::ip::tcp::socket display;
    asio::steady_timer ended;
    bool is_down_ended = false;
};

Awaitable<void> send_down(std::shared_ptr<Relay> relay) {
    std::string piece(kPieceBytes, '\0');
    while (true) {
        const auto [error, size] = co_await relay->display.async_read_some(
            asio::buffer(piece), asio::as_tuple(asio::use_awaitable));
        if (error || size == 0) break;
        if (!co_await relay->socket->write(std::string_view(piece).substr(0, size), true)) break;
    }
    co_await relay->socket->close(kNormal, "the console has ended");
    relay->is_down_ended = true;
    relay->ended.cancel();
}

Awaitable<void> send_up(std::shared_ptr<Relay> relay) {
    while (const auto message = co_await relay->socket->read()) {
        const auto [error, size] = co_await asio::async_write(
            relay->display, asio::buffer(message->data), asio::as_tuple(asio::use_awaitable));
        if (error) break;
    }
}

Awaitable<void> run_console(std::shared_ptr<WebSocket> socket, std::string address,
                            std::uint16_t port) {
    const auto executor = co_await asio::this_coro::executor;
    const auto relay = std::make_shared<Relay>(executor, std::move(socket));
    boost::system::error_code failure;
    const asio::ip::tcp::endpoint there(asio::ip::make_address(address, failure), port);
    if (!failure) {
        const auto [error] =
            co_await relay->display.async_connect(there, asio::as_tuple(asio::use_awaitable));
        failure = error;
    }
    if (failure) {
        base::log_warning("console at {}:{}: {}", address, port, failure.message());
        co_await relay->socket->close(kFailed, "the machine's display does not answer");
        co_return;
    }
    relay->display.set_option(asio::ip::tcp::no_delay(true), failure);
    relay->ended.expires_at(std::chrono::steady_clock::time_point::max());
    asio::co_spawn(executor, send_down(relay), asio::detached);
    co_await send_up(relay);
    relay->display.close(failure);
    while (!relay->is_down_ended) {
        co_await relay->ended.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

// A display that listens everywhere is nearest at home.
std::string reachable(const std::string& address) {
    if (address.empty() || address == "0.0.0.0") return "127.0.0.1";
    return address == "::" ? "::1" : address;
}

}  // namespace

Consoles::Consoles(const HostContext& context, Machines& machines)
    : context_(context), machines_(machines) {
    try {
        thumbprint_ =
            http::TlsIdentity::load(context.config.state_directory / "tls").thumbprint_sha1();
    } catch (const std::exception& error) {
        base::log_debug("tickets come without a thumbprint: {}", error.what());
    }
}

void Consoles::serve() {
    context_.dispatcher.add_direct("AcquireTicket", [this](const Call& call) {
        const auto type = call.arguments<vim::AcquireTicketRequest>().ticketType();
        if (type != "webmks" && type != "mks") {
            throw vim::invalid_argument(
                "ticketType",
                fmt::format("Tickets of the type '{}' are not given; webmks is.", type));
        }
        auto ticket = vim::VirtualMachineTicket::make();
        ticket.set_ticket(issue(call.self));
        ticket.set_cfgFile(machines_.get(call.self)->path.to_string());
        ticket.set_host(context_.config.management_address);
        ticket.set_port(context_.config.listen_port);
        if (!thumbprint_.empty()) ticket.set_sslThumbprint(thumbprint_);
        const auto& address = context_.config.management_address;
        const bool v6 = address.contains(':');
        ticket.set_url(fmt::format("wss://{}{}{}:{}{}{}", v6 ? "[" : "", address, v6 ? "]" : "",
                                   context_.config.listen_port, kPath, ticket.ticket()));
        return ticket.raw();
    });
    context_.dispatcher.add_direct("AcquireMksTicket", [this](const Call& call) {
        auto ticket = vim::VirtualMachineMksTicket::make();
        ticket.set_ticket(issue(call.self));
        ticket.set_cfgFile(machines_.get(call.self)->path.to_string());
        ticket.set_host(context_.config.management_address);
        ticket.set_port(context_.config.listen_port);
        if (!thumbprint_.empty()) ticket.set_sslThumbprint(thumbprint_);
        return ticket.raw();
    });
}

void Consoles::forget_old() {
    const auto now = context_.runtime.clock().steady_now();
    std::erase_if(tickets_, [&](const auto& item) { return item.second.until <= now; });
}

std::string Consoles::issue(const vim::MoRef& reference) {
    const MachinePtr machine = machines_.get(reference);
    require_power_state(*machine, vim::VirtualMachinePowerState::poweredOn);
    if (!machine->domain->vnc_port) {
        throw vim::make_fault<vim::InvalidState>("The machine has no console at present.");
    }
    forget_old();
    if (tickets_.size() >= kMostTickets) {
        throw vim::make_fault<vim::InvalidState>("Too many tickets wait to be used.");
    }
    std::string ticket = context_.random.hex(20);
    tickets_.emplace(ticket,
                     Ticket{reference, context_.runtime.clock().steady_now() + kTicketLife});
    return ticket;
}

Awaitable<std::optional<Consoles::Display>> Consoles::redeem(std::string ticket) {
    forget_old();
    const auto found = tickets_.find(ticket);
    if (found == tickets_.end()) co_return std::nullopt;
    const vim::MoRef reference = found->second.machine;
    tickets_.erase(found);
    const MachinePtr machine = machines_.find(reference);
    if (!machine || !machine->domain || !machine->domain->vnc_port) co_return std::nullopt;
    base::log_info("audit: the console of '{}' is opened", machine->name());
    co_return Display{reachable(machine->domain->vnc_address), *machine->domain->vnc_port};
}

Awaitable<Response> Consoles::handle(http::Request request) {
    if (!request.is_websocket_upgrade()) {
        Response refused = Response::text(426, "A console is opened by a WebSocket.\n");
        refused.headers.set("Upgrade", "websocket");
        co_return refused;
    }
    const std::string ticket = request.target.path().substr(kPath.size());
    const auto display =
        co_await asio::co_spawn(context_.runtime.strand(), redeem(ticket), asio::use_awaitable);
    if (!display) co_return Response::text(403, "The ticket is not valid (any more).\n");
    co_return Response::upgrade(
        [display = *display](std::shared_ptr<WebSocket> socket) {
            return run_console(std::move(socket), display.address, display.port);
        },
        http::choose_subprotocol(request, kSubprotocols));
}

}  // namespace drover::host
