// drover-had: high availability on one host. Two processes that watch each other: the one that is
// started holds the deadline of this host's machines, and starts the other, which keeps the permit
// and takes over machines of hosts that are gone.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "had/config.hpp"
#include "had/programs.hpp"

int main(int argc, char** argv) {
    // The agent starts its member of etcd this way: what follows is that program's own.
    if (argc > 3 && std::string_view(argv[1]) == "--member") {
        return drover::had::become_member(argv[2], {argv + 3, argv + argc});
    }
    CLI::App app{
        "Keeps this host's protected machines running, here or elsewhere, and never twice."};
    std::string config;
    bool is_agent = false;
    bool checks = false;
    app.set_version_flag("--version", DROVER_VERSION);
    app.add_option("--config", config, "What is protected, and how (JSON)")->required();
    app.add_flag("--agent", is_agent, "Be the second process; the first starts it");
    app.add_flag("--check", checks, "Say whether the configuration is right, and exit");
    CLI11_PARSE(app, argc, argv);
    try {
        if (checks) {
            drover::had::Names names;
            if (drover::had::has_protection(config)) drover::had::load_config(config, names);
            return 0;
        }
        if (::geteuid() != 0) throw std::runtime_error("must be started as root");
        return is_agent ? drover::had::run_agent(config) : drover::had::run_fencer(config);
    } catch (const std::exception& error) {
        drover::base::log_error("{}", error.what());
        return 1;
    }
}
