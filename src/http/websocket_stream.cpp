#include "http/websocket_stream.hpp"

#include "http/client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <iterator>

namespace drover::http {
namespace {

namespace beast = boost::beast;
using namespace std::chrono_literals;
constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t record_bytes = 16 * 1024;

// Makes one type of plain and TLS streams, so that Beast's templates are compiled once. Gives out
// bytes that were read too early, before it reads on.
class Transport {
public:
    using executor_type = asio::any_io_executor;

    Transport(std::shared_ptr<Stream> stream, std::string input)
        : stream_(std::move(stream)), input_(std::move(input)) {}

    executor_type get_executor() { return stream_->executor(); }
    Stream& stream() { return *stream_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, const Buffers& room) {
                if (!input_.empty()) {
                    const auto size = asio::buffer_copy(room, asio::buffer(input_));
                    input_.erase(0, size);
                    auto executor = asio::get_associated_executor(handler, get_executor());
                    asio::post(executor, [handler = std::move(handler), size]() mutable {
                        handler(error_code{}, size);
                    });
                } else {
                    start(read(stream_, first_of(room)), std::move(handler));
                }
            },
            token, buffers);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, const Buffers& data) {
                start(write(stream_, begin_of(data)), std::move(handler));
            },
            token, buffers);
    }

private:
    using Size = std::expected<std::size_t, error_code>;

    // Coroutines of their own, for the stream to live as long as they.
    static asio::awaitable<Size> read(std::shared_ptr<Stream> stream, asio::mutable_buffer room) {
        co_return co_await stream->read_some(room);
    }
    static asio::awaitable<Size> write(std::shared_ptr<Stream> stream, std::string data) {
        co_return co_await stream->write_some(asio::buffer(data));
    }

    template <class Buffers>
    static asio::mutable_buffer first_of(const Buffers& buffers) {
        auto first = asio::buffer_sequence_begin(buffers);
        const auto end = asio::buffer_sequence_end(buffers);
        while (std::next(first) != end && asio::mutable_buffer(*first).size() == 0) ++first;
        return *first;
    }
    // A frame's header and its content become one TLS record, where they fit.
    template <class Buffers>
    static std::string begin_of(const Buffers& buffers) {
        std::string begin(std::min(asio::buffer_size(buffers), record_bytes), '\0');
        asio::buffer_copy(asio::buffer(begin), buffers);
        return begin;
    }

    template <class Handler>
    void start(asio::awaitable<Size> work, Handler handler) {
        const auto executor = asio::get_associated_executor(handler, get_executor());
        asio::co_spawn(get_executor(), std::move(work),
                       asio::bind_executor(executor, [executor, handler = std::move(handler)](
                                                         std::exception_ptr, Size size) mutable {
                           // Beast is not called back from within its own call.
                           asio::post(executor, [handler = std::move(handler), size]() mutable {
                               handler(size ? error_code{} : size.error(), size.value_or(0));
                           });
                       }));
    }

    std::shared_ptr<Stream> stream_;
    std::string input_;
};

// Beast finds these three by their names: how to end the transport.
void beast_close_socket(Transport& transport) {
    transport.stream().abort();
}

template <class Handler>
void async_teardown(beast::role_type, Transport& transport, Handler handler) {
    error_code error;
    transport.stream().socket().shutdown(Stream::Socket::shutdown_send, error);
    auto executor = asio::get_associated_executor(handler, transport.get_executor());
    asio::post(executor, [handler = std::move(handler)]() mutable { handler(error_code{}); });
}

class BeastWebSocket final : public WebSocket {
public:
    BeastWebSocket(std::shared_ptr<Stream> stream, std::string input, beast::role_type role,
                   std::uint64_t message_limit_bytes)
        : stream_(std::move(stream)), socket_(stream_, std::move(input)) {
        stream_->expires_never();  // Beast has timers of its own
        auto timeouts = beast::websocket::stream_base::timeout::suggested(role);
        timeouts.handshake_timeout = 10s;
        timeouts.idle_timeout = 120s;
        timeouts.keep_alive_pings = true;
        socket_.set_option(timeouts);
        socket_.read_message_max(message_limit_bytes);
        socket_.auto_fragment(false);
    }
    ~BeastWebSocket() override { stream_->abort(); }

