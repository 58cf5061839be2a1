#include "center/forwarding/service_tickets.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "center/forwarding/named_datastores.hpp"
#include "http/target.hpp"
#include "vim/properties.hpp"
#include "vim/security_types.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using vim::MoRef;
using vim::Value;

namespace {

constexpr std::string_view kBrowse = "Datastore.Browse";
constexpr std::string_view kChangeFiles = "Datastore.FileManagement";

struct HostTickets {
    CenterContext& context;
    Hosts& hosts;
    Mirror& mirror;
    task::PrivilegeCheck may;

    Host* host_at(const http::Url& url) const;
    MoRef datastore_at(const Host& host, const http::Target& target) const;
    Awaitable<Value> acquire(Call call, MoRef host_ref, std::string privilege,
                             http::Target target) const;
};

Host* HostTickets::host_at(const http::Url& url) const {
    Host* found = nullptr;
    hosts.for_each([&](Host& host) {
        if (host.target.address == url.host && host.target.port == url.port) found = &host;
    });
    return found != nullptr ? found : hosts.find_by_name(url.authority());
}

// By the name that it has on the host: that is what the host will look for.
MoRef HostTickets::datastore_at(const Host& host, const http::Target& target) const {
    const std::string name(target.query("dsName").value_or(""));
    for (const MoRef& each : datastores_named(context, {}, name)) {
        const auto there = mirror.host_ref_of(host, each);
        if (!there) continue;
        const Value said = mirror.said_of(host, *there, vim::property::ManagedEntity::name);
        if (said && said.as_string() == name) return each;
    }
    throw vim::invalid_argument(
        "spec.url", fmt::format("The host '{}' has no datastore '{}'.", host.name, name));
}

Awaitable<Value> HostTickets::acquire(Call call, MoRef host_ref, std::string privilege,
                                      http::Target target) const {
    Host* host = hosts.find(host_ref);
    const bool is_file = target.path() == "/folder" || target.path().starts_with("/folder/");
    if (!is_file) {
        throw vim::invalid_argument("spec.url", "Tickets for hosts are for files at /folder.");
    }
    const MoRef datastore = datastore_at(*host, target);
    if (!may(*call.caller, datastore, privilege)) throw vim::no_permission(datastore, privilege);
    if (!host->link || host->link->state() != LinkState::connected) {
        throw vim::make_fault<vim::HostNotConnected>(
            fmt::format("The host '{}' is not connected.", host->name));
    }
    base::log_info("audit: '{}' gets a ticket for {} on {}", call.caller->user, target.path(),
                   host->name);
    const auto manager = host->link->content().sessionManager();
    const Value answer = co_await host->link->call(call.method->name(), *manager, call.request);
    auto ticket = vim::SessionManagerGenericServiceTicket(answer);
    host = hosts.find(host_ref);
    if (host != nullptr) {
        ticket.set_hostName(host->target.address);
        if (!host->thumbprint.empty()) ticket.set_sslThumbprint(host->thumbprint);
    }
    co_return ticket.raw();
}

}  // namespace

void serve_host_tickets(CenterContext& context, Hosts& hosts, Mirror& mirror,
                        task::PrivilegeCheck may) {
    const auto tickets =
        std::make_shared<HostTickets>(HostTickets{context, hosts, mirror, std::move(may)});
    context.dispatcher.decorate(
        "AcquireGenericServiceTicket", [tickets](task::Handler own) -> task::Handler {
            return [tickets, own = std::move(own)](Call call) -> Awaitable<Value> {
                const auto asked = call.arguments<vim::AcquireGenericServiceTicketRequest>();
                const auto spec = asked.spec().as<vim::SessionManagerHttpServiceRequestSpec>();
                const auto url = http::Url::parse(spec ? spec.url() : std::string_view{});
                Host* host = url ? tickets->host_at(*url) : nullptr;
                const auto target =
                    url ? http::Target::parse(url->target) : std::unexpected(std::string());
                if (host == nullptr || !target || call.caller->session_key.empty()) {
                    return own(std::move(call));
                }
                const auto method = spec.method().value_or("httpGet");
                const bool reads = method == "httpGet" || method == "httpHead";
                return tickets->acquire(std::move(call), host->ref,
                                        std::string(reads ? kBrowse : kChangeFiles), *target);
            };
        });
}

}  // namespace drover::center
