#pragma once

// GET /drs?cluster=domain-c7: what DRS sees in a cluster, what it would do and why, and why not, as
// JSON. It thinks anew for each request and changes nothing.
//
// What if: `without=host-9` (repeated by commas), `addHostLike=host-9`, `addVmLike=vm-5`,
// `apart=vm-1,vm-2`, `together=vm-1,vm-2`. `whyNot=1` for every machine, `whyNot=vm-5` for one.

#include <memory>
#include <string_view>

#include "center/drs/drs.hpp"
#include "center/forwarding/callers.hpp"
#include "http/message.hpp"

namespace drover::center {

class DrsEndpoint {
public:
    /// References must outlive it.
    struct Parts {
        Drs& drs;
        Callers& callers;
        task::PrivilegeCheck may;
    };
    explicit DrsEndpoint(Parts parts) : parts_(std::move(parts)) {}

    static bool serves(std::string_view path) { return path == "/drs"; }
    /// On the connection's strand.
    task::Awaitable<http::Response> handle(http::Request request);

private:
    task::Awaitable<http::Response> answer(http::Request request);
    Parts parts_;
};

}  // namespace drover::center
