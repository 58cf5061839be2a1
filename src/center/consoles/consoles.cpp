#include "center/consoles/consoles.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/co_spawn.hpp>

#include "base/log.hpp"
#include "http/client.hpp"
#include "vim/machines_types.hpp"

namespace drover::center {

using http::Response;
using http::WebSocket;
using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace asio = boost::asio;

namespace {

constexpr std::string_view kPath = "/ticket/";
constexpr std::array<std::string_view, 1> kSubprotocols{"binary"};

}  // namespace

Consoles::Consoles(CenterContext& context, Hosts& hosts, Forwarding& forwarding)
    : context_(context), forwarding_(forwarding) {
    hosts.on_state([this](Host& host, LinkState state) {
        if (state == LinkState::connected || state == LinkState::connecting) return;
        const auto [first, last] = open_.equal_range(host.ref.id);
        for (auto at = first; at != last; ++at) {
            if (const auto link = at->second.lock()) link->end("the host is not connected");
        }
        open_.erase(first, last);
    });
    try {
        show_identity(http::TlsIdentity::load(context_.config.state_directory / "tls"));
    } catch (const std::exception& error) {
        base::log_debug("tickets come without a thumbprint: {}", error.what());
    }
}

void Consoles::show_identity(const http::TlsIdentity& identity) {
    thumbprint_ = identity.thumbprint_sha1();
}

void Consoles::serve() {
    for (const auto method : {"AcquireTicket", "AcquireMksTicket"}) {
        context_.methods.add(TypeId::VirtualMachine, method,
                             [this](Call call) { return acquire(std::move(call)); });
    }
}

void Consoles::forget_old() {
    const auto now = context_.runtime.clock().steady_now();
    std::erase_if(tickets_, [&](const auto& item) { return item.second.until <= now; });
    std::erase_if(open_, [](const auto& item) { return item.second.expired(); });
}

void Consoles::end_session(std::string_view session_key) {
    std::erase_if(tickets_,
                  [&](const auto& item) { return item.second.session_key == session_key; });
}

std::string Consoles::issue(const Call& call, const MoRef& host, std::string_view host_ticket) {
    forget_old();
    if (tickets_.size() >= kMostTickets) {
        throw vim::make_fault<vim::InvalidState>("Too many tickets wait to be used.");
    }
    std::string ticket = context_.random.hex(20);
    tickets_.emplace(
        ticket, Ticket{call.self, host, std::string(host_ticket), call.caller->session_key,
                       call.caller->user, context_.runtime.clock().steady_now() + kTicketLife});
    return ticket;
}

std::string Consoles::url_of(std::string_view ticket) const {
    const auto& address = context_.config.management_address;
    const bool v6 = address.contains(':');
    return fmt::format("wss://{}{}{}:{}{}{}", v6 ? "[" : "", address, v6 ? "]" : "",
                       context_.config.listen_port, kPath, ticket);
}

// The host says whether there is such a console; what the client gets is the center's.
Awaitable<Value> Consoles::acquire(Call call) {
    const HostObject home = forwarding_.home_of(call.self);
    const MoRef host = home.host->ref;
    const Value answer = co_await forwarding_.call(home, call.method->name(), call.request);
    const auto fill = [&](auto made) {
        made.set_ticket(issue(call, host, made.ticket()));
        made.set_host(context_.config.management_address);
        made.set_port(context_.config.listen_port);
        made.clear_sslThumbprint();
        if (!thumbprint_.empty()) made.set_sslThumbprint(thumbprint_);
        return made;
    };
    if (call.method->name() == "AcquireMksTicket") {
        co_return fill(vim::VirtualMachineMksTicket(answer)).raw();
    }
    auto made = fill(vim::VirtualMachineTicket(answer));
    made.set_url(url_of(made.ticket()));
    co_return made.raw();
}

// Null if the machine has left it, or it can't be asked.
const Host* Consoles::host_of(const Ticket& ticket) const {
    try {
        const HostObject home = forwarding_.home_of(ticket.machine);
        return home.host->ref == ticket.host ? home.host : nullptr;
    } catch (const vim::Fault&) {
        return nullptr;
    }
}

Awaitable<std::optional<Consoles::Way>> Consoles::redeem(std::string ticket,
                                                         std::string remote_address) {
    forget_old();
    const auto found = tickets_.find(ticket);
    if (found == tickets_.end()) {
        base::log_warning("audit: a ticket for a console from {} was refused", remote_address);
        co_return std::nullopt;
    }
    const Ticket spent = std::move(found->second);
    tickets_.erase(found);
    const Host* host = host_of(spent);
    if (host == nullptr) co_return std::nullopt;
    Way way;
    way.host = spent.host;
    way.server.host = host->target.address;
    way.server.port = host->target.port;
    way.thumbprint = host->target.thumbprint_sha256;
    way.target = std::string(kPath) + spent.host_ticket;
    base::log_info("audit: '{}' opens the console of {} from {}", spent.user, spent.machine.id,
                   remote_address);
    co_return way;
}

Awaitable<void> Consoles::enter(MoRef host, std::weak_ptr<ConsoleLink> link) {
    open_.emplace(host.id, std::move(link));
    co_return;
}

Awaitable<Response> Consoles::open(http::Request request, Way way) {
    const auto executor = co_await asio::this_coro::executor;
    http::ClientOptions options;
    options.verification = http::Verification::pinned(way.thumbprint);
    http::Client client(executor, way.server, options);
    const std::string subprotocol = http::choose_subprotocol(request, kSubprotocols);
    std::vector<std::string> offered;
    if (!subprotocol.empty()) offered.push_back(subprotocol);
    const auto host = co_await client.open_websocket(way.target, std::move(offered), {});
    co_return Response::upgrade(
        [this, executor, host,
         where = way.host](std::shared_ptr<WebSocket> socket) -> Awaitable<void> {
            const auto link = std::make_shared<ConsoleLink>(executor, std::move(socket), host);
            co_await asio::co_spawn(context_.runtime.strand(), enter(where, link),
                                    asio::use_awaitable);
            co_await link->run();
        },
        host->subprotocol());
}

Awaitable<Response> Consoles::handle(http::Request request) {
    if (!request.is_websocket_upgrade()) {
        Response refused = Response::text(426, "A console is opened by a WebSocket.\n");
        refused.headers.set("Upgrade", "websocket");
        co_return refused;
    }
    const std::string ticket = request.target.path().substr(kPath.size());
    const auto way = co_await asio::co_spawn(
        context_.runtime.strand(), redeem(ticket, request.remote_address), asio::use_awaitable);
    if (!way) co_return Response::text(403, "The ticket is not valid (any more).\n");
    std::string problem;
    try {
        co_return co_await open(std::move(request), *way);
    } catch (const std::exception& error) {
        problem = error.what();
    }
    base::log_warning("console: {}", problem);
    co_return Response::text(502, "The machine's host does not open its console.\n");
}

}  // namespace drover::center
