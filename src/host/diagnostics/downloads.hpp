#pragma once

// Support bundles over HTTP: /downloads/<name>, and /cgi-bin/vm-support.cgi which makes one. Both
// ask for a session's cookie or HTTP basic authentication, and the privilege Global.Diagnostics.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "host/context.hpp"
#include "host/diagnostics/diagnostic_manager.hpp"
#include "host/files/basic_auth.hpp"
#include "http/message.hpp"
#include "service/sessions.hpp"

namespace drover::host {

class Downloads {
public:
    /// References must outlive it.
    struct Parts {
        const HostContext& context;
        DiagnosticManager& diagnostics;
        service::Sessions& sessions;
        task::PrivilegeCheck may;
        files::Passwords passwords;
    };

    explicit Downloads(Parts parts);
    ~Downloads();

    static bool serves(std::string_view path);

    /// On the connection's strand.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace drover::host
