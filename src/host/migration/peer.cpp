#include "host/migration/peer.hpp"

#include <fmt/format.h>

#include "client/protocol.hpp"
#include "host/migration/references.hpp"
#include "http/client.hpp"

namespace drover::host {

using task::Awaitable;

namespace {

constexpr std::chrono::seconds kConnectLimit{5};
// The other host may have to wait for its datastore.
constexpr std::chrono::seconds kAnswerLimit{60};

http::Url parse_url(const std::string& text) {
    auto url = http::Url::parse(text);
    if (!url || !url->tls) {
        throw vim::invalid_argument(
            "destination.url",
            fmt::format("'{}' is no https:// address{}", text, url ? "" : ": " + url.error()));
    }
    return *url;
}

http::ClientRequest as_http(const client::WireRequest& wire) {
    http::ClientRequest request;
    request.method = wire.method;
    request.target = wire.target;
    for (const auto& [name, value] : wire.headers) request.headers.set(name, value);
    request.body = wire.body;
    return request;
}

}  // namespace

Peer::Peer(task::Runtime& runtime, std::string url, std::string thumbprint)
    : runtime_(runtime), url_(std::move(url)), thumbprint_(std::move(thumbprint)) {
    parse_url(url_);
    if (thumbprint_.empty()) {
        throw vim::invalid_argument("destination.thumbprint",
                                    "The other host's certificate must be stated.");
    }
}

Awaitable<vim::Value> Peer::call(std::string method, vim::Value request) {
    const auto& descriptor = client::method_named(method);
    client::Protocol protocol;
    http::ClientOptions options;
    options.verification = http::Verification::pinned(thumbprint_);
    options.connect_timeout = kConnectLimit;
    options.response_timeout = kAnswerLimit;
    options.body_limit_bytes = 1 << 20;
    http::Client client(runtime_.strand(), parse_url(url_), std::move(options));
    std::string failure;
    client::WireResponse response;
    try {
        const auto wire = protocol.encode(descriptor, references::migration_manager, request);
        const auto answer = co_await client.send(as_http(wire));
        response.status = answer.status;
        response.content_type = std::string(answer.headers.get("Content-Type").value_or(""));
        response.body = answer.body;
        co_return protocol.decode(descriptor, response);
    } catch (const http::ClientError& error) {
        failure = error.what();
    } catch (const client::ConnectionError& error) {
        failure = error.what();
    }
    throw vim::make_fault<vim::HostNotConnected>(
        fmt::format("The host at {} does not answer: {}", url_, failure));
}

Awaitable<std::optional<std::uint64_t>> Peer::begin(std::string ticket) {
    auto request = vim::BeginMigrationRequest::make();
    request.set_ticket(ticket);
    const vim::Value answer = co_await call("BeginMigration", request.raw());
    if (answer.kind() != vim::ValueKind::long_) co_return std::nullopt;
    co_return static_cast<std::uint64_t>(answer.as_integer());
}

Awaitable<vim::DroverMigrationArrival> Peer::finish(std::string ticket,
                                                    std::optional<Availability::Word> word) {
    auto request = vim::FinishMigrationRequest::make();
    request.set_ticket(ticket);
    if (word) {
        request.set_leaseGeneration(static_cast<std::int64_t>(word->generation));
        request.set_ownerEpoch(static_cast<std::int64_t>(word->owner_epoch));
        request.set_successorEpoch(static_cast<std::int64_t>(word->successor_epoch));
    }
    co_return vim::DroverMigrationArrival(co_await call("FinishMigration", request.raw()));
}

Awaitable<bool> Peer::abort(std::string ticket) {
    auto request = vim::AbortMigrationRequest::make();
    request.set_ticket(ticket);
    const vim::Value answer = co_await call("AbortMigration", request.raw());
    co_return answer.kind() == vim::ValueKind::boolean&& answer.as_boolean();
}

bool is_unreachable(const vim::Fault& fault) {
    return fault.fault().is<vim::HostNotConnected>();
}

}  // namespace drover::host
