// The server with real sockets and real users.

#include "rootd/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "base/file.hpp"
#include "base/random.hpp"
#include "rootd/client.hpp"

namespace drover::rootd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr uid_t kPeer = 23456;
constexpr uid_t kStranger = 23499;

class ServerTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root";
        std::filesystem::create_directories(directory_ / "volumes");
        std::filesystem::permissions(directory_, std::filesystem::perms(0755));
        policy_.peer_uid = kPeer;
        policy_.peer_gid = kPeer;
        policy_.peer_groups = {kPeer};
        policy_.datastore_roots = {directory_ / "volumes"};
        policy_.dmi_directory = directory_;
        start();
    }
    void TearDown() override { stop(); }
    ~ServerTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }

    void start(bool private_network = false) {
        std::promise<void> ready;
        thread_ = std::thread([&] {
            if (private_network) EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
            server_ = std::make_unique<Server>(socket_, policy_, "1.2.3");
            Server& server = *server_;
            ready.set_value();
            server.run();
        });
        ready.get_future().wait();
    }
    void stop() {
        if (!thread_.joinable()) return;
        server_->stop();
        thread_.join();
        server_.reset();
    }

    // A connection without the client's manners.
    base::FileDescriptor connect() const {
        base::FileDescriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, socket_.c_str(), socket_.native().size());
        EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address),
                  0);
        const timeval limit{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        return socket;
    }
    static std::string exchange(const base::FileDescriptor& socket, const std::string& text) {
        EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
        std::string reply(kMaxMessageBytes, '\0');
        const ssize_t got = ::recv(socket.get(), reply.data(), reply.size(), 0);
        return got <= 0 ? "closed" : reply.substr(0, static_cast<std::size_t>(got));
    }
    // Runs in a child process of that user; gives its exit code.
    static int as_user(uid_t uid, const std::function<int()>& body) {
        const pid_t child = ::fork();
        if (child == 0) {
            if (::setgid(uid) != 0 || ::setuid(uid) != 0) ::_exit(90);
            try {
                ::_exit(body());
            } catch (...) {
                ::_exit(91);
            }
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 92;
    }

    std::filesystem::path directory_ =
        std::filesystem::temp_directory_path() / ("drover-rootd-" + base::SystemRandom().hex(8));
    std::filesystem::path socket_ = directory_ / "socket";
    Policy policy_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

TEST_F(ServerTest, ServesAnOrdinaryDay) {
    Client client(socket_);
    EXPECT_EQ(client.version(), "1.2.3");
    EXPECT_FALSE(client.controls_system());
    std::ofstream(directory_ / "product_name") << "Model 7\n";
    EXPECT_EQ(client.system_identity().model, "Model 7");
    EXPECT_EQ(client.system_identity().uuid, "");
    const auto file = directory_ / "volumes" / "a.log";
    std::ofstream(file) << "x";
    client.reclaim(file);
    struct stat status{};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, kPeer);
    try {
        client.reclaim("/etc/shadow");
        FAIL() << "granted";
    } catch (const OperationFailed& failure) {
        EXPECT_TRUE(failure.refused());
        EXPECT_STREQ(failure.what(), "path /etc/shadow lies under no datastore root");
    }
    try {
        client.reclaim(directory_ / "volumes" / "absent");
        FAIL() << "granted";
    } catch (const OperationFailed& failure) {
        EXPECT_FALSE(failure.refused());
    }
}

