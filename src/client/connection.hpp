#pragma once

// A session with a vSphere API: a drover host or center, or anybody else's. Blocking calls, for
// commands. One thread at a time.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/protocol.hpp"
#include "client/transport.hpp"

namespace drover::client {

class Connection {
public:
    /// Takes up a session that `protocol` knows, or none yet. Nothing is sent before the first
    /// call.
    Connection(std::unique_ptr<Transport> transport, Protocol protocol);

    /// Agrees on the release with the server. Throws ConnectionError.
    void negotiate();

    /// What the server says of itself; asked once. Works without a login.
    const vim::ServiceContent& content();

    /// Throws InvalidLogin and ConnectionError. The session's cookie is in protocol().
    vim::UserSession login(std::string_view user, std::string_view password);
    void logout();

    /// Calls a method by its wire name. `request` is an object of the method's request type, or
    /// unset. Throws vim::Fault and ConnectionError.
    vim::Value call(std::string_view method, const vim::MoRef& self, const vim::Value& request = {},
                    std::optional<std::chrono::milliseconds> response_timeout = {});

    /// Calls a method that starts a task; the task.
    vim::MoRef start(std::string_view method, const vim::MoRef& self,
                     const vim::Value& request = {});

    /// Reads one property of any managed object; unset if it is unset.
    vim::Value fetch(const vim::MoRef& object, std::string_view property);

    /// Sends a request that is no method call (files of datastores, logs) within the session.
    /// Throws ConnectionError; a status of 4xx or 5xx is an answer.
    WireResponse send(WireRequest request);

    /// True if the release that is spoken has this method.
    bool has_method(std::string_view method) const;

    const Protocol& protocol() const { return protocol_; }

private:
    std::unique_ptr<Transport> transport_;
    Protocol protocol_;
    vim::ServiceContent content_;
};

/// A manager of the service content that a server may lack; NotSupported says which.
vim::MoRef required(const std::optional<vim::MoRef>& manager, std::string_view name);

}  // namespace drover::client
