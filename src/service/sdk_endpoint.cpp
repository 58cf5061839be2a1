#include "service/sdk_endpoint.hpp"

#include <boost/asio/co_spawn.hpp>
#include <vector>

#include "base/log.hpp"
#include "vim/json.hpp"
#include "vim/service_versions.hpp"
#include "vim/soap.hpp"

namespace drover::service {

using http::Request;
using http::Response;
using task::Awaitable;
using task::Caller;
using vim::Fault;
using vim::Value;

namespace {

constexpr std::string_view kCookieName = "vmware_soap_session";
constexpr std::string_view kSessionHeader = "vmware-api-session-id";
constexpr std::string_view kJsonPrefix = "/sdk/vim25/";
constexpr std::string_view kXmlType = "text/xml; charset=utf-8";
constexpr std::string_view kJsonType = "application/json";

std::string_view trimmed(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

// The value of our cookie in a Cookie header, its optional quotes taken off.
std::string cookie_value(std::string_view header) {
    while (!header.empty()) {
        const auto end = std::min(header.find(';'), header.size());
        std::string_view item = trimmed(header.substr(0, end));
        header.remove_prefix(std::min(end + 1, header.size()));
        const auto equals = item.find('=');
        if (equals == std::string_view::npos || trimmed(item.substr(0, equals)) != kCookieName) {
            continue;
        }
        std::string_view value = trimmed(item.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
            value = value.substr(1, value.size() - 2);
        }
        return std::string(value);
    }
    return {};
}

std::vector<std::string_view> split_path(std::string_view path) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto slash = path.find('/');
        parts.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return parts;
        path.remove_prefix(slash + 1);
    }
}

// Called on the connection's executor; the callback later runs on the strand.
void hand_over_peer(const Request& request, const task::Runtime& runtime, Caller& caller) {
    if (!request.peer) return;
    caller.when_gone = [peer = request.peer, strand = runtime.strand()](
                           boost::asio::any_io_executor connection,
                           std::function<void()> callback) {
        boost::asio::post(connection, [peer, strand, callback = std::move(callback)] {
            peer->on_gone([strand, callback] { boost::asio::post(strand, callback); });
        });
    };
}

}  // namespace

/// How a call ended: with a value or a fault, and what it did to the session.
struct SdkEndpoint::Outcome {
    Value value;
    std::optional<Fault> fault;
    std::string new_cookie;
    bool session_ended = false;
};

bool SdkEndpoint::serves(std::string_view path) {
    return path == "/sdk" || path.starts_with("/sdk/");
}

std::string SdkEndpoint::cookie_of(const Request& request) {
    const std::string_view header = request.header(kSessionHeader);
    return header.empty() ? cookie_value(request.header("Cookie")) : std::string(header);
}

Awaitable<Response> SdkEndpoint::handle(Request request) {
    const std::string path(request.target.path());
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (reads &&
        (path == "/sdk/vimServiceVersions.xml" || path == "/sdk/vim25/vimServiceVersions.xml")) {
        co_return Response::text(200, vim::service_versions_xml(), kXmlType);
    }
    if (path.starts_with(kJsonPrefix)) co_return co_await json(std::move(request));
    if (path == "/sdk" || path == "/sdk/" || path == "/sdk/vimService") {
        if (request.method == "POST") co_return co_await soap(std::move(request));
        Response refused = Response::text(405, "Requests to /sdk are POSTs.\n");
        refused.headers.set("Allow", "POST");
        co_return refused;
    }
    co_return Response::text(404, "There is nothing at this address.\n");
}

Awaitable<SdkEndpoint::Outcome> SdkEndpoint::run(std::shared_ptr<Caller> caller, std::string cookie,
                                                 vim::MoRef self,
                                                 const vim::MethodDescriptor* method,
                                                 Value arguments, std::string property) {
    Outcome outcome;
    std::shared_ptr<Session> session;
    if (!cookie.empty()) session = parts_.sessions.find(cookie);
    if (session) {
        caller->session_key = session->key;
        caller->user = session->user;
        ++session->calls_running;
        ++session->call_count;
    }
    try {
        if (method == nullptr) {
            outcome.value = parts_.read_property(*caller, self, property);
        } else {
            outcome.value = co_await parts_.dispatcher.invoke(
                {std::move(self), method, std::move(arguments), caller});
        }
    } catch (...) {
        outcome.fault = parts_.fault_of(std::current_exception());
    }
    if (session) {
        --session->calls_running;
        session->last_active = parts_.runtime.clock().wall_now();
    }
    outcome.new_cookie = caller->new_cookie;
    outcome.session_ended = caller->session_ended;
    co_return outcome;
}

