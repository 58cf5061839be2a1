#pragma once

// Pictures of machines' screens: CreateScreenshot_Task, and GET /screen?id=<machine> over HTTP.

#include "host/files/callers.hpp"
#include "host/machines/machines.hpp"
#include "http/message.hpp"

namespace drover::host {

class Screens {
public:
    struct Parts {
        const HostContext& context;
        Machines& machines;
        service::Sessions& sessions;
        task::PrivilegeCheck may;
        files::Passwords passwords;
    };

    explicit Screens(Parts parts);

    /// CreateScreenshot_Task.
    void serve();

    /// Keeps a picture of the screen beside the machine's files; its path.
    task::Awaitable<std::string> keep(MachinePtr machine);

    static bool serves(std::string_view path) { return path == "/screen"; }
    /// Any executor.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    task::Awaitable<http::Response> answer(files::CallerQuestion question, std::string id);
    task::Awaitable<std::string> take(MachinePtr machine);
    task::Awaitable<std::string> store(MachinePtr machine, std::string png);

    const HostContext& context_;
    Machines& machines_;
    task::PrivilegeCheck may_;
    files::Callers callers_;
};

}  // namespace drover::host
