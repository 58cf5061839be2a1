#pragma once

// Backup, restore, certificate and support bundles over HTTP.

#include <functional>
#include <memory>
#include <string_view>

#include "center/context.hpp"
#include "center/forwarding/callers.hpp"
#include "center/forwarding/relay.hpp"
#include "center/operations/diagnostics.hpp"
#include "http/message.hpp"
#include "http/tls_identity.hpp"

namespace drover::center {

class OperationsEndpoint {
public:
    /// References must outlive it.
    struct Parts {
        CenterContext& context;
        Callers& callers;
        Diagnostics& diagnostics;
        Relay& relay;
        task::PrivilegeCheck may;
        /// Shows a certificate to new connections. On the strand.
        std::function<void(const http::TlsIdentity&)> use_identity;
        /// Ends this process soon, for it to be started again. On the strand.
        std::function<void()> restart;
    };

    explicit OperationsEndpoint(Parts parts);
    ~OperationsEndpoint();
    OperationsEndpoint(const OperationsEndpoint&) = delete;
    OperationsEndpoint& operator=(const OperationsEndpoint&) = delete;

    static bool serves(std::string_view path);
    /// For the server, if serves(): a restore is streamed.
    static http::BodyPolicy body_policy(const http::Request& request);
    /// On the connection's strand.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace drover::center
