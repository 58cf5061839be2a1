#pragma once

// A server on loopback with one route per behaviour, for this library's tests.

#include "http/client.hpp"
#include "http/server.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace drover::http::test {

/// Made once per process: an RSA key takes a while.
const TlsIdentity& identity();

/// `size` bytes that compress neither well nor badly and differ at every offset.
std::string pattern(std::size_t size);

class TestServer {
public:
    explicit TestServer(Limits limits = {}, int threads = 2);
    ~TestServer();

    std::uint16_t tls_port() const { return tls_port_; }
    std::uint16_t plain_port() const { return plain_port_; }
    Url url(bool tls = true) const;
    ClientOptions client_options() const;
    SyncClient client(bool tls = true) const { return SyncClient(url(tls), client_options()); }
    Server& server() { return *server_; }
    boost::asio::io_context& context() { return context_; }
    /// How often handlers were told that their peer has gone.
    std::atomic<int> gone{0};
    std::atomic<std::uint64_t> uploaded{0};

private:
    boost::asio::awaitable<Response> handle(Request request);

    boost::asio::io_context context_;
    std::unique_ptr<Server> server_;
    std::uint16_t tls_port_ = 0;
    std::uint16_t plain_port_ = 0;
    std::vector<std::thread> threads_;
};

/// A blocking socket that sends exactly what it is told.
class RawClient {
public:
    explicit RawClient(std::uint16_t port);
    ~RawClient();
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    void send(std::string_view bytes);
    void shutdown_send();
    /// Until the text was seen, the server closed, or ten seconds passed.
    std::string read_until(std::string_view text);
    std::string read_all() { return read_until({}); }
    bool closed() const { return closed_; }

private:
    int socket_ = -1;
    bool closed_ = false;
    std::string received_;
};

}  // namespace drover::http::test
