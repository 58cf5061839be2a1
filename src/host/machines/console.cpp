#include "host/machines/console.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include "base/log.hpp"
#include "host/machines/domain.hpp"
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
constexpr std::string_view kScreen = "webmks";
constexpr std::string_view kSerial = "serial";
constexpr std::size_t kLongestSocketPath = 107;
// How long a screen may take to greet, at each attempt.
constexpr std::array kPatience{std::chrono::seconds(1), std::chrono::seconds(2),
                               std::chrono::seconds(4), std::chrono::seconds(8)};

using Stream = asio::generic::stream_protocol;

// One open console: two directions, each a coroutine on the connection's strand.
struct Relay {
    Relay(const asio::any_io_executor& executor, std::shared_ptr<WebSocket> with)
        : socket(std::move(with)), display(executor), ended(executor) {}

    std::shared_ptr<WebSocket> socket;
    Stream::socket display;
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

// Empty: no such address can be.
std::optional<Stream::endpoint> endpoint_of(const std::string& address, std::uint16_t port,
                                            const std::string& path) {
    if (!path.empty()) {
        if (path.size() > kLongestSocketPath) return std::nullopt;
        return asio::local::stream_protocol::endpoint(path);
    }
    boost::system::error_code failure;
    const auto numeric = asio::ip::make_address(address, failure);
    if (failure) return std::nullopt;
    return asio::ip::tcp::endpoint(numeric, port);
}

// False if the display says nothing for so long.
Awaitable<bool> hears(std::shared_ptr<Relay> relay, std::chrono::seconds patience) {
    const auto is_over = std::make_shared<bool>(false);
    asio::steady_timer timer(relay->display.get_executor(), patience);
    timer.async_wait([relay, is_over](const boost::system::error_code& error) {
        if (!error && !*is_over) relay->display.cancel();
    });
    const auto [error] = co_await relay->display.async_wait(Stream::socket::wait_read,
                                                            asio::as_tuple(asio::use_awaitable));
    *is_over = true;
    co_return !error;
}

// QEMU lets one newcomer wait. When several come at once the kernel takes them with SYN cookies and
// may then forget one that believes to be connected: it would wait for ever. A screen greets who
// comes, so one that does not is called again.
Awaitable<boost::system::error_code> call_display(std::shared_ptr<Relay> relay,
                                                  Stream::endpoint there, bool greets) {
    for (const auto patience : kPatience) {
        const auto [error] =
            co_await relay->display.async_connect(there, asio::as_tuple(asio::use_awaitable));
        if (error || !greets || co_await hears(relay, patience)) co_return error;
        boost::system::error_code ignored;
        relay->display.close(ignored);
    }
    co_return asio::error::timed_out;
}

Awaitable<void> run_console(std::shared_ptr<WebSocket> socket, std::string address,
                            std::uint16_t port, std::string path, bool greets) {
    const auto executor = co_await asio::this_coro::executor;
    const auto relay = std::make_shared<Relay>(executor, std::move(socket));
    boost::system::error_code failure = asio::error::invalid_argument;
    if (const auto there = endpoint_of(address, port, path)) {
        failure = co_await call_display(relay, *there, greets);
    }
    if (failure) {
        base::log_warning("console at {}{}:{}: {}", path, address, port, failure.message());
        co_await relay->socket->close(kFailed, "the machine's console does not answer");
        co_return;
    }
    if (path.empty()) relay->display.set_option(asio::ip::tcp::no_delay(true), failure);
    relay->ended.expires_at(std::chrono::steady_clock::time_point::max());
    asio::co_spawn(executor, send_down(relay), asio::detached);
    co_await send_up(relay);
    relay->display.close(failure);
    while (!relay->is_down_ended) {
        co_await relay->ended.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

// Which of the serial ports a type of tickets is for, if any: "serial", "serial2".
bool is_serial(std::string_view type) {
    if (!type.starts_with(kSerial)) return false;
    const auto number = type.substr(kSerial.size());
    return number.empty() || (number.size() == 1 && number[0] >= '0' && number[0] <= '3');
}

std::optional<std::int32_t> port_number(std::string_view type) {
    if (type.size() == kSerial.size()) return std::nullopt;
    return type.back() - '0';
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
    std::error_code failure;
    const std::string sockets = serial_directory(context_);
    std::filesystem::create_directory(sockets, failure);
    // libvirt makes the sockets as root, writable for their group: they shall be of ours.
    if (!failure) std::filesystem::permissions(sockets, std::filesystem::perms(02750), failure);
    if (failure) base::log_warning("{}: {}", serial_directory(context_), failure.message());
    context_.dispatcher.add_direct("AcquireTicket", [this](const Call& call) {
        const auto type = call.arguments<vim::AcquireTicketRequest>().ticketType();
        if (type != kScreen && type != "mks" && !is_serial(type)) {
            throw vim::invalid_argument(
                "ticketType",
                fmt::format("Tickets of the type '{}' are not given; webmks and serial are.",
                            type));
        }
        auto ticket = vim::VirtualMachineTicket::make();
        ticket.set_ticket(issue(call.self, type));
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
        ticket.set_ticket(issue(call.self, kScreen));
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

Consoles::Display Consoles::display_of(const Machine& machine, std::string_view type) const {
    require_power_state(machine, vim::VirtualMachinePowerState::poweredOn);
    if (is_serial(type)) {
        const auto port =
            machine::serial_endpoint(machine.config, serial_directory(context_), port_number(type));
        if (port) return {port->address, port->port, port->path, false};
        throw vim::make_fault<vim::InvalidState>(
            "The machine has no such serial port that listens: a pipe, or a URI as its server.");
    }
    if (!machine.domain->vnc_port) {
        throw vim::make_fault<vim::InvalidState>("The machine has no console at present.");
    }
    return {reachable(machine.domain->vnc_address), *machine.domain->vnc_port, {}, true};
}

std::string Consoles::issue(const vim::MoRef& reference, std::string_view type) {
    display_of(*machines_.get(reference), type);
    forget_old();
    if (tickets_.size() >= kMostTickets) {
        throw vim::make_fault<vim::InvalidState>("Too many tickets wait to be used.");
    }
    std::string ticket = context_.random.hex(20);
    tickets_.emplace(ticket, Ticket{reference, std::string(type),
                                    context_.runtime.clock().steady_now() + kTicketLife});
    return ticket;
}

Awaitable<std::optional<Consoles::Display>> Consoles::redeem(std::string ticket) {
    forget_old();
    const auto found = tickets_.find(ticket);
    if (found == tickets_.end()) co_return std::nullopt;
    const Ticket spent = std::move(found->second);
    tickets_.erase(found);
    const MachinePtr machine = machines_.find(spent.machine);
    if (!machine) co_return std::nullopt;
    std::optional<Display> display;
    try {
        display = display_of(*machine, spent.type);
    } catch (const vim::Fault& fault) {
        base::log_info("the console of '{}' is gone: {}", machine->name(), fault.message());
        co_return std::nullopt;
    }
    base::log_info("audit: the console of '{}' is opened ({})", machine->name(), spent.type);
    co_return display;
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
            return run_console(std::move(socket), display.address, display.port, display.path,
                               display.greets);
        },
        http::choose_subprotocol(request, kSubprotocols));
}

}  // namespace drover::host
