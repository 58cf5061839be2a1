#include "center/forwarding/relay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <optional>

#include "base/log.hpp"
#include "center/faults.hpp"
#include "center/forwarding/named_datastores.hpp"
#include "http/client.hpp"
#include "vim/properties.hpp"
#include "vim/wire.hpp"

namespace drover::center {

using http::Request;
using http::Response;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kFolder = "/folder";
constexpr std::string_view kScreen = "/screen";
constexpr std::string_view kBrowse = "Datastore.Browse";
constexpr std::string_view kChangeFiles = "Datastore.FileManagement";
constexpr std::string_view kScreenshot = "VirtualMachine.Interact.CreateScreenshot";
constexpr std::uint64_t kOtherBodyBytes = 4096;
constexpr std::size_t kPieceBytes = 256 << 10;

// What the strand is asked about a request.
struct Question {
    CallerQuestion sender;
    std::string method;
    std::string path;
    std::string datacenter;
    std::string datastore;
    std::string machine;

    bool reads() const { return method == "GET" || method == "HEAD"; }
};

// Where it goes; or the answer, where there is nothing more to do.
struct Route {
    std::optional<Response> answer;
    http::Url server;
    std::string thumbprint;
    std::string target;
    std::string authorization;
};

Response refusal(int status, std::string_view text) {
    Response response = Response::text(status, std::string(text) + "\n");
    if (status == 401) {
        response.headers.set("WWW-Authenticate", "Basic realm=\"drover\", charset=\"UTF-8\"");
    }
    response.close = true;
    return response;
}

Question question_of(const Request& request) {
    Question question;
    question.method = request.method;
    question.path = request.target.path();
    question.sender = caller_question(request);
    question.datacenter = request.target.query("dcPath").value_or("");
    question.datastore = request.target.query("dsName").value_or("");
    question.machine = request.target.query("id").value_or("");
    return question;
}

std::string basic(const LinkTarget& target) {
    vim::wire::Buffer buffer;
    vim::wire::put_base64(buffer, target.user + ":" + target.password);
    return "Basic " + buffer.take();
}

// The path's pieces as they were decoded, encoded again.
std::string encoded(std::string_view path) {
    std::string made;
    while (!path.empty()) {
        const auto end = std::min(path.find('/', 1), path.size());
        made += "/" + http::percent_encode(path.substr(1, end - 1));
        path.remove_prefix(end);
    }
    return made;
}

http::Headers headers_for(const Request& request, const Route& route) {
    http::Headers headers;
    headers.set("Authorization", route.authorization);
    for (const std::string_view name :
         {"Range", "Content-Range", "Content-Type", "If-Range", "Overwrite"}) {
        if (const auto value = request.headers.get(name)) headers.set(name, *value);
    }
    return headers;
}

}  // namespace

struct Relay::State {
    explicit State(Parts given) : parts(std::move(given)) {}

    Awaitable<Route> admit(Question question);
    Awaitable<Route> route_to(MoRef host, std::string target);
    Route to_folder(const Question& question, const task::Caller& caller);
    Route to_screen(const Question& question, const task::Caller& caller);
    Route to_host(const Host& host, std::string target) const;

    Parts parts;
};

Awaitable<Route> Relay::State::admit(Question question) {
    Route route;
    const auto caller = co_await parts.callers.identify(question.sender);
    if (!caller) {
        route.answer = refusal(401, "Log in first.");
        co_return route;
    }
    co_return question.path == kScreen ? to_screen(question, *caller)
                                       : to_folder(question, *caller);
}

Awaitable<Route> Relay::State::route_to(MoRef reference, std::string target) {
    const Host* host = parts.hosts.find(reference);
    if (host != nullptr) co_return to_host(*host, std::move(target));
    Route route;
    route.answer = refusal(404, "There is no such host.");
    co_return route;
}

Route Relay::State::to_host(const Host& host, std::string target) const {
    Route route;
    if (!host.link || host.link->state() != LinkState::connected) {
        route.answer = refusal(503, "The host is not connected.");
        return route;
    }
    route.server.host = host.target.address;
    route.server.port = host.target.port;
    route.thumbprint = host.target.thumbprint_sha256;
    route.target = std::move(target);
    route.authorization = basic(host.target);
    return route;
}

Route Relay::State::to_folder(const Question& question, const task::Caller& caller) {
    Route route;
    if (question.datastore.empty()) {
        route.answer = refusal(400, "Name the datastore: ?dsName=...");
        return route;
    }
    const auto datastores =
        datastores_named(parts.context, question.datacenter, question.datastore);
    if (datastores.size() != 1) {
        route.answer = datastores.empty()
                           ? refusal(404, "There is no such datastore.")
                           : refusal(400, "Name the datacenter as well: ?dcPath=...");
        return route;
    }
    const auto privilege = question.reads() ? kBrowse : kChangeFiles;
    if (!parts.may(caller, datastores.front(), privilege)) {
        route.answer = refusal(403, "Permission to perform this operation was denied.");
        return route;
    }
    const auto hosts = parts.mirror.hosts_of(datastores.front());
    if (hosts.empty()) {
        route.answer = refusal(503, "No host that has the datastore is connected.");
        return route;
    }
    if (!question.reads()) {
        base::log_info("audit: '{}' {} {} of '{}'", caller.user,
                       question.method == "PUT" ? "uploads" : "removes", question.path,
                       question.datastore);
    }
    const Host& host = *hosts.front();
    const auto there = parts.mirror.host_ref_of(host, datastores.front());
    const Value name =
        there ? parts.mirror.said_of(host, *there, vim::property::ManagedEntity::name) : Value{};
    const std::string_view host_name = name ? name.as_string() : question.datastore;
    return to_host(host, fmt::format("{}?dcPath={}&dsName={}", encoded(question.path),
                                     http::percent_encode(parts.mirror.host_datacenter(host).id),
                                     http::percent_encode(host_name)));
}

