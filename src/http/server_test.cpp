// The server's rules on the wire, tried with exact bytes.

#include "http/server.hpp"

#include "base/process.hpp"
#include "http/gzip.hpp"
#include "http/test_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>
#include <vector>

#include <netinet/in.h>

namespace drover::http {
namespace {

using namespace std::chrono_literals;
using test::RawClient;
using test::TestServer;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view end_of_head = "\r\n\r\n";

// One exchange on a connection that the client closes for sending afterwards.
std::string talk(const TestServer& server, std::string_view bytes) {
    RawClient client(server.plain_port());
    client.send(bytes);
    client.shutdown_send();
    return client.read_all();
}

TEST(Server, AnswersAndKeepsTheConnection) {
    TestServer server;
    RawClient client(server.plain_port());
    for (int i = 0; i < 3; ++i) {
        client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        const auto head = client.read_until(end_of_head);
        EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
        EXPECT_THAT(head, HasSubstr("Content-Length: 5\r\n"));
        EXPECT_EQ(client.read_until("hello"), "hello");
    }
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(client.read_all(), HasSubstr("Connection: close"));
    EXPECT_TRUE(client.closed());
}

TEST(Server, ServesPipelinedRequestsInOrder) {
    TestServer server;
    const auto answer = talk(server,
                             "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
                             "\r\n"  // the extra line break that old clients send
                             "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "3\r\ntwo\r\n0\r\nTrailer: x\r\n\r\n"
                             "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto one = answer.find("one");
    const auto two = answer.find("two");
    const auto hello = answer.find("hello");
    ASSERT_NE(hello, std::string::npos) << answer;
    EXPECT_LT(one, two);
    EXPECT_LT(two, hello);
}

TEST(Server, ReadsChunksThatComeByteByByte) {
    TestServer server;
    for (const std::string_view body :
         {"0\r\n\r\n", "3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: x\r\n\r\n"}) {
        RawClient client(server.plain_port());
        client.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (const char c : body) {
            client.send({&c, 1});
            std::this_thread::sleep_for(2ms);
        }
        EXPECT_THAT(client.read_until(end_of_head), StartsWith("HTTP/1.1 200"));
    }
}

TEST(Server, HandlesHttp10) {
    TestServer server;
    auto answer = talk(server, "GET /stream?size=20000&chunked HTTP/1.0\r\n\r\n");
    EXPECT_THAT(answer, Not(HasSubstr("chunked")));
    EXPECT_THAT(answer, testing::EndsWith(std::string(20000, 's')));
    answer = talk(server, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("Connection: keep-alive"));
}

TEST(Server, RefusesMalformedRequests) {
    TestServer server;
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"GARBAGE\r\n\r\n", "400"},
        {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: x\r\nA\x01: b\r\n\r\n", "400"},
        {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
        {"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
         "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         "501"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", "501"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX", "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nshort", "400"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
         "415"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx", "417"},
    };
    for (const auto& [request, status] : cases) {
        const auto answer = talk(server, request);
        EXPECT_THAT(answer, StartsWith(fmt::format("HTTP/1.1 {} ", status))) << request;
        EXPECT_THAT(answer, HasSubstr("Connection: close")) << request;
    }
    EXPECT_THAT(talk(server, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("hello"));
}

TEST(Server, BoundsHeaders) {
    TestServer server;
    const auto large = "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(17'000, 'a') + "\r\n\r\n";
    EXPECT_THAT(talk(server, large), StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(talk(server, std::string(20'000, 'a')), StartsWith("HTTP/1.1 431 "));
    std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 150; ++i) many += fmt::format("A{}: b\r\n", i);
    EXPECT_THAT(talk(server, many + "\r\n"), StartsWith("HTTP/1.1 431 "));
    const auto fits =
        "GET /hello HTTP/1.1\r\nHost: x\r\nA: " + std::string(15'000, 'a') + "\r\n\r\n";
    EXPECT_THAT(talk(server, fits), StartsWith("HTTP/1.1 200 "));
    const auto chunk = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                       std::string(40'000, 'e');
    EXPECT_THAT(talk(server, chunk), StartsWith("HTTP/1.1 400 "));
}

TEST(Server, BoundsBodiesPerRoute) {
    TestServer server;
    const auto post = [&](std::string_view fields, std::string_view body) {
        return talk(server,
                    fmt::format("POST /limited HTTP/1.1\r\nHost: x\r\n{}\r\n{}", fields, body));
    };
    EXPECT_THAT(post("Content-Length: 100\r\n", std::string(100, 'x')), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(post("Content-Length: 101\r\n", std::string(101, 'x')), StartsWith("HTTP/1.1 413"));
    EXPECT_THAT(post("Content-Length: 99999999999999999999999\r\n", ""),
                StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(
        post("Transfer-Encoding: chunked\r\n", "65\r\n" + std::string(101, 'x') + "\r\n0\r\n\r\n"),
        StartsWith("HTTP/1.1 413"));
    const auto bomb = gzip_compress(std::string(1 << 20, 'x'));
    EXPECT_THAT(talk(server, fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip"
                                         "\r\nContent-Length: {}\r\n\r\n{}",
                                         bomb.size(), bomb)),
                StartsWith("HTTP/1.1 200"));
    const auto small_bomb = gzip_compress(std::string(5000, 'x'));
    ASSERT_LT(small_bomb.size(), 100u);
    EXPECT_THAT(
        post(fmt::format("Content-Encoding: gzip\r\nContent-Length: {}\r\n", small_bomb.size()),
             small_bomb),
        StartsWith("HTTP/1.1 413"));
    EXPECT_THAT(post("Content-Encoding: gzip\r\nContent-Length: 4\r\n", "junk"),
                StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(
        post(fmt::format("Content-Encoding: gzip\r\nContent-Length: {}\r\n", small_bomb.size() - 9),
             small_bomb.substr(0, small_bomb.size() - 9)),
        StartsWith("HTTP/1.1 4"));
}

TEST(Server, SaysContinueWhenTheBodyIsWanted) {
    TestServer server;
    RawClient client(server.plain_port());
    client.send(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_THAT(client.read_until(end_of_head), StartsWith("HTTP/1.1 100 Continue"));
    client.send("abc");
    EXPECT_THAT(client.read_until("abc"), HasSubstr("200 OK"));

    RawClient refused(server.plain_port());
    refused.send(
        "POST /upload-refused HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: "
        "100-continue\r\n\r\n");
    const auto answer = refused.read_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 403"));
    EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST(Server, SurvivesUnreadBodies) {
    TestServer server;
    RawClient small(server.plain_port());
    small.send(
        "POST /upload-refused HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
        "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(small.read_until("hello"), HasSubstr("403"));

    RawClient large(server.plain_port());
    large.send("POST /upload-refused HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" +
               std::string(300'000, 'x'));
    const auto answer = large.read_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 403"));
    EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST(Server, HeadHasNoBody) {
    TestServer server;
    RawClient client(server.plain_port());
    for (const auto* path : {"/hello", "/file?size=500", "/stream?size=500"}) {
        client.send(fmt::format("HEAD {} HTTP/1.1\r\nHost: x\r\n\r\n", path));
        EXPECT_THAT(client.read_until(end_of_head), HasSubstr("Content-Length: "));
    }
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.read_until("hello"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Server, HandlerFailuresBecome500) {
    TestServer server;
    RawClient client(server.plain_port());
    for (const auto* path : {"/throw", "/forge"}) {
        client.send(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path));
        const auto answer = client.read_until("internal error\n");
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 500"));
        EXPECT_THAT(answer, Not(HasSubstr("as asked")));
        EXPECT_THAT(answer, Not(HasSubstr("Set-Cookie")));
    }
}

TEST(Server, CutsBrokenStreams) {
    TestServer server;
    RawClient client(server.plain_port());
    client.send("GET /broken-stream HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.read_all(), Not(HasSubstr("0\r\n\r\n")));
    EXPECT_TRUE(client.closed());
}

TEST(Server, RedirectsPlainHttpOnTheTlsPort) {
    TestServer server;
    RawClient client(server.tls_port());
    client.send("GET /ui?x=1 HTTP/1.1\r\nHost: example.org:80\r\n\r\n");
    EXPECT_THAT(
        client.read_all(),
        HasSubstr(fmt::format("Location: https://example.org:{}/ui?x=1\r\n", server.tls_port())));
    RawClient garbage(server.tls_port());
    garbage.send("GARBAGE\r\n\r\n");
    garbage.read_all();
    EXPECT_TRUE(garbage.closed());
    RawClient binary(server.tls_port());
    binary.send(std::string("\x16\x03\x01\xff\xff", 5) + std::string(500, '\xff'));
    binary.shutdown_send();
    binary.read_all();
    EXPECT_TRUE(binary.closed());
    EXPECT_EQ(server.client().send({}).status, 404);
}

// A new socket is now and then called readable before anything has come.
TEST(Server, HearsEverybodyOut) {
    TestServer server;
    std::atomic<int> answered{0};
    std::vector<std::jthread> clients;
    for (int each = 0; each < 4; ++each) {
        clients.emplace_back([&] {
            for (int turn = 0; turn < 300; ++turn) {
                try {
                    if (server.client().send({}).status == 404) ++answered;
                } catch (const ClientError& error) {
                    ADD_FAILURE() << error.what();
                }
            }
        });
    }
    clients.clear();
    EXPECT_EQ(answered, 4 * 300);
}

TEST(Server, TimesOutSlowPeers) {
    Limits limits;
    limits.handshake_timeout = limits.header_timeout = limits.body_timeout = 200ms;
    limits.idle_timeout = 400ms;
    TestServer server(limits);
    const auto closes_within = [](RawClient& client, auto low, auto high) {
        const auto start = std::chrono::steady_clock::now();
        client.read_all();
        const auto took = std::chrono::steady_clock::now() - start;
        EXPECT_TRUE(client.closed());
        EXPECT_GE(took, low);
        EXPECT_LE(took, high);
    };
    RawClient silent(server.plain_port());
    closes_within(silent, 100ms, 3s);
    RawClient no_handshake(server.tls_port());
    closes_within(no_handshake, 100ms, 3s);
    RawClient half_header(server.plain_port());
    half_header.send("GET / HTTP/1.1\r\nHo");
    closes_within(half_header, 100ms, 3s);
    RawClient half_body(server.plain_port());
    half_body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    closes_within(half_body, 100ms, 3s);
    RawClient idle(server.plain_port());
    idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.read_until("hello");
    closes_within(idle, 300ms, 3s);
}

TEST(Server, DripFedHeadersDontHoldAConnection) {
    Limits limits;
    limits.header_timeout = limits.body_timeout = 300ms;
    TestServer server(limits);
    for (const std::string start :
         {"GET / HTTP/1.1\r\nA: ",
          "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"}) {
        RawClient client(server.plain_port());
        client.send(start);
        for (int i = 0; i < 12; ++i) {
            std::this_thread::sleep_for(50ms);
            client.send("a");
        }
        client.read_all();
        EXPECT_TRUE(client.closed()) << start;
    }
}

TEST(Server, TimesOutPeersThatDontRead) {
    Limits limits;
    limits.write_timeout = 300ms;
    TestServer server(limits);
    RawClient client(server.plain_port());
    client.send("GET /stream?size=100000000 HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (server.server().statistics().connections_open == 0 ||
           server.server().statistics().requests == 0)
        std::this_thread::sleep_for(5ms);
    while (server.server().statistics().connections_open > 0 &&
           std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(20ms);
    EXPECT_EQ(server.server().statistics().connections_open, 0u);
}

using Clients = std::vector<std::unique_ptr<RawClient>>;

void say_hello(RawClient& client, std::string_view path = "/hello") {
    client.send(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path));
    client.read_until("hello");
}

// Connections whose first request was answered, one after the other.
Clients idle_clients(const TestServer& server, int count, std::string_view path = "/hello") {
    Clients clients;
    for (int i = 0; i < count; ++i) {
        clients.push_back(std::make_unique<RawClient>(server.plain_port()));
        say_hello(*clients.back(), path);
        std::this_thread::sleep_for(5ms);
    }
    return clients;
}

bool is_cut(RawClient& client) {
    client.read_all();
    return client.closed();
}

void wait_for_open(TestServer& server, std::size_t count) {
    for (int i = 0; i < 400 && server.server().statistics().connections_open != count; ++i)
        std::this_thread::sleep_for(5ms);
    EXPECT_EQ(server.server().statistics().connections_open, count);
}

TEST(Server, RefusesNewcomersOnlyWhileAllAreBusy) {
    Limits limits;
    limits.connections_per_address = 3;
    TestServer server(limits);
    Clients clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<RawClient>(server.plain_port()));
        clients.back()->send("GET /slow?ms=2000 HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    while (server.server().statistics().requests < 3) std::this_thread::sleep_for(5ms);
    RawClient over(server.plain_port());
    EXPECT_EQ(over.read_all(), "");
    EXPECT_TRUE(over.closed());
    EXPECT_EQ(server.server().statistics().connections_refused, 1u);
    for (auto& client : clients) EXPECT_THAT(client->read_until("done"), HasSubstr("done"));
    EXPECT_THAT(talk(server, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("hello"));
}

TEST(Server, CutsTheLongestIdleForNewcomers) {
    for (const bool of_address : {true, false}) {
        Limits limits;
        (of_address ? limits.connections_per_address : limits.connections) = 3;
        TestServer server(limits);
        auto clients = idle_clients(server, 3);
        say_hello(*clients[0]);  // now the second has been idle for longest
        RawClient newcomer(server.plain_port());
        newcomer.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(newcomer.read_until("hello"), HasSubstr("200 OK"));
        EXPECT_TRUE(is_cut(*clients[1]));
        wait_for_open(server, 3);
        for (const std::size_t i : {0u, 2u}) say_hello(*clients[i]);
        EXPECT_FALSE(clients[0]->closed() || clients[2]->closed());
    }
}

TEST(Server, CutsStrangersBeforeThoseWhoLoggedIn) {
    Limits limits;
    limits.connections_per_address = 2;
    TestServer server(limits);
    auto known = idle_clients(server, 1, "/log-in");
    auto strangers = idle_clients(server, 20);
    for (std::size_t i = 0; i + 1 < strangers.size(); ++i) EXPECT_TRUE(is_cut(*strangers[i]));
    say_hello(*known[0]);
    EXPECT_FALSE(known[0]->closed());
}

TEST(Server, CutsWhoSaysNothingForNewcomers) {
    Limits limits;
    limits.connections_per_address = 3;
    TestServer server(limits);
    RawClient spoke(server.plain_port());
    say_hello(spoke);
    Clients silent;
    for (int i = 0; i < 40; ++i) {
        silent.push_back(std::make_unique<RawClient>(server.plain_port()));
        std::this_thread::sleep_for(5ms);
    }
    EXPECT_THAT(talk(server, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("hello"));
    EXPECT_LE(server.server().statistics().connections_open, 4u);
    EXPECT_TRUE(is_cut(*silent.front()));
    say_hello(spoke);
    EXPECT_FALSE(spoke.closed());
}

TEST(Server, TellsHandlersThatThePeerHasGone) {
    TestServer server;
    {
        RawClient client(server.plain_port());
        client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
        std::this_thread::sleep_for(50ms);
    }
    for (int i = 0; i < 400 && server.gone == 0; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_EQ(server.gone, 1);
}

TEST(Server, StopsGracefully) {
    TestServer server;
    RawClient idle(server.plain_port());
    idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.read_until("hello");
    RawClient slow(server.plain_port());
    slow.send("GET /slow?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n");
    RawClient waiting(server.plain_port());
    waiting.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    RawClient too_slow(server.plain_port());
    too_slow.send("GET /slow?ms=60000 HTTP/1.1\r\nHost: x\r\n\r\n");
    while (server.server().statistics().requests < 4) std::this_thread::sleep_for(5ms);
    const auto start = std::chrono::steady_clock::now();
    auto stopped =
        boost::asio::co_spawn(server.context(), server.server().stop(1s), boost::asio::use_future);
    EXPECT_THAT(slow.read_all(), HasSubstr("done"));
    EXPECT_THAT(waiting.read_all(), HasSubstr("gone"));
    idle.read_all();
    EXPECT_TRUE(idle.closed());
    EXPECT_EQ(too_slow.read_all(), "");
    stopped.wait();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
    EXPECT_THROW(RawClient(server.plain_port()), std::runtime_error);
}

TEST(Server, AdoptsAListeningSocket) {
    TestServer server;
    base::FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    base::FileDescriptor silent(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_THROW(server.server().adopt(std::move(silent), Transport::plain), std::system_error);
    ASSERT_EQ(listen(listener.get(), 8), 0);
    const auto port = server.server().adopt(std::move(listener), Transport::plain);
    RawClient client(port);
    client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.read_until("hello"), HasSubstr("200 OK"));
}

TEST(Server, NamesTheAddressThatItCantBind) {
    TestServer server;
    try {
        server.server().bind("127.0.0.1", server.plain_port(), Transport::plain);
        FAIL();
    } catch (const std::system_error& error) {
        EXPECT_THAT(error.what(), HasSubstr(fmt::format("127.0.0.1 port {}", server.plain_port())));
    }
}

TEST(InheritedSockets, AreTakenOnce) {
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "3", 1);
    EXPECT_TRUE(take_inherited_sockets().empty()) << "meant for another process";
    EXPECT_EQ(getenv("LISTEN_FDS"), nullptr);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "x", 1);
    EXPECT_TRUE(take_inherited_sockets().empty());
}

}  // namespace
}  // namespace drover::http
