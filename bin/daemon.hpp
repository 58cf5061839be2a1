#pragma once

// What the host agent's and the center's programs have in common: command line, store, the threads,
// an HTTPS server in front of an agent, and the end of all that.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/server.hpp"
#include "store/store.hpp"

namespace drover::bin {

/// What is there before anything else: the sockets that a service manager has opened, the program's
/// threads, as many as it has use for, and the strand of its agent.
struct Process {
    Process();

    /// First, for it changes the environment, which others' threads read.
    std::vector<http::InheritedSocket> sockets;
    const bool has_two_threads;
    boost::asio::io_context io;
    const boost::asio::strand<boost::asio::io_context::executor_type> strand;
};

struct Service {
    /// On the strand, before anything is heard; throws what keeps it from starting.
    std::function<boost::asio::awaitable<void>()> start;
    /// On the strand, before the server stops; may be empty.
    std::function<void()> stop;
    std::string listen_address;
    std::uint16_t listen_port = 0;
    std::string public_address;  ///< for the log
    std::string farewell;        ///< what goes on without it
};

/// Serves until SIGTERM, SIGINT or stop(). All that it is given must outlive it.
class Daemon {
public:
    Daemon(Process& process, http::Server& server, Service service)
        : process_(process), server_(server), service_(std::move(service)) {}

    /// The exit status.
    int run();
    /// From any thread.
    void stop();

private:
    boost::asio::awaitable<void> start();
    boost::asio::awaitable<void> end();

    Process& process_;
    http::Server& server_;
    Service service_;
};

/// Opens or makes the store; says so if nobody can log in yet.
std::unique_ptr<store::Store> open_store(const std::filesystem::path& file);

/// Sets an account's password, read from standard input. The exit status.
int set_password(const std::filesystem::path& store_file, const std::string& user);

/// The daemons' limits, and the certificate of the state directory, made if there is none.
http::ServerOptions server_options(const std::filesystem::path& state_directory,
                                   const std::string& name, const std::string& address);

struct Program {
    std::string name;
    std::string about;
    /// With the configuration file, and the account whose password is to be set, or nothing.
    std::function<int(const std::string& config, const std::string& password_of)> run;
};

/// main(): reads the command line, refuses to serve as root, and says what went wrong.
int run_program(int argc, char** argv, const Program& program);

}  // namespace drover::bin
