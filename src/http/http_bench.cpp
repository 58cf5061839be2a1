// Requests per second over kept-alive connections on loopback, client and server in one process.
// On a machine with two cores, the server has about one of them.

#include "http/client.hpp"
#include "http/server.hpp"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <future>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace drover::http {
namespace {

namespace asio = boost::asio;

constexpr std::size_t small_body_bytes = 512;

double thread_cpu_s() {
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One thread serves; it reports the processor time that it has used.
class BenchServer {
public:
    BenchServer() {
        ServerOptions options;
        options.identity = TlsIdentity::generate("localhost", {});
        server_ = std::make_unique<Server>(
            context_.get_executor(), std::move(options),
            [](Request request) -> asio::awaitable<Response> {
                Response response;
                response.headers.add("Content-Type", "text/xml");
                response.body =
                    std::string(request.target.path() == "/big" ? 8u << 20 : small_body_bytes, 'x');
                response.may_compress = request.target.path() == "/gzip";
                co_return response;
            });
        port_ = server_->bind("127.0.0.1", 0);
        thread_ = std::thread([this] { context_.run(); });
    }
    ~BenchServer() {
        server_.reset();
        context_.stop();
        thread_.join();
    }
    std::uint16_t port() const { return port_; }
    double cpu_s() {
        return asio::co_spawn(
                   context_, []() -> asio::awaitable<double> { co_return thread_cpu_s(); },
                   asio::use_future)
            .get();
    }

private:
    asio::io_context context_{1};
    std::unique_ptr<Server> server_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

BenchServer& bench_server() {
    static BenchServer server;
    return server;
}

// The cheapest client there is, so that what we measure is the server.
class BareTlsClient {
public:
    BareTlsClient() : context_(SSL_CTX_new(TLS_client_method())) {
        socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(bench_server().port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("connect");
        tls_ = SSL_new(context_);
        SSL_set_fd(tls_, socket_);
        if (SSL_connect(tls_) != 1) throw std::runtime_error("TLS");
    }
    BareTlsClient(const BareTlsClient&) = delete;
    BareTlsClient& operator=(const BareTlsClient&) = delete;
    ~BareTlsClient() {
        SSL_free(tls_);
        SSL_CTX_free(context_);
        close(socket_);
    }

    void send() {
        constexpr std::string_view request =
            "POST /sdk HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
            "Cookie: vmware_soap_session=0123456789abcdef\r\nContent-Length: 16\r\n\r\n"
            "<soap:Envelope/>";
        if (SSL_write(tls_, request.data(), static_cast<int>(request.size())) <= 0)
            throw std::runtime_error("write");
    }
    void receive() {
        std::array<char, 4096> room;
        std::size_t size = 0;
        std::size_t head = 0;
        while (head == 0 || size < head + small_body_bytes) {
            const int more =
                SSL_read(tls_, room.data() + size, static_cast<int>(room.size() - size));
            if (more <= 0) throw std::runtime_error("read");
            size += static_cast<std::size_t>(more);
            const auto end = std::string_view(room.data(), size).find("\r\n\r\n");
            if (end != std::string_view::npos) head = end + 4;
        }
    }

private:
    SSL_CTX* context_;
    SSL* tls_ = nullptr;
    int socket_ = -1;
};

void report(benchmark::State& state, std::int64_t requests, double cpu_before_s) {
    state.SetItemsProcessed(requests);
    const double used_s = bench_server().cpu_s() - cpu_before_s;
    state.counters["server_us_per_request"] = used_s * 1e6 / static_cast<double>(requests);
}

// Every connection has one request under way.
void small_requests(benchmark::State& state) {
    std::vector<std::unique_ptr<BareTlsClient>> clients;
    for (int i = 0; i < state.range(0); ++i) clients.push_back(std::make_unique<BareTlsClient>());
    const double cpu_before_s = bench_server().cpu_s();
    std::int64_t requests = 0;
    for (auto _ : state) {
        for (auto& client : clients) client->send();
        for (auto& client : clients) client->receive();
        requests += state.range(0);
    }
    report(state, requests, cpu_before_s);
}
BENCHMARK(small_requests)->Arg(1)->Arg(16)->UseRealTime();

asio::awaitable<void> send_some(Client& client, int count) {
    for (int i = 0; i < count; ++i) {
        ClientRequest request;
        request.method = "POST";
        request.body = "<soap:Envelope/>";
        const auto response = co_await client.send(std::move(request));
        if (response.body.size() != small_body_bytes) throw std::runtime_error("answer");
    }
}

// The same through our client.
void small_requests_own_client(benchmark::State& state) {
    asio::io_context context{1};
    ClientOptions options;
    options.verification = Verification::insecure();
    options.idle_connections = 64;
    Client client(context.get_executor(), Url{true, "127.0.0.1", bench_server().port(), "/"},
                  options);
    constexpr int round = 100;
    std::int64_t requests = 0;
    const double cpu_before_s = bench_server().cpu_s();
    for (auto _ : state) {
        std::vector<std::future<void>> results;
        for (int i = 0; i < state.range(0); ++i)
            results.push_back(asio::co_spawn(context, send_some(client, round), asio::use_future));
        context.restart();
        while (results.back().wait_for(std::chrono::seconds(0)) != std::future_status::ready ||
               std::ranges::any_of(results, [](auto& result) {
                   return result.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
               }))
            context.run_one();
        for (auto& result : results) result.get();
        requests += state.range(0) * round;
    }
    report(state, requests, cpu_before_s);
}
BENCHMARK(small_requests_own_client)->Arg(1)->Arg(16)->UseRealTime();

// A new connection and handshake for each request, as a command line tool does.
void handshakes(benchmark::State& state) {
    const bool resume = state.range(0) != 0;
    ClientOptions options;
    options.verification = Verification::insecure();
    const Url url{true, "127.0.0.1", bench_server().port(), "/"};
    const double cpu_before_s = bench_server().cpu_s();
    std::int64_t requests = 0;
    for (auto _ : state) {
        SyncClient client(url, options);
        client.send({});
        if (resume) options.tls_session = client.tls_session();
        ++requests;
    }
    report(state, requests, cpu_before_s);
}
BENCHMARK(handshakes)->ArgName("resumed")->Arg(0)->Arg(1)->UseRealTime();

void large_download(benchmark::State& state) {
    ClientOptions options;
    options.verification = Verification::insecure();
    SyncClient client(Url{true, "127.0.0.1", bench_server().port(), "/"}, options);
    std::int64_t bytes = 0;
    for (auto _ : state) {
        ClientRequest request;
        request.target = "/big";
        client.send(std::move(request), [&](std::string_view piece) {
            bytes += static_cast<std::int64_t>(piece.size());
        });
    }
    state.SetBytesProcessed(bytes);
}
BENCHMARK(large_download)->UseRealTime();

}  // namespace
}  // namespace drover::http