Awaitable<SdkEndpoint::Outcome> SdkEndpoint::on_strand(const Request& request, vim::Release release,
                                                       vim::MoRef self,
                                                       const vim::MethodDescriptor* method,
                                                       Value arguments, std::string property) {
    auto caller = std::make_shared<Caller>();
    caller->release = release;
    caller->remote_address = request.remote_address;
    caller->user_agent = request.header("User-Agent");
    caller->connection = co_await boost::asio::this_coro::executor;
    hand_over_peer(request, parts_.runtime, *caller);
    Outcome outcome =
        co_await boost::asio::co_spawn(parts_.runtime.strand(),
                                       run(caller, cookie_of(request), std::move(self), method,
                                           std::move(arguments), std::move(property)),
                                       boost::asio::use_awaitable);
    if (request.peer) request.peer->on_gone({});
    co_return outcome;
}

Awaitable<Response> SdkEndpoint::soap(Request request) {
    const vim::Release release = vim::release_from_soap_action(request.header("SOAPAction"));
    std::optional<Fault> refused;
    vim::SoapRequest parsed;
    try {
        parsed = vim::parse_soap_request(request.body);
    } catch (const Fault& fault) {
        refused = fault;
    }
    request.body = {};
    if (refused) co_return Response::text(500, vim::encode_soap_fault(*refused, release), kXmlType);
    const Outcome outcome = co_await on_strand(request, release, parsed.self, parsed.method,
                                               std::move(parsed.request), parsed.fetch_property);
    if (outcome.fault) {
        co_return Response::text(500, vim::encode_soap_fault(*outcome.fault, release), kXmlType);
    }
    Response response =
        Response::text(200,
                       parsed.method == nullptr
                           ? vim::encode_soap_fetch_response(outcome.value, release)
                           : vim::encode_soap_response(*parsed.method, outcome.value, release),
                       kXmlType);
    if (!outcome.new_cookie.empty()) {
        response.headers.add("Set-Cookie", std::string(kCookieName) + "=\"" + outcome.new_cookie +
                                               "\"; Path=/; HttpOnly; Secure; SameSite=Strict");
    } else if (outcome.session_ended) {
        response.headers.add(
            "Set-Cookie", std::string(kCookieName) + "=\"\"; Path=/; HttpOnly; Secure; Max-Age=0");
    }
    co_return response;
}

Awaitable<Response> SdkEndpoint::json(Request request) {
    // /sdk/vim25/<release>/<type>/<id>/<member>
    const std::string path(request.target.path());
    const auto parts = split_path(std::string_view(path).substr(kJsonPrefix.size()));
    const auto release = parts.size() == 4 ? vim::find_release(parts[0]) : std::nullopt;
    if (!release) co_return Response::text(404, "Use /sdk/vim25/<release>/<type>/<id>/<member>.\n");
    const vim::Release served = std::min(*release, vim::served_releases().front());
    vim::MoRef self{vim::find_type(parts[1]), std::string(parts[2])};
    const bool reads = request.method == "GET";
    std::optional<Fault> refused;
    Value arguments;
    const vim::MethodDescriptor* method = reads ? nullptr : vim::find_method(parts[3]);
    try {
        if (!reads && request.method != "POST") {
            throw vim::make_fault<vim::InvalidRequest>(
                "Use GET for a property, POST for a method.");
        }
        if (!reads && method == nullptr) {
            throw vim::make_fault<vim::InvalidRequest>("There is no method '" +
                                                       std::string(parts[3]) + "'.");
        }
        if (method != nullptr) arguments = vim::parse_json_request(*method, request.body);
    } catch (const Fault& fault) {
        refused = fault;
    }
    Outcome outcome;
    if (refused) {
        outcome.fault = refused;
    } else {
        outcome = co_await on_strand(request, served, self, method, std::move(arguments),
                                     std::string(parts[3]));
    }
    if (outcome.fault) {
        co_return Response::text(500, vim::encode_json_fault(*outcome.fault, served), kJsonType);
    }
    std::string body = method != nullptr
                           ? vim::encode_json_response(*method, outcome.value, served)
                           : vim::encode_json_value(outcome.value, vim::TypeId::anyType, served);
    Response response = body.empty() ? Response::text(204, "", kJsonType)
                                     : Response::text(200, std::move(body), kJsonType);
    if (!outcome.new_cookie.empty()) {
        response.headers.set(kSessionHeader, outcome.new_cookie);
        response.headers.add("Set-Cookie", std::string(kCookieName) + "=\"" + outcome.new_cookie +
                                               "\"; Path=/; HttpOnly; Secure; SameSite=Strict");
    }
    co_return response;
}

}  // namespace drover::service
