#include "http/client_connection.hpp"

#include "http/tls_context.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>

namespace drover::http {
namespace {

using Tcp = asio::ip::tcp;
constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr MessageParser::Limits response_limits{64 * 1024, 200};
constexpr auto early_answer_wait = std::chrono::milliseconds(500);

// Reads on the connection's strand, whoever asks, and gives the connection back at the end.
class ResponseBody final : public BodyReader {
public:
    ResponseBody(std::shared_ptr<ClientConnection> connection, std::shared_ptr<ChannelBody> body)
        : connection_(std::move(connection)), body_(std::move(body)) {}
    ~ResponseBody() override {
        if (connection_) asio::post(connection_->executor(), [c = connection_] { c->abort(); });
    }

    asio::awaitable<std::size_t> read(std::span<char> room) override {
        if (!connection_) co_return 0;
        if (room.empty()) co_return 0;
        const auto size = co_await asio::co_spawn(
            connection_->executor(), read_on_strand(connection_, body_, room), asio::use_awaitable);
        if (size == 0) connection_ = nullptr;
        co_return size;
    }
    std::optional<std::uint64_t> content_length() const override { return body_->content_length(); }

private:
    static asio::awaitable<std::size_t> read_on_strand(std::shared_ptr<ClientConnection> connection,
                                                       std::shared_ptr<ChannelBody> body,
                                                       std::span<char> room) {
        const auto size = co_await body->read(room);
        if (size == 0) connection->release();
        co_return size;
    }

    std::shared_ptr<ClientConnection> connection_;
    std::shared_ptr<ChannelBody> body_;
};

std::string request_head(const ClientRequest& request, const Url& server) {
    if (request.method.empty() || request.target.empty() ||
        request.method.find_first_of(" \r\n\t") != std::string::npos ||
        request.target.find_first_of(" \r\n\t") != std::string::npos)
        throw ClientError(ClientError::Kind::protocol, "the request line is malformed");
    auto head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target,
                            server.authority());
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
        const auto [name, value] = request.headers[i];
        if (equals_ignoring_case(name, "host") || equals_ignoring_case(name, "content-length") ||
            equals_ignoring_case(name, "transfer-encoding"))
            continue;
        head.append(name).append(": ").append(value).append("\r\n");
    }
    if (!request.headers.contains("accept-encoding"))
        head +=
            request.stream_response ? "Accept-Encoding: identity\r\n" : "Accept-Encoding: gzip\r\n";
    if (request.stream && !request.stream->length)
        head += "Transfer-Encoding: chunked\r\n";
    else if (request.stream)
        fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", *request.stream->length);
    else if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
        fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", request.body.size());
    head += "\r\n";
    return head;
}

}  // namespace

ClientError to_client_error(const BodyError& error) {
    const auto kind = error.status() == 413   ? ClientError::Kind::too_large
                      : error.status() == 408 ? ClientError::Kind::timeout
                                              : ClientError::Kind::protocol;
    return {kind, std::string("the response: ") + error.what()};
}

ClientConnection::ClientConnection(std::shared_ptr<ClientShared> client)
    : client_(std::move(client)), executor_(asio::make_strand(client_->executor)) {}

ClientConnection::ClientConnection(std::shared_ptr<ClientShared> client,
                                   asio::any_io_executor executor)
    : client_(std::move(client)), executor_(std::move(executor)) {}

std::string ClientConnection::where() const {
    return client_->server.authority();
}

