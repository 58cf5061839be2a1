#include "center/forwarding/callers.hpp"

#include "base/log.hpp"
#include "service/sdk_endpoint.hpp"
#include "vim/wire.hpp"

namespace drover::center {

using task::Awaitable;

namespace {

constexpr std::size_t kMostCredentialBytes = 1024;
constexpr std::chrono::seconds kVerifyLimit{30};

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

struct Credentials {
    std::string user;
    std::string password;
};

std::optional<Credentials> parse_basic(std::string_view authorization) {
    constexpr std::string_view kBasic = "Basic ";
    if (!authorization.starts_with(kBasic)) return std::nullopt;
    if (authorization.size() > kMostCredentialBytes) return std::nullopt;
    const auto decoded = vim::wire::parse_base64(authorization.substr(kBasic.size()));
    const auto colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos) return std::nullopt;
    return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

}  // namespace

CallerQuestion caller_question(const http::Request& request) {
    CallerQuestion question;
    question.cookie = service::SdkEndpoint::cookie_of(request);
    question.authorization = request.header("Authorization");
    question.remote_address = request.remote_address;
    question.ticket = cookie_named(request.header("Cookie"), service::kTicketCookie);
    question.request = {
        request.method,
        service::service_target(request.target.path(), request.target.query("dcPath").value_or(""),
                                request.target.query("dsName").value_or(""))};
    return question;
}

Awaitable<bool> Callers::check(std::string user, std::string password, std::string address) {
    if (!guard_.begin(address)) co_return false;
    std::exception_ptr failure;
    bool good = false;
    try {
        good = co_await parts_.runtime.blocking(
            "accounts", [verify = parts_.verify, user, password] { return verify(user, password); },
            kVerifyLimit);
    } catch (...) {
        failure = std::current_exception();
    }
    if (good) {
        guard_.succeeded(address, user);
    } else if (!failure) {
        base::log_warning("audit: wrong name or password from {}", address);
        co_await parts_.runtime.sleep(guard_.failed(address, user));
    }
    guard_.end(address);
    if (failure) std::rethrow_exception(failure);
    co_return good;
}

Awaitable<std::optional<task::Caller>> Callers::identify(CallerQuestion question) {
    task::Caller caller;
    caller.remote_address = question.remote_address;
    auto session = question.cookie.empty() ? nullptr : parts_.sessions.find(question.cookie);
    if (!session && !question.ticket.empty()) {
        const auto key = parts_.tickets.take_service_ticket(question.ticket, question.request);
        if (key) session = parts_.sessions.find_by_key(*key);
    }
    if (session) {
        caller.session_key = session->key;
        caller.user = session->user;
        co_return caller;
    }
    const auto credentials = parse_basic(question.authorization);
    if (!credentials) co_return std::nullopt;
    if (!co_await check(credentials->user, credentials->password, question.remote_address)) {
        co_return std::nullopt;
    }
    // It stands for a session of this one request.
    caller.session_key = "basic";
    caller.user = credentials->user;
    co_return caller;
}

}  // namespace drover::center
