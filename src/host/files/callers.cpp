#include "host/files/callers.hpp"

#include <algorithm>

#include "service/sdk_endpoint.hpp"

namespace drover::host::files {

namespace {

// The value of a cookie; empty if there is none of the name.
std::string cookie_named(std::string_view header, std::string_view name) {
    while (!header.empty()) {
        const auto end = std::min(header.find(';'), header.size());
        std::string_view item = header.substr(0, end);
        header.remove_prefix(std::min(end + 1, header.size()));
        while (item.starts_with(' ')) item.remove_prefix(1);
        if (!item.starts_with(name) || item.substr(name.size(), 1) != "=") continue;
        std::string_view value = item.substr(name.size() + 1);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
            value = value.substr(1, value.size() - 2);
        }
        return std::string(value);
    }
    return {};
}

}  // namespace

CallerQuestion caller_question(const http::Request& request) {
    CallerQuestion question;
    question.cookie = service::SdkEndpoint::cookie_of(request);
    question.credentials = parse_basic(request.header("Authorization"));
    question.remote_address = request.remote_address;
    question.ticket = cookie_named(request.header("Cookie"), service::kTicketCookie);
    if (!question.ticket.empty()) {
        question.request = {request.method,
                            service::service_target(request.target.path(),
                                                    request.target.query("dcPath").value_or(""),
                                                    request.target.query("dsName").value_or(""))};
    }
    return question;
}

task::Awaitable<std::optional<task::Caller>> Callers::identify(CallerQuestion question) {
    task::Caller caller;
    caller.remote_address = question.remote_address;
    if (!question.cookie.empty()) {
        if (const auto session = sessions_.find(question.cookie)) {
            caller.session_key = session->key;
            caller.user = session->user;
            co_return caller;
        }
    }
    if (tickets_ != nullptr && !question.ticket.empty()) {
        const auto key = tickets_->take_service_ticket(question.ticket, question.request);
        if (const auto session = key ? sessions_.find_by_key(*key) : nullptr) {
            caller.session_key = session->key;
            caller.user = session->user;
            co_return caller;
        }
    }
    if (!question.credentials) co_return std::nullopt;
    if (!co_await auth_.check(*question.credentials, question.remote_address))
        co_return std::nullopt;
    // It stands for a session of this one request.
    caller.session_key = "basic";
    caller.user = question.credentials->user;
    co_return caller;
}

}  // namespace drover::host::files