// The resolver's thread can't be interrupted; the timer lets us go on without it.
asio::awaitable<std::vector<Tcp::endpoint>> ClientConnection::resolve() {
    const auto& server = client_->server;
    error_code error;
    if (const auto address = asio::ip::make_address(server.host, error); !error)
        co_return std::vector{Tcp::endpoint(address, server.port)};
    struct Answer {
        asio::steady_timer ready;
        std::optional<error_code> error;
        std::vector<Tcp::endpoint> endpoints;
    };
    auto answer = std::make_shared<Answer>(Answer{asio::steady_timer(executor_), {}, {}});
    auto resolver = std::make_shared<Tcp::resolver>(executor_);
    answer->ready.expires_after(client_->options.connect_timeout);
    resolver->async_resolve(server.host, std::to_string(server.port),
                            [answer, resolver](error_code failed, const auto& results) {
                                answer->error = failed;
                                for (const auto& entry : results)
                                    answer->endpoints.push_back(entry.endpoint());
                                answer->ready.cancel();
                            });
    co_await answer->ready.async_wait(tuple_awaitable);
    if (!answer->error) {
        resolver->cancel();
        throw ClientError(ClientError::Kind::timeout,
                          fmt::format("the name {} is not resolved in time", server.host));
    }
    if (*answer->error || answer->endpoints.empty())
        throw ClientError(
            ClientError::Kind::connect,
            fmt::format("the name {} is unknown: {}", server.host, answer->error->message()));
    co_return answer->endpoints;
}

asio::awaitable<void> ClientConnection::connect() {
    const auto endpoints = co_await resolve();
    error_code error;
    for (const auto& endpoint : endpoints) {
        Stream::Socket socket(executor_);
        socket.open(endpoint.protocol(), error);
        if (error) continue;
        stream_ = std::make_shared<Stream>(std::move(socket));
        stream_->expires_after(client_->options.connect_timeout);
        std::tie(error) = co_await stream_->socket().async_connect(endpoint, tuple_awaitable);
        if (!error) break;
        if (stream_->timed_out()) error = asio::error::timed_out;
    }
    if (error)
        throw ClientError(error == asio::error::timed_out ? ClientError::Kind::timeout
                                                          : ClientError::Kind::connect,
                          fmt::format("can't connect to {}: {}", where(), error.message()));
    if (client_->server.tls) co_await handshake();
    stream_->expires_never();
    channel_ = std::make_shared<Channel>(stream_, MessageParser::Kind::response, response_limits);
}

asio::awaitable<void> ClientConnection::handshake() {
    const auto& host = client_->server.host;
    SSL* tls = stream_->start_tls(client_->context);
    stream_->keep(client_);  // the context's session callback points there
    error_code not_numeric;
    asio::ip::make_address(host, not_numeric);
    if (not_numeric) {
        SSL_set_tlsext_host_name(tls, host.c_str());
        SSL_set1_host(tls, host.c_str());
    } else {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str());
    }
    {
        const std::lock_guard lock(client_->mutex);
        if (client_->session) SSL_set_session(tls, client_->session);
    }
    stream_->expires_after(client_->options.connect_timeout);
    if (const auto error = co_await stream_->handshake(Stream::Role::client)) {
        stream_->abort();
        throw ClientError(
            error == asio::error::timed_out ? ClientError::Kind::timeout : ClientError::Kind::tls,
            fmt::format("TLS with {}: {}", where(), error.message()));
    }
    try {
        verify_peer(tls, client_->options.verification, host);
    } catch (const ClientError&) {
        stream_->abort();
        throw;
    }
}

bool ClientConnection::alive() const {
    if (!stream_ || !stream_->socket().is_open()) return false;
    pollfd state{stream_->socket().native_handle(), POLLIN | POLLRDHUP, 0};
    return poll(&state, 1, 0) == 0;
}

void ClientConnection::abort() {
    if (stream_) stream_->abort();
}

void ClientConnection::release() {
    idle_since_ = std::chrono::steady_clock::now();
    if (reusable_)
        client_->keep(shared_from_this());
    else
        abort();
}

