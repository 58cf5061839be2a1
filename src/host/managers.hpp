#pragma once

// The host's own managers: options, licenses, services, time, diagnostics, storage and network
// systems. They stand on the HostSystem and need nothing of each other but the options.

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "host/context.hpp"
#include "host/files/basic_auth.hpp"
#include "http/message.hpp"
#include "http/tls_identity.hpp"
#include "service/sessions.hpp"

namespace drover::host {

class CpuPolicy;
class HostSystem;
class Options;
class Protection;
class ResourcePools;

/// Belongs to the strand.
class Managers {
public:
    struct Parts {
        const HostContext& context;
        service::Sessions& sessions;
        HostSystem& host_system;
        CpuPolicy& cpu;
        ResourcePools& pools;
        Protection& protection;
        task::PrivilegeCheck may;
        files::Passwords passwords;
        /// Called on the strand when the host has a new certificate.
        std::function<void(const http::TlsIdentity&)> use_identity;
    };

    explicit Managers(Parts parts);
    ~Managers();
    Managers(const Managers&) = delete;
    Managers& operator=(const Managers&) = delete;

    /// Makes their objects and serves their methods. Once, when the host, datastores and networks
    /// are there and before requests come.
    task::Awaitable<void> start();

    Options& options();

    /// The managers' own pages: support bundles.
    static bool serves(std::string_view path);
    /// On the connection's strand.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover::host
