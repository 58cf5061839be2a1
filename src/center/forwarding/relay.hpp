#pragma once

// Files of datastores (/folder) and pictures of consoles (/screen) through the center: the request
// is passed to a host that has them, and the answer back, piece by piece.

#include <memory>
#include <string>
#include <string_view>

#include "center/context.hpp"
#include "center/forwarding/callers.hpp"
#include "center/hosts/hosts.hpp"
#include "center/mirror/mirror.hpp"
#include "http/message.hpp"

namespace drover::center {

class Relay {
public:
    /// References must outlive the relay.
    struct Parts {
        CenterContext& context;
        Hosts& hosts;
        Mirror& mirror;
        Callers& callers;
        task::PrivilegeCheck may;
    };

    explicit Relay(Parts parts);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    static bool serves(std::string_view path);
    /// For the server, if serves(): uploads are streamed.
    static http::BodyPolicy body_policy(const http::Request& request);
    /// On the connection's strand.
    task::Awaitable<http::Response> handle(http::Request request);

    /// Asks a host for `target` in the place of a request, whose sender has been admitted, and
    /// passes its answer on. On the connection's strand.
    task::Awaitable<http::Response> fetch_from(http::Request request, vim::MoRef host,
                                               std::string target);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace drover::center
