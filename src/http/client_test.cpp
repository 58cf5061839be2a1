// Client and server together, over TLS; and foreign clients.

#include "http/client.hpp"

#include "base/process.hpp"
#include "http/gzip.hpp"
#include "http/test_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>

#include <filesystem>
#include <future>

namespace drover::http {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::pattern;
using test::RawClient;
using test::TestServer;
using testing::HasSubstr;

ClientRequest get(std::string target) {
    ClientRequest request;
    request.target = std::move(target);
    return request;
}

ClientRequest post(std::string target, std::string body) {
    auto request = get(std::move(target));
    request.method = "POST";
    request.body = std::move(body);
    return request;
}

TEST(Client, ReadsEveryKindOfBody) {
    TestServer server;
    for (const bool tls : {true, false}) {
        auto client = server.client(tls);
        EXPECT_EQ(client.send(get("/hello")).body, "hello");
        EXPECT_EQ(client.send(get("/shared")).body, "shared text");
        std::string pieces;
        for (int i = 0; i < 40; ++i) pieces += pattern(1000);
        EXPECT_EQ(client.send(get("/pieces")).body, pieces);
        for (const std::size_t size : {0u, 1u, 1024u, 16383u, 16384u, 16385u, 5'000'000u}) {
            EXPECT_EQ(client.send(get(fmt::format("/text?size={}", size))).body, pattern(size));
            EXPECT_EQ(client.send(get(fmt::format("/text?raw&size={}", size))).body, pattern(size));
            EXPECT_EQ(client.send(get(fmt::format("/file?size={}", size))).body, pattern(size));
            EXPECT_EQ(client.send(get(fmt::format("/stream?size={}", size))).body.size(), size);
            EXPECT_EQ(client.send(get(fmt::format("/stream?chunked&size={}", size))).body.size(),
                      size);
        }
        auto head = get("/text?size=100");
        head.method = "HEAD";
        EXPECT_EQ(client.send(head).headers.get("content-length"), "100");
        EXPECT_EQ(client.send(get("/nothing")).status, 404);
    }
    EXPECT_EQ(server.server().statistics().connections_accepted, 2u) << "connections are kept";
}

TEST(Client, SendsBodies) {
    TestServer server;
    auto client = server.client();
    for (const std::size_t size : {0u, 1u, 20'000u, 3'000'000u}) {
        const auto response = client.send(post("/echo", pattern(size)));
        EXPECT_EQ(response.body, pattern(size));
        EXPECT_EQ(response.headers.get("x-tls"), "1");
        EXPECT_EQ(response.headers.get("x-remote"), "127.0.0.1");
    }
    auto zipped = post("/echo", gzip_compress(pattern(100'000)));
    zipped.headers.add("Content-Encoding", "gzip");
    EXPECT_EQ(client.send(zipped).body, pattern(100'000));
}

TEST(Client, StreamsUploads) {
    TestServer server;
    auto client = server.client();
    for (const bool chunked : {false, true}) {
        auto request = post("/upload", "");
        auto left = std::make_shared<int>(200);
        request.stream = StreamBody{};
        if (!chunked) request.stream->length = 200 * 100'000;
        request.stream->next = [left]() -> asio::awaitable<std::string> {
            if ((*left)-- <= 0) co_return std::string();
            co_return std::string(100'000, 'u');
        };
        EXPECT_EQ(client.send(std::move(request)).body, "20000000");
    }
}

TEST(Client, StreamsDownloads) {
    TestServer server;
    auto client = server.client();
    std::uint64_t size = 0;
    const auto response = client.send(get("/stream?size=20000000"),
                                      [&](std::string_view piece) { size += piece.size(); });
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(size, 20'000'000u);
    EXPECT_THROW(client.send(get("/stream?size=20000000"),
                             [](std::string_view) { throw std::runtime_error("enough"); }),
                 std::runtime_error);
    EXPECT_EQ(client.send(get("/hello")).body, "hello");
}

TEST(Client, CompressesBothWays) {
    TestServer server;
    auto client = server.client();
    auto request = get("/text?size=50000");
    request.headers.add("Accept-Encoding", "identity");
    EXPECT_EQ(client.send(request).headers.get("content-length"), "50000");
    request.headers.set("Accept-Encoding", "gzip");
    const auto packed = client.send(request);
    EXPECT_EQ(packed.body, pattern(50'000));
    EXPECT_EQ(packed.headers.get("vary"), "Accept-Encoding");
    EXPECT_LT(std::stoul(std::string(*packed.headers.get("content-length"))), 40'000u);
    EXPECT_EQ(client.send(get("/text?raw&size=50000")).headers.get("content-length"), "50000");
    EXPECT_EQ(client.send(get("/text?size=1000")).headers.get("content-length"), "1000");
}

TEST(Client, ReadsRanges) {
    TestServer server;
    auto client = server.client();
    const auto range = [&](std::string_view value) {
        auto request = get("/file?size=1000");
        request.headers.add("Range", value);
        return client.send(request);
    };
    const auto part = range("bytes=10-19");
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.body, pattern(1000).substr(10, 10));
    EXPECT_EQ(part.headers.get("content-range"), "bytes 10-19/1000");
    EXPECT_EQ(range("bytes=990-").body, pattern(1000).substr(990));
    EXPECT_EQ(range("bytes=990-5000").body, pattern(1000).substr(990));
    EXPECT_EQ(range("bytes=-5").body, pattern(1000).substr(995));
    EXPECT_EQ(range("bytes=-5000").body, pattern(1000));
    EXPECT_EQ(range("bytes=1000-").status, 416);
    EXPECT_EQ(range("bytes=1000-").headers.get("content-range"), "bytes */1000");
    EXPECT_EQ(range("bytes=-0").status, 416);
    for (const auto* odd : {"bytes=5-2", "lines=1-2", "bytes=x-", "bytes=0-1,5-6", "bytes=-"})
        EXPECT_EQ(range(odd).status, 200) << odd;
}

TEST(Client, PinsThumbprints) {
    TestServer server;
    const auto try_with = [&](Verification verification) {
        auto options = server.client_options();
        options.verification = std::move(verification);
        return SyncClient(server.url(), options).send(get("/hello")).body;
    };
    const auto& identity = test::identity();
    EXPECT_EQ(try_with(Verification::pinned(identity.thumbprint_sha1())), "hello");
    EXPECT_EQ(try_with(Verification::pinned(identity.thumbprint_sha256())), "hello");
    EXPECT_EQ(try_with(Verification::insecure()), "hello");
    auto wrong = identity.thumbprint_sha1();
    wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
    for (const auto& verification :
         {Verification::pinned(wrong), Verification::pinned(""), Verification::pinned("AB"),
          Verification::pinned("no thumbprint"), Verification{}}) {
        try {
            try_with(verification);
            FAIL() << verification.thumbprint;
        } catch (const CertificateError& error) {
            EXPECT_EQ(error.thumbprint_sha1(), identity.thumbprint_sha1());
            EXPECT_EQ(error.thumbprint_sha256(), identity.thumbprint_sha256());
            EXPECT_EQ(error.kind(), ClientError::Kind::tls);
        }
    }
}

TEST(Client, ResumesTlsSessions) {
    TestServer server;
    auto options = server.client_options();
    SyncClient first(server.url(), options);
    EXPECT_EQ(first.send(get("/hello")).body, "hello");
    options.tls_session = first.tls_session();
    ASSERT_FALSE(options.tls_session.empty());
    SyncClient second(server.url(), options);
    EXPECT_EQ(second.send(get("/hello")).body, "hello");
    EXPECT_EQ(server.server().statistics().tls_resumed, 1u);
    // A resumed session is judged again.
    options.verification = Verification::pinned("00");
    EXPECT_THROW(SyncClient(server.url(), options).send(get("/hello")), CertificateError);
    options = server.client_options();
    options.tls_session = "rubbish";
    EXPECT_EQ(SyncClient(server.url(), options).send(get("/hello")).body, "hello");
}

TEST(Client, SeesTheServersNewCertificate) {
    TestServer server;
    const auto fresh = TlsIdentity::generate("renewed", {});
    server.server().set_identity(fresh);
    EXPECT_THROW(server.client().send(get("/hello")), CertificateError);
    auto options = server.client_options();
    options.verification = Verification::pinned(fresh.thumbprint_sha1());
    EXPECT_EQ(SyncClient(server.url(), options).send(get("/hello")).body, "hello");
}

TEST(Client, FindsOutThatAKeptConnectionIsDead) {
    Limits limits;
    limits.idle_timeout = 100ms;
    TestServer server(limits);
    auto client = server.client();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client.send(post("/echo", "x")).body, "x");
        std::this_thread::sleep_for(300ms);
    }
    EXPECT_EQ(server.server().statistics().connections_accepted, 3u);
}

TEST(Client, NamesItsErrors) {
    TestServer server;
    auto options = server.client_options();
    const auto kind_of = [&](const Url& url, ClientRequest request) {
        try {
            SyncClient(url, options).send(std::move(request));
        } catch (const ClientError& error) {
            return error.kind();
        }
        throw std::runtime_error("no error");
    };
    auto closed = server.url();
    closed.port = 1;
    EXPECT_EQ(kind_of(closed, get("/")), ClientError::Kind::connect);
    auto unknown = server.url();
    unknown.host = "no-such-host.invalid";
    EXPECT_EQ(kind_of(unknown, get("/")), ClientError::Kind::connect);
    auto plain = server.url();
    plain.port = server.plain_port();
    EXPECT_EQ(kind_of(plain, get("/")), ClientError::Kind::tls);
    auto slow = get("/slow?ms=5000");
    slow.response_timeout = 100ms;
    EXPECT_EQ(kind_of(server.url(), slow), ClientError::Kind::timeout);
    EXPECT_EQ(kind_of(server.url(), get("/broken-stream")), ClientError::Kind::protocol);
    options.body_limit_bytes = 1000;
    EXPECT_EQ(kind_of(server.url(), get("/text?size=1001")), ClientError::Kind::too_large);
    auto forged = get("/x y");
    EXPECT_EQ(kind_of(server.url(), forged), ClientError::Kind::protocol);
}

TEST(Client, ReadsTheEarlyAnswerToALargeUpload) {
    TestServer server;
    auto request = post("/upload-refused", std::string(20'000'000, 'x'));
    try {
        EXPECT_EQ(server.client(false).send(request).status, 403);
    } catch (const ClientError& error) {
        EXPECT_EQ(error.kind(), ClientError::Kind::closed) << error.what();
    }
}

asio::awaitable<int> many_requests(Client& client, int count) {
    int good = 0;
    for (int i = 0; i < count; ++i) {
        const auto text = fmt::format("message {}", i);
        const auto response = co_await client.send(post("/echo", text));
        good += response.body == text;
    }
    co_return good;
}

TEST(Client, ServesTwoHundredConnectionsAtOnce) {
    TestServer server;
    auto options = server.client_options();
    options.idle_connections = 200;
    Client client(server.context().get_executor(), server.url(), options);
    std::vector<std::future<int>> results;
    for (int i = 0; i < 200; ++i)
        results.push_back(
            asio::co_spawn(server.context(), many_requests(client, 10), asio::use_future));
    for (auto& result : results) EXPECT_EQ(result.get(), 10);
    EXPECT_GE(server.server().statistics().connections_accepted, 100u);
    EXPECT_EQ(server.server().statistics().requests, 2000u);
}

asio::awaitable<std::string> converse(Client& client) {
    std::vector<std::string> protocols{"chat", "binary"};
    auto socket = co_await client.open_websocket("/ws", std::move(protocols), {});
    if (socket->subprotocol() != "binary") co_return "subprotocol " + socket->subprotocol();
    for (const std::size_t size : {0u, 1u, 200u, 70'000u}) {
        const auto text = pattern(size);
        if (!co_await socket->write(text, size % 2 == 0)) co_return "write";
        const auto echo = co_await socket->read();
        if (!echo || echo->data != text || echo->binary != (size % 2 == 0)) co_return "echo";
    }
    co_await socket->write("bye", false);
    if (co_await socket->read()) co_return "not closed";

    auto another = co_await client.open_websocket("/ws", {}, {});
    const std::string too_large(100'001, 'x');
    co_await another->write(too_large, true);
    if (co_await another->read()) co_return "too large was echoed";
    co_return "good";
}

TEST(Client, TalksWebSocket) {
    TestServer server;
    for (const bool tls : {true, false}) {
        Client client(server.context().get_executor(), server.url(tls), server.client_options());
        auto result =
            asio::co_spawn(asio::make_strand(server.context()), converse(client), asio::use_future);
        EXPECT_EQ(result.get(), "good");
        auto refused = asio::co_spawn(asio::make_strand(server.context()),
                                      client.open_websocket("/hello", {}, {}), asio::use_future);
        EXPECT_THROW(refused.get(), ClientError);
    }
    auto client = server.client();
    EXPECT_EQ(client.send(get("/ws")).status, 426);
}

TEST(ForeignClient, Curl) {
    if (!std::filesystem::exists("/usr/bin/curl")) GTEST_SKIP() << "no curl";
    TestServer server;
    const auto base = fmt::format("https://127.0.0.1:{}", server.tls_port());
    const auto curl = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"/usr/bin/curl", "-sSk", "--max-time", "10"});
        const auto result = base::run_process(arguments, 20s);
        return result.standard_output + result.standard_error;
    };
    EXPECT_EQ(curl({base + "/hello"}), "hello");
    EXPECT_EQ(curl({"--compressed", base + "/text?size=5000"}), pattern(5000));
    EXPECT_EQ(curl({"-r", "5-9", base + "/file?size=100"}), pattern(100).substr(5, 5));
    EXPECT_EQ(curl({"-H", "Transfer-Encoding: chunked", "-d", "chunky", base + "/echo"}), "chunky");
    EXPECT_EQ(curl({"-H", "Expect: 100-continue", "-d", "later", base + "/echo"}), "later");
    EXPECT_EQ(curl({"--http2", base + "/hello"}), "hello") << "falls back to HTTP/1.1";
    EXPECT_EQ(curl({"--tls-max", "1.2", base + "/hello"}), "hello");
    EXPECT_THAT(curl({"-I", base + "/hello"}), HasSubstr("Content-Length: 5"));
    EXPECT_THAT(
        curl({"-o", "/dev/null", "-w", "%{num_connects}", base + "/hello", base + "/hello"}),
        HasSubstr("1"));
    EXPECT_THAT(curl({"--tls-max", "1.1", base + "/hello"}), HasSubstr("curl: ("));
    EXPECT_THAT(curl({"-L", fmt::format("http://127.0.0.1:{}/hello", server.tls_port())}), "hello");
}

}  // namespace
}  // namespace drover::http