TEST_F(ServerTest, ServesThePeerUserAndNoOther) {
    struct stat status{};
    ASSERT_EQ(::stat(socket_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0660u);
    EXPECT_EQ(status.st_gid, kPeer);
    EXPECT_EQ(as_user(kPeer, [&] { return Client(socket_).version() == "1.2.3" ? 0 : 1; }), 0);
    // The file's mode keeps a stranger out; were it wrong, the kernel's word on who it is would.
    const auto stranger = [&] {
        try {
            Client(socket_).version();
            return 1;
        } catch (const OperationFailed& failure) {
            return std::string(failure.what()) == "this user may not use the helper" ? 2 : 3;
        } catch (const Unreachable&) {
            return 4;
        }
    };
    EXPECT_EQ(as_user(kStranger, stranger), 4);
    ASSERT_EQ(::chmod(socket_.c_str(), 0666), 0);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(as_user(kStranger, stranger), 2);
}

TEST_F(ServerTest, AnswersGarbageWithAReason) {
    const auto socket = connect();
    EXPECT_THAT(exchange(socket, "garbage"), HasSubstr("not JSON"));
    EXPECT_THAT(exchange(socket, R"({"operation":"ver)"), HasSubstr("not JSON"));
    EXPECT_THAT(exchange(socket, std::string(kMaxMessageBytes + 1, ' ')), HasSubstr("longer than"));
    EXPECT_THAT(exchange(socket, std::string(150'000, '[')), HasSubstr("longer than"));
    EXPECT_THAT(exchange(socket, R"({"operation":"version"})"), HasSubstr("1.2.3"));
}

TEST_F(ServerTest, LetsNoSlowClientHoldUpOthers) {
    std::vector<base::FileDescriptor> silent;
    for (int i = 0; i < 10; ++i) silent.push_back(connect());
    // One that asks and never takes an answer.
    const std::string request = R"({"operation":"version"})";
    for (int i = 0; i < 5000; ++i) {
        if (::send(silent[0].get(), request.data(), request.size(), MSG_DONTWAIT) < 0) break;
    }
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(Client(socket_).version(), "1.2.3");
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
}

TEST_F(ServerTest, BoundsItsConnections) {
    std::vector<base::FileDescriptor> held;
    for (int i = 0; i < 32; ++i) {
        held.push_back(connect());
        ASSERT_THAT(exchange(held.back(), R"({"operation":"version"})"), HasSubstr("1.2.3"));
    }
    EXPECT_THROW(Client(socket_).version(), OperationFailed);
    held.clear();
    for (int i = 0; i < 100; ++i) {
        try {
            EXPECT_EQ(Client(socket_).version(), "1.2.3");
            return;
        } catch (const OperationFailed&) {
            std::this_thread::sleep_for(20ms);
        }
    }
    FAIL() << "closed connections were not forgotten";
}

TEST_F(ServerTest, IsFoundAgainByItsClientAfterARestart) {
    Client client(socket_, 2s);
    EXPECT_EQ(client.version(), "1.2.3");
    stop();
    EXPECT_FALSE(std::filesystem::exists(socket_));
    EXPECT_THROW(client.version(), Unreachable);
    start();
    EXPECT_EQ(client.version(), "1.2.3");
    stop();
    start();
    EXPECT_EQ(client.version(), "1.2.3");
}

TEST_F(ServerTest, ReplacesOnlyASocketThatNobodyServes) {
    EXPECT_THROW(Server(socket_, policy_, ""), std::runtime_error);
    EXPECT_EQ(Client(socket_).version(), "1.2.3");
    stop();
    std::ofstream(socket_) << "no socket";
    EXPECT_THROW(Server(socket_, policy_, ""), std::runtime_error);
    std::filesystem::remove(socket_);
    {  // what a killed server leaves behind
        const base::FileDescriptor dead(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, socket_.c_str(), socket_.native().size());
        ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    start();
    EXPECT_EQ(Client(socket_).version(), "1.2.3");
}

TEST_F(ServerTest, GivesUpAtTheDeadline) {
    const auto path = directory_ / "mute";
    const base::FileDescriptor mute(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    ASSERT_EQ(::bind(mute.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(mute.get(), 1), 0);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THROW(Client(path, 200ms).version(), Unreachable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
}

TEST_F(ServerTest, MakesAndRemovesBridges) {
    stop();
    start(true);
    Client client(socket_);
    client.ensure_bridge("drv0");
    client.ensure_bridge("drv0");
    try {
        client.ensure_bridge("drv1", "no-such-nic");
        FAIL() << "granted";
    } catch (const OperationFailed& failure) {
        EXPECT_TRUE(failure.refused());
        EXPECT_STREQ(failure.what(), "uplink no-such-nic does not exist");
    }
    EXPECT_THROW(client.ensure_bridge("br0"), OperationFailed);
    EXPECT_THROW(client.remove_bridge("lo"), OperationFailed);
    client.remove_bridge("drv0");
    client.remove_bridge("drv0");
}

}  // namespace
}  // namespace drover::rootd