    beast::websocket::stream<Transport>& socket() { return socket_; }
    void set_subprotocol(std::string name) { subprotocol_ = std::move(name); }
    void set_error(const error_code& error) { error_ = error.message(); }

    asio::awaitable<std::optional<Message>> read() override {
        Message message;
        auto buffer = asio::dynamic_buffer(message.data);
        const auto [error, size] = co_await socket_.async_read(buffer, tuple_awaitable);
        if (error) {
            set_error(error);
            co_return std::nullopt;
        }
        message.binary = socket_.got_binary();
        co_return message;
    }

    asio::awaitable<bool> write(std::string_view data, bool binary) override {
        socket_.binary(binary);
        const auto [error, size] =
            co_await socket_.async_write(asio::buffer(data.data(), data.size()), tuple_awaitable);
        if (error) set_error(error);
        co_return !error;
    }

    asio::awaitable<void> close(std::uint16_t code, std::string reason) override {
        reason.resize(std::min<std::size_t>(reason.size(), 123));  // what fits a control frame
        beast::websocket::close_reason farewell(code);
        farewell.reason.assign(reason.data(), reason.size());
        const auto [error] = co_await socket_.async_close(farewell, tuple_awaitable);
        if (error) set_error(error);
    }

    const std::string& subprotocol() const override { return subprotocol_; }
    std::string error() const override { return error_; }

private:
    std::shared_ptr<Stream> stream_;
    beast::websocket::stream<Transport> socket_;
    std::string subprotocol_;
    std::string error_;
};

}  // namespace

asio::awaitable<std::shared_ptr<WebSocket>> accept_websocket(std::shared_ptr<Stream> stream,
                                                             std::string input, Request request,
                                                             std::string subprotocol,
                                                             std::uint64_t message_limit_bytes) {
    beast::http::request<beast::http::empty_body> upgrade(beast::http::verb::get,
                                                          request.target.raw(), 11);
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
        const auto field = request.headers[i];
        upgrade.insert({field.name.data(), field.name.size()},
                       {field.value.data(), field.value.size()});
    }
    auto socket = std::make_shared<BeastWebSocket>(std::move(stream), std::move(input),
                                                   beast::role_type::server, message_limit_bytes);
    if (!subprotocol.empty()) {
        socket->socket().set_option(beast::websocket::stream_base::decorator(
            [subprotocol](beast::websocket::response_type& response) {
                response.set(beast::http::field::sec_websocket_protocol, subprotocol);
            }));
        socket->set_subprotocol(subprotocol);
    }
    const auto [error] = co_await socket->socket().async_accept(upgrade, tuple_awaitable);
    if (error) co_return nullptr;
    co_return socket;
}

asio::awaitable<std::shared_ptr<WebSocket>> connect_websocket(
    std::shared_ptr<Stream> stream, std::string authority, std::string target,
    std::vector<std::string> subprotocols, Headers headers, std::uint64_t message_limit_bytes) {
    auto socket = std::make_shared<BeastWebSocket>(std::move(stream), std::string(),
                                                   beast::role_type::client, message_limit_bytes);
    socket->socket().set_option(
        beast::websocket::stream_base::decorator([&](beast::websocket::request_type& request) {
            for (std::size_t i = 0; i < headers.size(); ++i) {
                const auto field = headers[i];
                request.insert({field.name.data(), field.name.size()},
                               {field.value.data(), field.value.size()});
            }
            if (!subprotocols.empty())
                request.set(beast::http::field::sec_websocket_protocol,
                            fmt::format("{}", fmt::join(subprotocols, ", ")));
        }));
    beast::websocket::response_type response;
    const auto [error] =
        co_await socket->socket().async_handshake(response, authority, target, tuple_awaitable);
    if (error) {
        const auto status =
            response.result_int() ? fmt::format(" (status {})", response.result_int()) : "";
        throw ClientError(
            ClientError::Kind::protocol,
            fmt::format("WebSocket of {}{}: {}{}", authority, target, error.message(), status));
    }
    // The option's function refers to this coroutine's variables.
    socket->socket().set_option(
        beast::websocket::stream_base::decorator([](beast::websocket::request_type&) {}));
    const auto chosen = response[beast::http::field::sec_websocket_protocol];
    socket->set_subprotocol(std::string(chosen.data(), chosen.size()));
    co_return socket;
}

}  // namespace drover::http
