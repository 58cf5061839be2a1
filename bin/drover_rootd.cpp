// drover-rootd: the small helper that does for the unprivileged host agent what only root may.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "network/bridge/bridge_control.hpp"
#include "rootd/privileges.hpp"
#include "rootd/server.hpp"

namespace {

using drover::rootd::Policy;
using drover::rootd::Server;

Server* running_server = nullptr;

void stop_on_signal() {
    struct sigaction action{};
    action.sa_handler = [](int) { running_server->stop(); };
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
}

struct Options {
    std::string socket;
    std::string peer_user;
    std::vector<std::string> datastore_roots;
    std::string bridge_prefix = "drv";
    std::vector<std::string> services;
    bool controls_system = false;
};

std::string absolute_path_fault(const std::string& path) {
    return path.starts_with('/') ? "" : "must be an absolute path";
}

// What the requests' paths are compared with has no "..", no "//" and no slash at its end.
std::filesystem::path normal_root(const std::string& text) {
    auto root = std::filesystem::path(text).lexically_normal();
    if (!root.has_filename()) root = root.parent_path();
    if (!root.has_relative_path()) throw std::runtime_error("datastore root can't be /");
    return root;
}

Policy policy_from(const Options& options) {
    Policy policy;
    drover::rootd::set_peer(policy, options.peer_user);
    for (const auto& root : options.datastore_roots) {
        policy.datastore_roots.push_back(normal_root(root));
    }
    if (!drover::network::valid_interface_name(options.bridge_prefix) ||
        options.bridge_prefix.size() > 12) {
        throw std::runtime_error("bridge prefix must be 1 to 12 of A-Z a-z 0-9 _ . -");
    }
    policy.bridge_prefix = options.bridge_prefix;
    if (options.services.size() > 10) throw std::runtime_error("there may be ten services at most");
    policy.services = options.services;
    policy.controls_system = options.controls_system;
    return policy;
}

void serve(const Options& options) {
    if (::geteuid() != 0) throw std::runtime_error("must be started as root");
    const Policy policy = policy_from(options);
    Server server(options.socket, policy, DROVER_VERSION);
    running_server = &server;
    stop_on_signal();
    // The socket is made, the user is known: from here on this process can do nothing else.
    drover::rootd::drop_privileges();
    drover::base::log_info("serving uid {} at {}", policy.peer_uid, options.socket);
    server.run();
    drover::base::log_info("stopped");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Does for drover-hostd what only root may: a few typed operations, each checked.",
                 "drover-rootd");
    app.set_version_flag("--version", DROVER_VERSION);
    Options options;
    app.add_option("--socket", options.socket, "UNIX socket to serve at")
        ->required()
        ->check(absolute_path_fault);
    app.add_option("--peer-user", options.peer_user, "the user who may ask, root apart")
        ->required();
    app.add_option("--datastore-root", options.datastore_roots,
                   "directory below which datastores may be; can be repeated")
        ->check(absolute_path_fault);
    app.add_option("--bridge-prefix", options.bridge_prefix, "how the names of our bridges begin")
        ->capture_default_str();
    app.add_option("--service", options.services,
                   "systemd unit that may be started, stopped, enabled, disabled; can be repeated");
    app.add_flag("--controls-system", options.controls_system,
                 "the clock, time zone, time servers and power of this computer may be changed");
    CLI11_PARSE(app, argc, argv);
    try {
        serve(options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "drover-rootd: {}\n", error.what());
        return 1;
    }
    return 0;
}