Route Relay::State::to_screen(const Question& question, const task::Caller& caller) {
    Route route;
    const MoRef machine{TypeId::VirtualMachine, question.machine};
    const auto home = parts.mirror.home_of(machine);
    if (!home) {
        route.answer = refusal(404, "There is no such machine.");
        return route;
    }
    if (!parts.may(caller, machine, kScreenshot)) {
        route.answer = refusal(403, "Permission to perform this operation was denied.");
        return route;
    }
    return to_host(*home->host, fmt::format("/screen?id={}", http::percent_encode(home->ref.id)));
}

namespace {

// The host's answer, its body read only as fast as the client takes it.
Response passed_on(http::ClientResponse answer) {
    Response response;
    response.status = answer.status;
    response.may_compress = false;
    for (const std::string_view name :
         {"Content-Type", "Content-Range", "Accept-Ranges", "Last-Modified", "ETag", "Allow",
          "Cache-Control", "X-Content-Type-Options", "Location", "Range"}) {
        if (const auto value = answer.headers.get(name)) response.headers.set(name, *value);
    }
    const auto reader = answer.body_reader;
    if (!reader) {
        response.body = std::move(answer.body);
        return response;
    }
    http::StreamBody body;
    body.length = reader->content_length();
    body.next = [reader]() -> Awaitable<std::string> {
        std::string piece(kPieceBytes, '\0');
        piece.resize(co_await reader->read(std::span<char>(piece)));
        co_return piece;
    };
    response.body = std::move(body);
    return response;
}

Awaitable<Response> pass(Request request, Route route) {
    http::ClientOptions options;
    options.verification = http::Verification::pinned(route.thumbprint);
    // One for each request: files are large, and the connection goes with the answer's reader.
    const auto client = std::make_shared<http::Client>(co_await boost::asio::this_coro::executor,
                                                       route.server, options);
    http::ClientRequest asked;
    asked.method = request.method;
    asked.target = route.target;
    asked.headers = headers_for(request, route);
    asked.stream_response = request.method != "HEAD";
    if (request.body_reader) {
        http::StreamBody body;
        body.length = request.body_reader->content_length();
        body.next = [reader = request.body_reader]() -> Awaitable<std::string> {
            std::string piece(kPieceBytes, '\0');
            piece.resize(co_await reader->read(std::span<char>(piece)));
            co_return piece;
        };
        asked.stream = std::move(body);
    }
    http::ClientResponse answer = co_await client->send(std::move(asked));
    const auto length = answer.headers.get("Content-Length");
    std::optional<std::uint64_t> announced;
    if (length && request.method == "HEAD") announced = std::stoull(std::string(*length));
    Response response = passed_on(std::move(answer));
    if (announced) {
        response.body = http::StreamBody{
            []() -> Awaitable<std::string> { co_return std::string(); }, announced};
    } else if (auto* body = std::get_if<http::StreamBody>(&response.body)) {
        body->next = [next = std::move(body->next), client] { return next(); };
    }
    co_return response;
}

}  // namespace

Relay::Relay(Parts parts) : state_(std::make_shared<State>(std::move(parts))) {}

Relay::~Relay() = default;

bool Relay::serves(std::string_view path) {
    return path == kFolder || path.starts_with("/folder/") || path == kScreen;
}

http::BodyPolicy Relay::body_policy(const Request& request) {
    if (request.method != "PUT") return {kOtherBodyBytes, false};
    return {INT64_MAX, true};
}

Awaitable<Response> Relay::fetch_from(Request request, MoRef host, std::string target) {
    const auto state = state_;
    std::string problem;
    try {
        Route route = co_await boost::asio::co_spawn(
            state->parts.context.runtime.strand(),
            state->route_to(std::move(host), std::move(target)), boost::asio::use_awaitable);
        if (route.answer) co_return *std::move(route.answer);
        co_return co_await pass(std::move(request), std::move(route));
    } catch (const std::exception& error) {
        problem = error.what();
    }
    base::log_warning("relay: {}", problem);
    co_return refusal(502, "The host does not answer as it should.");
}

Awaitable<Response> Relay::handle(Request request) {
    const auto state = state_;  // outlives this relay while requests end
    const bool screen = request.target.path() == kScreen;
    const bool known = request.method == "GET" || request.method == "HEAD" ||
                       (!screen && (request.method == "PUT" || request.method == "DELETE"));
    if (!known) {
        Response refused = refusal(405, screen ? "Use GET." : "Use GET, HEAD, PUT or DELETE.");
        refused.headers.set("Allow", screen ? "GET, HEAD" : "GET, HEAD, PUT, DELETE");
        co_return refused;
    }
    std::string problem;
    try {
        Route route = co_await boost::asio::co_spawn(state->parts.context.runtime.strand(),
                                                     state->admit(question_of(request)),
                                                     boost::asio::use_awaitable);
        if (route.answer) co_return *std::move(route.answer);
        co_return co_await pass(std::move(request), std::move(route));
    } catch (const vim::Fault& fault) {
        problem = fault.message();
    } catch (const http::BodyError& error) {
        co_return refusal(error.status(), error.what());
    } catch (const std::exception& error) {
        problem = error.what();
    }
    base::log_warning("relay: {}", problem);
    co_return refusal(502, "The host does not answer as it should.");
}

}  // namespace drover::center
