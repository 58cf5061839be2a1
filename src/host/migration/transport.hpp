#pragma once

#include <functional>
#include <memory>
#include <string>

#include "host/context.hpp"
#include "host/migration/migration_identity.hpp"
#include "host/migration/peer_relay.hpp"

namespace drover::host {

/// How two hosts' engines reach each other. What it is made of stands in migration.cpp; tests have
/// their own. Calls may block for the time of a small file's writing, but for open_way().
struct MigrationTransport {
    /// This host's authority, by which others know its engine; PEM. Empty: not encrypted (a
    /// simulated engine).
    std::function<std::string()> own_ca;
    std::function<std::string()> tls_name;
    /// From now on the engine believes a peer of this authority, until forget(). `key` names the
    /// migration.
    std::function<void(const std::string& key, const std::string& ca)> trust;
    std::function<void(const std::string& key)> forget;

    /// A way to another host's engine; it ends with its last copy.
    struct Way {
        virtual ~Way() = default;
        virtual std::string socket() const = 0;
    };
    std::function<std::shared_ptr<Way>(const std::string& url, const std::string& thumbprint,
                                       const std::string& ticket)>
        open_way;
    /// Ends what has come in with a ticket.
    std::function<void(const std::string& ticket)> close_ways;
};

/// The real one: the engines' control connections go through relays (peer_relay.hpp), their data
/// from QEMU to QEMU with certificates of each host's own (migration_identity.hpp). Made and used
/// on the strand, but for handle().
class PeerTransport {
public:
    /// `admits` says whether somebody who shows this ticket may reach this host's engine. Throws
    /// std::runtime_error if the certificates can't be made.
    PeerTransport(const HostContext& context, std::function<bool(const std::string&)> admits);
    ~PeerTransport();
    PeerTransport(const PeerTransport&) = delete;
    PeerTransport& operator=(const PeerTransport&) = delete;

    /// Its functions hold for as long as this lives.
    MigrationTransport functions();

    /// A request at /drover/peer. Any executor.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    std::filesystem::path relays() const;

    const HostContext& context_;
    std::unique_ptr<MigrationIdentity> identity_;
    PeerEndpoint endpoint_;
};

}  // namespace drover::host
