#pragma once

// The HTTP face of the interface: SOAP at /sdk, VI/JSON below /sdk/vim25, and what clients fetch
// before they talk. Bodies are decoded and encoded on the connection's executor; only the call
// itself runs on the strand.

#include <functional>
#include <memory>
#include <string>

#include "http/message.hpp"
#include "model/inventory.hpp"
#include "service/audit/audit_log.hpp"
#include "service/sessions.hpp"
#include "task/dispatcher.hpp"
#include "task/tasks.hpp"

namespace drover::service {

/// Reads one property for a caller: Fetch and VI/JSON's GET. Throws InvalidProperty.
using PropertyRead =
    std::function<vim::Value(const task::Caller&, const vim::MoRef&, const std::string& property)>;

class SdkEndpoint {
public:
    struct Parts {
        task::Runtime& runtime;
        task::Dispatcher& dispatcher;
        Sessions& sessions;
        PropertyRead read_property;
        task::FaultOf fault_of;
        AuditLog* audit = nullptr;  ///< told of every call; may be null
        /// What people call an object; empty if it has no name. On the strand.
        std::function<std::string(const vim::MoRef&)> name_of = {};
    };

    explicit SdkEndpoint(Parts parts) : parts_(std::move(parts)) {}

    /// True if the path is this endpoint's.
    static bool serves(std::string_view path);

    /// Any executor.
    task::Awaitable<http::Response> handle(http::Request request);

    /// The session of a request's cookie or header; empty strings if there is none. Any executor:
    /// the look-up itself runs on the strand.
    static std::string cookie_of(const http::Request& request);

private:
    struct Outcome;
    task::Awaitable<http::Response> soap(http::Request request);
    task::Awaitable<http::Response> json(http::Request request);
    static http::Response json_answer(const Outcome& outcome, const vim::MethodDescriptor* method,
                                      vim::Release release);
    static void carry_session(const Outcome& outcome, http::Response& response);
    task::Awaitable<Outcome> run(std::shared_ptr<task::Caller> caller, std::string cookie,
                                 vim::MoRef self, const vim::MethodDescriptor* method,
                                 vim::Value arguments, std::string property);
    task::Awaitable<Outcome> on_strand(const http::Request& request, vim::Release release,
                                       vim::MoRef self, const vim::MethodDescriptor* method,
                                       vim::Value arguments, std::string property, bool in_pieces);

    Parts parts_;
};

}  // namespace drover::service
