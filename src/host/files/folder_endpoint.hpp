#pragma once

// The files of datastores over HTTP: /folder/<path>?dcPath=ha-datacenter&dsName=<datastore>.
//
// GET and HEAD: a file (also a range of it), or a listing of a directory; without dsName, of the
// datastores.
// PUT: makes a file or replaces it, as a whole or not at all; also in parts (folder_transfer.hpp).
// DELETE: removes a file or an empty directory.
//
// Who asks is told by the session's cookie, by HTTP basic authentication, or by a service ticket
// that was made for this very request.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/context.hpp"
#include "host/files/basic_auth.hpp"
#include "host/machines/machine.hpp"
#include "http/message.hpp"
#include "service/sessions.hpp"
#include "service/tickets.hpp"

namespace drover::host {

class FolderEndpoint {
public:
    /// References must outlive the endpoint.
    struct Parts {
        const HostContext& context;
        service::Sessions& sessions;
        task::PrivilegeCheck may;
        files::Passwords passwords;
        /// Machines::all.
        std::function<std::vector<std::shared_ptr<Machine>>()> machines;
        /// Of AcquireGenericServiceTicket; may be null.
        service::Tickets* tickets = nullptr;
        /// Told on the strand what was sent or removed.
        std::function<void(const storage::DatastorePath&)> changed = {};
    };

    explicit FolderEndpoint(Parts parts);
    ~FolderEndpoint();

    /// True if the path is this endpoint's.
    static bool serves(std::string_view path);
    /// For the server, if serves(): uploads are streamed and as long as the datastore has room.
    static http::BodyPolicy body_policy(const http::Request& request);

    /// On the connection's strand.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace drover::host
