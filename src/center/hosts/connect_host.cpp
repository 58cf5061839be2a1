// DisconnectHost_Task and ReconnectHost_Task.

#include <fmt/format.h>

#include "base/log.hpp"
#include "center/hosts/host_events.hpp"
#include "center/hosts/host_operations.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;

Awaitable<void> HostOperations::disconnect(MoRef ref, std::string user) {
    Host& host = get(ref);
    const HostTurn turn(*this, host);
    host.desired = DesiredState::disconnected;
    co_await store(host);
    host.link->stop();
    base::log_info("audit: '{}' disconnected the host {}", user, host.name);
}

// With the address, certificate or administrator that the caller names, where they are not what is
// known. An administrator makes a new account if ours is not accepted any more.
Awaitable<LinkTarget> HostOperations::renewed_target(Host& host, vim::HostConnectSpec spec,
                                                     std::string* thumbprint) {
    LinkTarget target = host.target;
    if (!spec) co_return target;
    HostAddress address{target.address, target.port};
    if (spec.hostName()) {
        address = parse_host_address(*spec.hostName(), spec.port(), "cnxSpec.hostName");
    }
    const auto there = co_await look_at_certificate(context_.runtime, address);
    require_certificate(there,
                        spec.sslThumbprint() ? *spec.sslThumbprint() : target.thumbprint_sha256,
                        address.name());
    target.address = address.address;
    target.port = address.port;
    target.thumbprint_sha256 = there.sha256;
    *thumbprint = there.sha1;
    if (!spec.userName() || spec.userName()->empty()) co_return target;
    auto asked = vim::HostConnectSpec(spec);
    asked.set_hostName(address.name());
    const Found found = co_await look(asked, there.sha256);
    if (found.uuid != host.uuid) {
        throw vim::invalid_argument("cnxSpec.hostName", fmt::format("{} is another host than {}.",
                                                                    address.name(), host.name));
    }
    const auto account = HostAccount::make(context_.random);
    co_await create_account(*found.link, account,
                            "The center at " + context_.config.management_address);
    co_await set_manager(*found.link, context_.config.management_address);
    target.user = account.user;
    target.password = account.password;
    co_return target;
}

Awaitable<void> HostOperations::reconnect(MoRef ref, vim::HostConnectSpec spec) {
    Host& host = get(ref);
    const HostTurn turn(*this, host);
    if (host.link->state() == LinkState::connected) {
        throw vim::make_fault<vim::InvalidState>(
            fmt::format("The host {} is connected.", host.name));
    }
    const std::string old_user = host.target.user;
    std::string thumbprint = host.thumbprint;
    std::exception_ptr failure;
    try {
        const LinkTarget target = co_await renewed_target(host, spec, &thumbprint);
        host.target = target;
        host.thumbprint = thumbprint;
        co_await store(host);
        host.link->stop();
        host.link->set_target(target);
        co_await host.link->connect();
        if (target.user != old_user) co_await remove_account(*host.link, old_user);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        context_.events.post(host_event<vim::HostReconnectionFailedEvent>(context_, host));
        if (host.desired == DesiredState::connected) host.link->run();
        std::rethrow_exception(failure);
    }
    host.desired = DesiredState::connected;
    co_await store(host);
    host.link->run();
    co_await wait_until_shown(ref);
}

}  // namespace drover::center
