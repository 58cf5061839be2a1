#include "center/link/host_session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include "http/target.hpp"

namespace drover::center {

namespace asio = boost::asio;
using task::Awaitable;
using vim::Value;

namespace {

constexpr std::string_view kLocale = "en_US";
constexpr std::string_view kUserAgent = "drover-centerd";
constexpr std::size_t kIdleConnections = 16;
constexpr std::chrono::seconds kSpawnedLimit{5};

// What the strand itself runs on: all threads of the program.
asio::any_io_executor executor_beside(const asio::any_io_executor& strand) {
    using Strand = asio::strand<asio::io_context::executor_type>;
    if (const auto* known = strand.target<Strand>()) return known->get_inner_executor();
    return strand;
}

http::Url url_of(const LinkTarget& target) {
    http::Url url;
    url.tls = true;
    url.host = target.address;
    url.port = target.port;
    return url;
}

http::ClientOptions options_of(const LinkTarget& target, const LinkLimits& limits) {
    http::ClientOptions options;
    options.verification = http::Verification::pinned(target.thumbprint_sha256);
    options.connect_timeout = limits.connect;
    options.idle_connections = kIdleConnections;
    return options;
}

http::ClientRequest to_http(client::WireRequest request, std::chrono::milliseconds limit) {
    http::ClientRequest made;
    made.method = std::move(request.method);
    made.target = std::move(request.target);
    for (auto& [name, value] : request.headers) {
        made.headers.add(name, name == "User-Agent" ? std::string(kUserAgent) : std::move(value));
    }
    made.body = std::move(request.body);
    made.response_timeout = limit;
    return made;
}

client::WireResponse from_http(http::ClientResponse response) {
    client::WireResponse made;
    made.status = response.status;
    for (std::size_t i = 0; i < response.headers.size(); ++i) {
        const auto [name, value] = response.headers[i];
        if (http::equals_ignoring_case(name, "content-type")) made.content_type = value;
        if (http::equals_ignoring_case(name, "set-cookie")) made.set_cookie.emplace_back(value);
    }
    made.body = std::move(response.body);
    return made;
}

}  // namespace

HostSession::HostSession(asio::any_io_executor executor, const LinkTarget& target,
                         const LinkLimits& limits)
    : executor_(std::move(executor)),
      client_(executor_, url_of(target), options_of(target, limits)) {}

Awaitable<std::shared_ptr<HostSession>> HostSession::open(task::Runtime& runtime, LinkTarget target,
                                                          LinkLimits limits) {
    const auto session =
        std::make_shared<HostSession>(executor_beside(runtime.strand()), target, limits);
    co_await asio::co_spawn(asio::make_strand(session->executor_),
                            session->log_in(target, limits.connect), asio::use_awaitable);
    co_return session;
}

Awaitable<void> HostSession::log_in(LinkTarget target, std::chrono::milliseconds limit) {
    const auto keep = shared_from_this();
    protocol_.choose_release(
        from_http(co_await client_.send(to_http(protocol_.versions_request(), limit))));
    const auto ask = [this, limit](std::string_view method, vim::MoRef self,
                                   Value request) -> Awaitable<Value> {
        const auto& descriptor = client::method_named(method);
        auto response =
            co_await client_.send(to_http(protocol_.encode(descriptor, self, request), limit));
        co_return protocol_.decode(descriptor, from_http(std::move(response)));
    };
    const Value content = co_await ask("RetrieveServiceContent",
                                       {vim::TypeId::ServiceInstance, "ServiceInstance"}, {});
    if (content.type() != vim::TypeId::ServiceContent) {
        throw client::ConnectionError("the host gave no service content");
    }
    content_ = vim::ServiceContent(content);
    if (!content_.sessionManager()) throw client::ConnectionError("the host takes no logins");
    auto login = vim::LoginRequest::make();
    login.set_userName(target.user);
    login.set_password(target.password);
    login.set_locale(kLocale);
    co_await ask("Login", *content_.sessionManager(), login);
    if (protocol_.cookie().empty()) throw client::ConnectionError("the host gave no session");
}

Awaitable<Value> HostSession::call(std::string_view method, vim::MoRef self, Value request,
                                   std::chrono::milliseconds limit) {
    const auto keep = shared_from_this();
    co_return co_await asio::co_spawn(
        asio::make_strand(executor_),
        exchange(&client::method_named(method), std::move(self), std::move(request), limit),
        asio::use_awaitable);
}

Awaitable<Value> HostSession::exchange(const vim::MethodDescriptor* method, vim::MoRef self,
                                       Value request, std::chrono::milliseconds limit) {
    client::Protocol protocol = protocol_;
    auto response = co_await client_.send(to_http(protocol.encode(*method, self, request), limit));
    co_return protocol.decode(*method, from_http(std::move(response)));
}

void HostSession::spawn(std::string_view method, vim::MoRef self) {
    asio::co_spawn(
        executor_,
        [](std::shared_ptr<HostSession> session, std::string name,
           vim::MoRef object) -> Awaitable<void> {
            co_await session->call(name, object, {}, kSpawnedLimit);
        }(shared_from_this(), std::string(method), std::move(self)),
        [](std::exception_ptr) {});
}

// A session that can't be ended expires.
void HostSession::close() {
    if (content_ && content_.sessionManager()) spawn("Logout", *content_.sessionManager());
}

}  // namespace drover::center
