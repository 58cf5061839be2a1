#include "http/client_connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>

namespace drover::http {
namespace {

using Sink = std::function<void(std::string_view)>;

asio::awaitable<ClientResponse> send_and_drain(Client& client, ClientRequest request, Sink sink) {
    request.stream_response = static_cast<bool>(sink);
    auto response = co_await client.send(std::move(request));
    if (!sink) co_return response;
    std::array<char, 16 * 1024> room;
    std::optional<ClientError> failure;
    try {
        while (const auto size = co_await response.body_reader->read(room))
            sink({room.data(), size});
    } catch (const BodyError& error) {
        failure = to_client_error(error);
    }
    if (failure) throw *failure;
    response.body_reader = nullptr;
    co_return response;
}

}  // namespace

struct SyncClient::Loop {
    Loop(Url server, ClientOptions options)
        : client(context.get_executor(), std::move(server), std::move(options)) {}

    ClientResponse run(ClientRequest request, Sink sink) {
        std::exception_ptr failure;
        ClientResponse response;
        asio::co_spawn(context, send_and_drain(client, std::move(request), std::move(sink)),
                       [&](std::exception_ptr error, ClientResponse result) {
                           failure = error;
                           response = std::move(result);
                           context.stop();  // idle connections must not keep us here
                       });
        context.restart();
        context.run();
        if (failure) std::rethrow_exception(failure);
        return response;
    }

    asio::io_context context{1};
    Client client;
};

SyncClient::SyncClient(Url server, ClientOptions options)
    : loop_(std::make_unique<Loop>(std::move(server), std::move(options))) {}
SyncClient::~SyncClient() = default;
SyncClient::SyncClient(SyncClient&&) noexcept = default;

ClientResponse SyncClient::send(ClientRequest request) {
    return loop_->run(std::move(request), nullptr);
}

ClientResponse SyncClient::send(ClientRequest request, std::function<void(std::string_view)> sink) {
    return loop_->run(std::move(request), std::move(sink));
}

std::string SyncClient::tls_session() const {
    return loop_->client.tls_session();
}

}  // namespace drover::http
