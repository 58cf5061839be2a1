#include "service/sdk_endpoint.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <cctype>

#include "base/log.hpp"
#include "http/logged_in.hpp"
#include "model/gathered.hpp"
#include "service/description_files.hpp"
#include "vim/json.hpp"
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

// What a client may say a JSON body is: the media type, what libraries put there by default, or
// nothing.
bool may_be_json(std::string_view content_type) {
    const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
    constexpr std::array<std::string_view, 5> kAccepted{
        "", "application/json", "text/json", "text/plain", "application/x-www-form-urlencoded"};
    return std::ranges::any_of(kAccepted, [&](std::string_view each) {
        return std::ranges::equal(type, each, {}, [](char c) {
            return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        });
    });
}

Response json_fault(int status, const Fault& fault, vim::Release release) {
    return Response::text(status, vim::encode_json_fault(fault, release), kJsonType);
}

// A member that the object's type lacks is a page that is not there. Every other fault is the
// call's result: clients read it from a 500 and from nothing else.
int status_of(const Fault& fault, bool is_call) {
    const bool no_member = fault.fault().is<vim::MethodNotFound>() ||
                           (!is_call && fault.fault().is<vim::InvalidProperty>());
    return no_member ? 404 : 500;
}

// Throws MethodNotFound.
const vim::MethodDescriptor& called_method(const vim::MoRef& self, const std::string& name,
                                           vim::Release release) {
    const vim::MethodDescriptor* method = vim::find_method(name);
    const bool has_it =
        method != nullptr && method->since() <= release &&
        (vim::is_a(self.type, method->owner) || vim::is_a(method->owner, self.type));
    // Of an object whose type has no name here it is said that there is no such object.
    if (has_it || (method != nullptr && self.type == vim::TypeId::none)) return *method;
    auto fault = vim::MethodNotFound::make();
    fault.set_receiver(self);
    fault.set_method(name);
    throw Fault(fault, "There is no method '" + name + "'.");
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

// An answer of this size is sent in pieces, each while the next one is being made.
constexpr std::size_t kPieceBytes = 128 * 1024;

/// Properties of many objects, on their way to the client.
struct ContentsInPieces {
    ContentsInPieces(std::shared_ptr<const model::Gathered> all,
                     const vim::MethodDescriptor& method, vim::Release release)
        : gathered(std::move(all)), text(method, release, gathered->token()) {}

    std::string next() {
        if (!complete) complete = gathered->write(text, position, kPieceBytes);
        return text.take();
    }

    std::shared_ptr<const model::Gathered> gathered;
    vim::SoapContents text;
    std::size_t position = 0;
    bool complete = false;
};

Response contents_response(std::shared_ptr<const model::Gathered> gathered,
                           const vim::MethodDescriptor& method, vim::Release release) {
    const auto pieces = std::make_shared<ContentsInPieces>(std::move(gathered), method, release);
    std::string first = pieces->next();
    if (pieces->complete) return Response::text(200, std::move(first), kXmlType);
    Response response = Response::text(200, "", kXmlType);
    http::StreamBody body;
    body.next = [pieces, first = std::move(first)]() mutable -> Awaitable<std::string> {
        if (!first.empty()) co_return std::exchange(first, {});
        co_return pieces->complete ? std::string() : pieces->next();
    };
    response.body = std::move(body);
    return response;
}

// What the audit needs of a caller.
task::Caller identity_of(const task::Caller& caller) {
    task::Caller made;
    made.session_key = caller.session_key;
    made.user = caller.user;
    made.remote_address = caller.remote_address;
    return made;
}

}  // namespace

/// How a call ended: with a value or a fault, and what it did to the session.
struct SdkEndpoint::Outcome {
    Value value;
    std::shared_ptr<const model::Gathered> gathered;  // instead of it, where it is asked for
    std::optional<Fault> fault;
    std::string new_cookie;
    bool in_session = false;
    bool session_ended = false;
};

void SdkEndpoint::carry_session(const Outcome& outcome, Response& response) {
    if (!outcome.new_cookie.empty()) {
        response.headers.add("Set-Cookie", std::string(kCookieName) + "=\"" + outcome.new_cookie +
                                               "\"; Path=/; HttpOnly; Secure; SameSite=Strict");
    } else if (outcome.session_ended) {
        response.headers.add(
            "Set-Cookie", std::string(kCookieName) + "=\"\"; Path=/; HttpOnly; Secure; Max-Age=0");
    }
}

bool SdkEndpoint::serves(std::string_view path) {
    return path == "/sdk" || path.starts_with("/sdk/");
}

std::string SdkEndpoint::cookie_of(const Request& request) {
    const std::string_view header = request.header(kSessionHeader);
    return header.empty() ? cookie_value(request.header("Cookie")) : std::string(header);
}