asio::awaitable<error_code> ClientConnection::write_request(
    std::shared_ptr<ClientRequest> request) {
    const auto timeout = client_->options.progress_timeout;
    const auto head = request_head(*request, client_->server);
    if (!request->stream) {
        const std::array<asio::const_buffer, 2> buffers{asio::buffer(head),
                                                        asio::buffer(request->body)};
        co_return co_await stream_->write(buffers, timeout);
    }
    if (const auto error = co_await stream_->write(head, timeout)) co_return error;
    const bool chunked = !request->stream->length;
    std::uint64_t left = request->stream->length.value_or(UINT64_MAX);
    for (;;) {
        const std::string piece = co_await request->stream->next();
        if (piece.empty()) break;
        if (piece.size() > left)
            throw ClientError(ClientError::Kind::protocol, "the body is longer than announced");
        left -= piece.size();
        const auto frame = chunked ? fmt::format("{:x}\r\n", piece.size()) : std::string();
        const std::array<asio::const_buffer, 3> buffers{asio::buffer(frame), asio::buffer(piece),
                                                        asio::buffer("\r\n", chunked ? 2 : 0)};
        if (const auto error = co_await stream_->write(buffers, timeout)) co_return error;
    }
    if (!chunked && left > 0)
        throw ClientError(ClientError::Kind::protocol, "the body is shorter than announced");
    co_return chunked ? co_await stream_->write("0\r\n\r\n", timeout) : error_code{};
}

asio::awaitable<Channel::HeadResult> ClientConnection::read_response_head(
    MessageHead& head, const ClientRequest& request) {
    const auto wait = request.response_timeout.value_or(client_->options.response_timeout);
    for (int interim = 0; interim < 10; ++interim) {
        head = {};
        auto result = co_await channel_->read_head(head, wait, client_->options.progress_timeout,
                                                   request.method == "HEAD");
        const bool is_interim = head.status / 100 == 1 && head.status != 101;
        if (result.outcome != Channel::Outcome::complete || !is_interim) co_return result;
    }
    Channel::HeadResult endless;
    endless.outcome = Channel::Outcome::malformed;
    endless.error = "too many interim responses";
    co_return endless;
}

asio::awaitable<std::optional<ClientResponse>> ClientConnection::exchange(
    std::shared_ptr<ClientRequest> request) {
    reusable_ = false;
    auto write_error = co_await write_request(request);
    if (write_error == asio::error::timed_out)
        throw ClientError(ClientError::Kind::timeout,
                          fmt::format("{} does not take the request", where()));
    // A server that refuses a body answers early and hangs up: its answer is worth reading.
    if (write_error) request->response_timeout = early_answer_wait;
    MessageHead head;
    const auto result = co_await read_response_head(head, *request);
    switch (result.outcome) {
        case Channel::Outcome::complete:
            break;
        case Channel::Outcome::closed:
            abort();
            if (!result.any_bytes) co_return std::nullopt;
            throw ClientError(ClientError::Kind::closed,
                              fmt::format("{} hung up in the middle of its answer", where()));
        case Channel::Outcome::timed_out:
            throw ClientError(ClientError::Kind::timeout,
                              fmt::format("{} does not answer in time", where()));
        case Channel::Outcome::malformed:
            abort();
            throw ClientError(ClientError::Kind::protocol,
                              fmt::format("the answer of {}: {}", where(), result.error));
    }
    reusable_ = !write_error && channel_->parser().keep_alive() && head.status != 101;
    co_return co_await receive(std::move(head), request);
}

asio::awaitable<ClientResponse> ClientConnection::receive(MessageHead head,
                                                          std::shared_ptr<ClientRequest> request) {
    ClientResponse response;
    response.status = head.status;
    response.headers = std::move(head.headers);
    BodySettings settings;
    settings.limit_bytes =
        request->stream_response ? UINT64_MAX : client_->options.body_limit_bytes;
    settings.timeout = client_->options.progress_timeout;
    const auto coding = response.headers.get("content-encoding");
    const bool has_body = !channel_->parser().message_done();
    settings.gzip = has_body && coding && equals_ignoring_case(*coding, "gzip");
    if (settings.gzip) response.headers.remove("content-encoding");
    auto body = std::make_shared<ChannelBody>(channel_, settings);
    if (request->stream_response) {
        response.body_reader = std::make_shared<ResponseBody>(shared_from_this(), body);
        co_return response;
    }
    if (has_body) {
        std::optional<ClientError> failure;
        try {
            response.body = co_await read_whole(body);
        } catch (const BodyError& error) {
            failure = to_client_error(error);
        }
        if (failure) {
            abort();
            throw *failure;
        }
    }
    release();
    co_return response;
}

}  // namespace drover::http
