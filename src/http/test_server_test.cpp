#include "http/test_server.hpp"
#include "http/logged_in.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <stdexcept>

namespace drover::http::test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

std::uint64_t number(const Request& request, std::string_view name) {
    return std::stoull(std::string(request.target.query(name).value_or("0")));
}

std::shared_ptr<base::FileDescriptor> temporary_file(std::string_view content) {
    const int descriptor = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    auto file = std::make_shared<base::FileDescriptor>(descriptor);
    if (descriptor < 0 ||
        write(descriptor, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
        throw std::runtime_error("temporary file");
    return file;
}

StreamBody stream_of(std::uint64_t size, bool with_length) {
    auto left = std::make_shared<std::uint64_t>(size);
    StreamBody body;
    if (with_length) body.length = size;
    body.next = [left]() -> asio::awaitable<std::string> {
        const auto piece = std::min<std::uint64_t>(*left, 10'000);
        *left -= piece;
        co_return std::string(piece, 's');
    };
    return body;
}

asio::awaitable<void> pause(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> echo_messages(std::shared_ptr<WebSocket> socket) {
    while (auto message = co_await socket->read()) {
        if (message->data == "bye") {
            co_await socket->close(1000, "as you wish");
            co_return;
        }
        if (!co_await socket->write(message->data, message->binary)) co_return;
    }
}

// The routes that differ in the kind of their body.
asio::awaitable<std::optional<Response>> serve_body(const Request& request) {
    const auto& path = request.target.path();
    if (path == "/log-in") set_logged_in(*request.peer);
    if (path == "/hello" || path == "/log-in") co_return Response::text(200, "hello");
    if (path == "/echo" || path == "/limited") {
        auto response = Response::text(200, request.body, "application/octet-stream");
        response.headers.add("X-Method", request.method);
        response.headers.add("X-Tls", request.tls ? "1" : "0");
        response.headers.add("X-Remote", request.remote_address);
        co_return response;
    }
    if (path == "/text") {
        auto response = Response::text(200, pattern(number(request, "size")));
        response.may_compress = !request.target.query("raw");
        co_return response;
    }
    if (path == "/shared") {
        Response response;
        response.body = std::make_shared<const std::string>("shared text");
        co_return response;
    }
    if (path == "/pieces") {
        Response response;
        std::vector<SharedText> pieces;
        for (int i = 0; i < 40; ++i)
            pieces.push_back(std::make_shared<const std::string>(pattern(1000)));
        response.body = std::move(pieces);
        co_return response;
    }
    if (path == "/stream") {
        Response response;
        response.body = stream_of(number(request, "size"), !request.target.query("chunked"));
        co_return response;
    }
    if (path == "/broken-stream") {
        Response response;
        response.body = StreamBody{[]() -> asio::awaitable<std::string> {
                                       co_await pause(1ms);
                                       throw std::runtime_error("the source broke");
                                   },
                                   std::nullopt};
        co_return response;
    }
    if (path == "/file") {
        const auto content = pattern(number(request, "size"));
        co_return file_response(request, temporary_file(content), content.size(), "text/plain");
    }
    co_return std::nullopt;
}

BodyPolicy policy_of(const Request& request) {
    BodyPolicy policy;
    if (request.target.path() == "/limited") policy.limit_bytes = 100;
    if (request.target.path().starts_with("/upload")) policy = {UINT64_MAX, true};
    return policy;
}

}  // namespace

const TlsIdentity& identity() {
    static const TlsIdentity one = TlsIdentity::generate("localhost", {});
    return one;
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>('a' + ((i * i + i / 251) % 23));
    return text;
}

TestServer::TestServer(Limits limits, int threads) {
    ServerOptions options;
    options.limits = limits;
    options.identity = identity();
    options.body_policy = policy_of;
    server_ = std::make_unique<Server>(context_.get_executor(), options, [this](Request request) {
        return handle(std::move(request));
    });
    tls_port_ = server_->bind("127.0.0.1", 0, Transport::tls);
    plain_port_ = server_->bind("127.0.0.1", 0, Transport::plain);
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { context_.run(); });
}

TestServer::~TestServer() {
    asio::co_spawn(context_, server_->stop(500ms), asio::use_future).wait();
    server_.reset();
    context_.stop();
    for (auto& thread : threads_) thread.join();
}

Url TestServer::url(bool tls) const {
    Url url;
    url.tls = tls;
    url.host = "127.0.0.1";
    url.port = tls ? tls_port_ : plain_port_;
    return url;
}

ClientOptions TestServer::client_options() const {
    ClientOptions options;
    options.verification = Verification::pinned(identity().thumbprint_sha256());
    options.response_timeout = 10s;
    return options;
}

asio::awaitable<Response> TestServer::handle(Request request) {
    if (auto response = co_await serve_body(request)) co_return std::move(*response);
    const auto& path = request.target.path();
    if (path == "/throw") throw std::runtime_error("as asked");
    if (path == "/forge") {
        Response response;
        response.headers.add("X-Forged", "a\r\nSet-Cookie: b");
        co_return response;
    }
    if (path == "/slow") {
        co_await pause(std::chrono::milliseconds(number(request, "ms")));
        co_return Response::text(200, "done");
    }
    if (path == "/upload") {
        std::array<char, 50'000> room;
        std::uint64_t size = 0;
        while (const auto more = co_await request.body_reader->read(room)) {
            size += more;
            uploaded = size;
        }
        co_return Response::text(200, std::to_string(size));
    }
    if (path == "/upload-refused") co_return Response::text(403, "no");
    if (path == "/wait") {
        auto timer = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor, 60s);
        request.peer->on_gone([timer] { timer->cancel(); });
        boost::system::error_code error;
        co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, error));
        if (error) ++gone;
        co_return Response::text(200, error ? "gone" : "waited");
    }
    if (path == "/ws") {
        constexpr std::array<std::string_view, 1> known{"binary"};
        auto response = Response::upgrade(echo_messages, choose_subprotocol(request, known));
        response.websocket_message_limit_bytes = 100'000;
        co_return response;
    }
    co_return Response::text(404, "nothing here");
}

RawClient::RawClient(std::uint16_t port) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("connect");
}

RawClient::~RawClient() {
    close(socket_);
}

void RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;  // the server may have hung up: the test looks at its answer
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void RawClient::shutdown_send() {
    ::shutdown(socket_, SHUT_WR);
}

std::string RawClient::read_until(std::string_view text) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    std::array<char, 65536> room;
    for (;;) {
        if (!text.empty()) {
            if (const auto at = received_.find(text); at != std::string::npos) {
                auto seen = received_.substr(0, at + text.size());
                received_.erase(0, at + text.size());
                return seen;
            }
        }
        pollfd state{socket_, POLLIN, 0};
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0 || poll(&state, 1, static_cast<int>(left.count())) <= 0) break;
        const ssize_t size = recv(socket_, room.data(), room.size(), 0);
        if (size <= 0) {
            closed_ = true;
            break;
        }
        received_.append(room.data(), static_cast<std::size_t>(size));
    }
    return std::exchange(received_, {});
}

}  // namespace drover::http::test
