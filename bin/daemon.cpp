#include "daemon.hpp"

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <iostream>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "base/processors.hpp"
#include "service/accounts.hpp"

namespace drover::bin {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kStopGrace{3};
// pyVmomi keeps its connections for 15 minutes and fails on one that was closed before.
constexpr std::chrono::minutes kIdleConnection{16};

}  // namespace

// Where there is but one CPU a second thread only costs: each would wake the other for nothing.
Process::Process()
    : sockets(http::take_inherited_sockets()),
      has_two_threads(base::available_processors() > 1),
      io(has_two_threads ? 2 : 1),
      strand(asio::make_strand(io)) {}

asio::awaitable<void> Daemon::start() {
    co_await service_.start();
    auto& sockets = process_.sockets;
    if (sockets.empty()) server_.bind(service_.listen_address, service_.listen_port);
    for (auto& each : std::exchange(sockets, {})) server_.adopt(std::move(each.socket));
    base::log_info("serving at https://{}/sdk", service_.public_address);
}

asio::awaitable<void> Daemon::end() {
    base::log_info("stopping; {}", service_.farewell);
    if (service_.stop) service_.stop();
    co_await server_.stop(kStopGrace);
    process_.io.stop();
}

void Daemon::stop() {
    asio::co_spawn(process_.strand, end(), asio::detached);
}

int Daemon::run() {
    int status = 0;
    asio::co_spawn(process_.strand, start(), [&](std::exception_ptr error) {
        if (!error) return;
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& failure) {
            base::log_error("can't start: {}", failure.what());
        }
        status = 1;
        process_.io.stop();
    });
    asio::signal_set signals(process_.io, SIGTERM, SIGINT);
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (!error) stop();
    });
    std::thread second;
    if (process_.has_two_threads) second = std::thread([this] { process_.io.run(); });
    process_.io.run();
    if (second.joinable()) second.join();
    return status;
}

std::unique_ptr<store::Store> open_store(const std::filesystem::path& file) {
    auto opened = store::open_sqlite_store(file);
    if (!service::Accounts(*opened).any()) {
        base::log_warning("nobody can log in yet: set a password with --set-password USER");
    }
    return opened;
}

int set_password(const std::filesystem::path& store_file, const std::string& user) {
    std::string password;
    std::getline(std::cin, password);
    const auto opened = store::open_sqlite_store(store_file);
    service::Accounts(*opened).set_password(user, password);
    return 0;
}

http::ServerOptions server_options(const std::filesystem::path& state_directory,
                                   const std::string& name, const std::string& address) {
    http::ServerOptions options;
    options.identity = http::TlsIdentity::load_or_create(state_directory / "tls", name, {address});
    options.limits.idle_timeout = kIdleConnection;
    return options;
}

int run_program(int argc, char** argv, const Program& program) {
    std::string config;
    std::string password_of;
    bool is_verbose = false;
    CLI::App app{program.about};
    app.add_option("--config", config, "Its configuration (JSON)")->required();
    app.add_option("--set-password", password_of,
                   "Set this account's password, read from standard input, and exit");
    app.add_flag("--verbose", is_verbose, "Log more");
    CLI11_PARSE(app, argc, argv);
    try {
        if (is_verbose) base::set_log_level(base::LogLevel::debug);
        if (password_of.empty() && ::geteuid() == 0) {
            base::log_error("{} does not run as root: use an account of its own", program.name);
            return 1;
        }
        http::allow_many_connections();
        return program.run(config, password_of);
    } catch (const std::exception& error) {
        base::log_error("{}", error.what());
        return 1;
    }
}

}  // namespace drover::bin
