// drover-centerd: the center. Joins many hosts into one inventory and serves the vSphere API of a
// VirtualCenter.

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iostream>
#include <thread>

#include "base/log.hpp"
#include "center/center_agent.hpp"
#include "center/config.hpp"
#include "center/operations/backup.hpp"
#include "center/options/center_options.hpp"
#include "http/server.hpp"
#include "service/accounts.hpp"

namespace asio = boost::asio;
using namespace drover;

namespace {

constexpr std::chrono::seconds kStopGrace{3};
// pyVmomi keeps its connections for 15 minutes and fails on one that was closed before.
constexpr std::chrono::minutes kIdleConnection{16};

struct Options {
    std::string config;
    std::string set_password;
    bool verbose = false;
};

std::filesystem::path store_path(const center::Config& config) {
    return config.state_directory / "centerd.db";
}

int set_password(const center::Config& config, const std::string& user) {
    std::string password;
    std::getline(std::cin, password);
    const auto store = store::open_sqlite_store(store_path(config));
    service::Accounts(*store).set_password(user, password);
    return 0;
}

// Sockets of the service manager, or our own.
void listen(http::Server& server, std::vector<http::InheritedSocket> inherited,
            const center::Config& config) {
    for (auto& socket : inherited) server.adopt(std::move(socket.socket));
    if (inherited.empty()) server.bind(config.listen_address, config.listen_port);
}

asio::awaitable<void> serve(center::CenterAgent& agent, http::Server& server,
                            std::vector<http::InheritedSocket> inherited,
                            const center::Config& config) {
    co_await agent.start();
    listen(server, std::move(inherited), config);
    base::log_info("serving at https://{}/sdk", config.management_address);
}

asio::awaitable<void> stop(center::CenterAgent& agent, http::Server& server,
                           asio::any_io_executor strand, asio::io_context& io) {
    base::log_info("stopping; hosts and machines run on");
    co_await asio::post(strand, asio::use_awaitable);
    agent.stop();
    co_await server.stop(kStopGrace);
    io.stop();
}

int run(const center::Config& config) {
    center::open_log(config);
    auto inherited = http::take_inherited_sockets();
    const base::SystemClock clock;
    base::SystemRandom random;
    asio::io_context io(2);
    const auto strand = asio::make_strand(io);
    center::take_up_restore(config.state_directory, clock.wall_now());
    const auto store = store::open_sqlite_store(store_path(config));
    if (!service::Accounts(*store).any()) {
        base::log_warning("nobody can log in yet: set a password with --set-password USER");
    }
    center::CenterAgent agent({config, strand, clock, random, *store});

    http::ServerOptions options;
    options.identity = http::TlsIdentity::load_or_create(config.state_directory / "tls",
                                                         config.name, {config.management_address});
    options.body_policy = &center::CenterAgent::body_policy;
    options.limits.idle_timeout = kIdleConnection;
    http::Server server(io.get_executor(), std::move(options), [&agent](http::Request request) {
        return agent.handle(std::move(request));
    });

    agent.on_certificate(
        [&server](const http::TlsIdentity& identity) { server.set_identity(identity); });
    agent.on_restart(
        [&] { asio::co_spawn(strand, stop(agent, server, strand, io), asio::detached); });

    int status = 0;
    asio::co_spawn(strand, serve(agent, server, std::move(inherited), config),
                   [&](std::exception_ptr error) {
                       if (!error) return;
                       try {
                           std::rethrow_exception(error);
                       } catch (const std::exception& failure) {
                           base::log_error("can't start: {}", failure.what());
                       }
                       status = 1;
                       io.stop();
                   });
    asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (!error) asio::co_spawn(strand, stop(agent, server, strand, io), asio::detached);
    });
    std::thread second([&io] { io.run(); });
    io.run();
    second.join();
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"The drover center: many hosts as one, served by the vSphere API."};
    app.add_option("--config", options.config, "The center's configuration (JSON)")->required();
    app.add_option("--set-password", options.set_password,
                   "Set this account's password, read from standard input, and exit");
    app.add_flag("--verbose", options.verbose, "Log more");
    CLI11_PARSE(app, argc, argv);
    try {
        if (options.verbose) base::set_log_level(base::LogLevel::debug);
        const center::Config config = center::load_config(options.config);
        if (!options.set_password.empty()) return set_password(config, options.set_password);
        if (::geteuid() == 0) {
            base::log_error("drover-centerd does not run as root: use an account of its own");
            return 1;
        }
        http::allow_many_connections();
        return run(config);
    } catch (const std::exception& error) {
        base::log_error("{}", error.what());
        return 1;
    }
}
