#include "host/migration/peer_relay.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <cstring>
#include <future>
#include <list>
#include <thread>

#include "base/file.hpp"
#include "http/server.hpp"

namespace drover::host {
namespace {

namespace fs = std::filesystem;
namespace asio = boost::asio;

sockaddr_un address_of(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

base::FileDescriptor open_socket() {
    base::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return socket;
}

base::FileDescriptor connect_to(const fs::path& path) {
    auto socket = open_socket();
    const auto address = address_of(path);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    return socket;
}

void send_all(int socket, const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
        const auto size = ::send(socket, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) return;
        sent += static_cast<std::size_t>(size);
    }
}

// Exactly `size` bytes, or what came before the end.
std::string receive(int socket, std::size_t size) {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size) {
        const auto more = ::recv(socket, text.data() + got, size - got, 0);
        if (more <= 0) break;
        got += static_cast<std::size_t>(more);
    }
    text.resize(got);
    return text;
}

class Relay : public ::testing::Test {
protected:
    Relay() {
        std::string name = "/tmp/drover-relay-XXXXXX";
        directory_ = ::mkdtemp(name.data());
        engine_ = open_socket();
        const auto address = address_of(directory_ / "engine");
        ::bind(engine_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
        ::listen(engine_.get(), 8);
        endpoint_ = std::make_unique<PeerEndpoint>(
            strand_, directory_ / "engine",
            [this](const std::string& ticket) { return valid_ && ticket == "good"; });
        http::ServerOptions options;
        options.identity = identity_;
        server_.emplace(context_.get_executor(), options, [this](http::Request request) {
            return endpoint_->handle(std::move(request));
        });
        port_ = server_->bind("127.0.0.1", 0);
        for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { context_.run(); });
    }
    ~Relay() override {
        relay_.reset();
        asio::co_spawn(context_, server_->stop(std::chrono::milliseconds(500)), asio::use_future)
            .wait();
        work_.reset();
        context_.stop();
        for (auto& thread : threads_) thread.join();
        fs::remove_all(directory_);
    }

    PeerRelay::Target target(std::string ticket = "good") const {
        return {"https://127.0.0.1:" + std::to_string(port_) + "/sdk",
                identity_.thumbprint_sha256(), std::move(ticket)};
    }
    void open(const PeerRelay::Target& target) {
        relay_ = std::make_unique<PeerRelay>(context_.get_executor(), directory_, target);
    }
    base::FileDescriptor accept() {
        base::FileDescriptor socket(::accept4(engine_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        const timeval limit{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        return socket;
    }

    const http::TlsIdentity identity_ = http::TlsIdentity::generate("localhost", {});
    fs::path directory_;
    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> work_ =
        asio::make_work_guard(context_);
    asio::any_io_executor strand_ = asio::make_strand(context_);
    base::FileDescriptor engine_;
    std::unique_ptr<PeerEndpoint> endpoint_;
    std::optional<http::Server> server_;
    std::uint16_t port_ = 0;
    std::atomic<bool> valid_ = true;
    std::unique_ptr<PeerRelay> relay_;
    std::list<std::thread> threads_;
};

TEST_F(Relay, CarriesBothWays) {
    open(target());
    const auto near = connect_to(relay_->socket());
    ASSERT_TRUE(near);
    const auto far = accept();
    send_all(near.get(), "hello");
    EXPECT_EQ(receive(far.get(), 5), "hello");
    // More than all the buffers on the way hold, both ways at once.
    const std::string much(8 << 20, 'm');
    auto out = std::async(std::launch::async, [&] { send_all(near.get(), much); });
    auto back = std::async(std::launch::async, [&] { send_all(far.get(), much); });
    auto got = std::async(std::launch::async, [&] { return receive(near.get(), much.size()); });
    EXPECT_EQ(receive(far.get(), much.size()).size(), much.size());
    EXPECT_EQ(got.get().size(), much.size());
    EXPECT_EQ(relay_->error(), "");
}

TEST_F(Relay, EitherEndCloses) {
    open(target());
    auto near = connect_to(relay_->socket());
    auto far = accept();
    near.reset();
    EXPECT_EQ(receive(far.get(), 1), "");
    near = connect_to(relay_->socket());
    far = accept();
    far.reset();
    EXPECT_EQ(receive(near.get(), 1), "");
    // And the relay itself.
    near = connect_to(relay_->socket());
    far = accept();
    const auto socket = relay_->socket();
    relay_.reset();
    EXPECT_EQ(receive(near.get(), 1), "");
    EXPECT_EQ(receive(far.get(), 1), "");
    EXPECT_FALSE(fs::exists(socket));
}

TEST_F(Relay, NeedsAGoodTicketAndTheRightHost) {
    open(target("bad"));
    EXPECT_EQ(receive(connect_to(relay_->socket()).get(), 1), "");
    EXPECT_NE(relay_->error(), "");
    auto wrong = target();
    wrong.thumbprint = http::TlsIdentity::generate("localhost", {}).thumbprint_sha256();
    open(wrong);
    EXPECT_EQ(receive(connect_to(relay_->socket()).get(), 1), "");
    EXPECT_NE(relay_->error(), "");
    EXPECT_THROW(open({"http://x", "AB", "t"}), std::runtime_error);
    EXPECT_THROW(open({"https://x", "", "t"}), std::runtime_error);
}

TEST_F(Relay, TheFarEndCanCloseATicket) {
    open(target());
    const auto near = connect_to(relay_->socket());
    const auto far = accept();
    send_all(near.get(), "x");
    EXPECT_EQ(receive(far.get(), 1), "x");
    valid_ = false;
    asio::post(strand_, [this] { endpoint_->close("good"); });
    EXPECT_EQ(receive(near.get(), 1), "");
    EXPECT_EQ(receive(far.get(), 1), "");
    EXPECT_EQ(receive(connect_to(relay_->socket()).get(), 1), "");
}

TEST_F(Relay, BoundsItsConnections) {
    open(target());
    std::list<base::FileDescriptor> kept;
    for (int i = 0; i < PeerRelay::most_connections; ++i) {
        kept.push_back(connect_to(relay_->socket()));
        kept.push_back(accept());
    }
    EXPECT_EQ(receive(connect_to(relay_->socket()).get(), 1), "");
}

TEST_F(Relay, RemovesWhatAnEarlierLifeLeft) {
    open(target());
    const auto socket = relay_->socket();
    PeerRelay::clear(directory_);
    EXPECT_FALSE(fs::exists(socket));
    EXPECT_TRUE(fs::exists(directory_ / "engine"));
}

}  // namespace
}  // namespace drover::host