Awaitable<Response> SdkEndpoint::handle(Request request) {
    const std::string path(request.target.path());
    if (request.method == "GET" || request.method == "HEAD") {
        if (auto file = description_file(request)) co_return *std::move(file);
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
    // As it was called: what destroys an object leaves nobody to ask for its name.
    AuditLog* const audit = method != nullptr && AuditLog::wants(*method) ? parts_.audit : nullptr;
    const std::string name = audit != nullptr && parts_.name_of ? parts_.name_of(self) : "";
    const vim::MoRef called = self;
    const Value asked = arguments;
    const task::Caller sender = audit != nullptr ? identity_of(*caller) : task::Caller{};
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
    if (audit != nullptr) {
        audit->call(sender, called, *method, asked, name, outcome.value, outcome.fault);
    }
    outcome.new_cookie = caller->new_cookie;
    outcome.in_session = session != nullptr || !outcome.new_cookie.empty();
    outcome.session_ended = caller->session_ended;
    co_return outcome;
}

Awaitable<SdkEndpoint::Outcome> SdkEndpoint::on_strand(const Request& request, vim::Release release,
                                                       vim::MoRef self,
                                                       const vim::MethodDescriptor* method,
                                                       Value arguments, std::string property,
                                                       bool in_pieces) {
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
    if (request.peer) {
        request.peer->on_gone({});
        if (outcome.in_session) http::set_logged_in(*request.peer);
    }
    if (in_pieces && caller->gathered && !outcome.fault) {
        outcome.gathered = std::move(caller->gathered);
    } else if (caller->finish && !outcome.fault) {
        outcome.value = caller->finish();
    }
    co_return outcome;
}

Awaitable<Response> SdkEndpoint::soap(Request request) {
    const auto declared = vim::declared_release(request.header("SOAPAction"));
    vim::Release release = vim::release_from_soap_action(request.header("SOAPAction"));
    std::optional<Fault> refused;
    vim::SoapRequest parsed;
    try {
        parsed = vim::parse_soap_request(request.body, declared);
    } catch (const Fault& fault) {
        refused = fault;
    }
    request.body = {};
    if (refused) co_return Response::text(500, vim::encode_soap_fault(*refused, release), kXmlType);
    // Who declares nothing knows at least what it calls.
    if (!declared && parsed.method != nullptr) release = std::max(release, parsed.method->since());
    const Outcome outcome =
        co_await on_strand(request, release, parsed.self, parsed.method, std::move(parsed.request),
                           parsed.fetch_property, true);
    if (outcome.fault) {
        co_return Response::text(500, vim::encode_soap_fault(*outcome.fault, release), kXmlType);
    }
    if (outcome.gathered) {
        co_return contents_response(outcome.gathered, *parsed.method, release);
    }
    Response response =
        Response::text(200,
                       parsed.method == nullptr
                           ? vim::encode_soap_fetch_response(outcome.value, release)
                           : vim::encode_soap_response(*parsed.method, outcome.value, release),
                       kXmlType);
    carry_session(outcome, response);
    co_return response;
}

Response SdkEndpoint::json_answer(const Outcome& outcome, const vim::MethodDescriptor* method,
                                  vim::Release release) {
    if (outcome.fault)
        return json_fault(status_of(*outcome.fault, method != nullptr), *outcome.fault, release);
    std::string body = method != nullptr
                           ? vim::encode_json_response(*method, outcome.value, release)
                           : vim::encode_json_value(outcome.value, vim::TypeId::anyType, release);
    Response response = body.empty() ? Response::text(204, "", kJsonType)
                                     : Response::text(200, std::move(body), kJsonType);
    if (!outcome.new_cookie.empty()) response.headers.set(kSessionHeader, outcome.new_cookie);
    carry_session(outcome, response);
    return response;
}

Awaitable<Response> SdkEndpoint::json(Request request) {
    // /sdk/vim25/<release>/<type>/<id>/<member>; an id may hold an encoded slash.
    const auto parts = request.target.segments();
    const auto asked = parts.size() == 6 ? vim::find_release(parts[2]) : std::nullopt;
    if (!asked) co_return Response::text(404, "Use /sdk/vim25/<release>/<type>/<id>/<member>.\n");
    const vim::Release release = std::min(*asked, vim::served_releases().front());
    const bool calls = request.method == "POST";
    if (!calls && request.method != "GET" && request.method != "HEAD") {
        Response refused = json_fault(
            405, vim::make_fault<vim::InvalidRequest>("Use GET for a property, POST for a method."),
            release);
        refused.headers.set("Allow", "GET, HEAD, POST");
        co_return refused;
    }
    if (calls && !may_be_json(request.header("Content-Type"))) {
        co_return json_fault(
            415, vim::make_fault<vim::InvalidRequest>("The parameters are a JSON object."),
            release);
    }
    const vim::MoRef self{vim::find_type(parts[3]), parts[4]};
    const vim::MethodDescriptor* method = nullptr;
    Value arguments;
    std::optional<Fault> refused;
    try {
        if (calls) method = &called_method(self, parts[5], release);
        if (calls) arguments = vim::parse_json_request(*method, request.body, release);
    } catch (const Fault& fault) {
        refused = fault;
    }
    if (refused) co_return json_fault(status_of(*refused, calls), *refused, release);
    co_return json_answer(
        co_await on_strand(request, release, self, method, std::move(arguments), parts[5], false),
        method, release);
}

}  // namespace drover::service
