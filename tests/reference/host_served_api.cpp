// Says what a host serves: starts the host agent over a simulated hypervisor in an empty directory
// and prints what service::served_api finds. `make docs` and reference_test.py read it.

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <filesystem>

#include "host/host_agent.hpp"
#include "http/server.hpp"
#include "hypervisor/simulated/simulated_hypervisor.hpp"
#include "served_api.hpp"

namespace asio = boost::asio;
using namespace drover;

namespace {

host::Config make_config(const std::filesystem::path& directory) {
    host::Config config;
    config.state_directory = directory / "state";
    config.host_name = "host.example.org";
    config.simulation.emplace();
    config.simulation->engine.host = hypervisor::simulated_host_info();
    config.simulation->machines = 3;
    host::Config::Datastore datastore;
    datastore.name = "datastore1";
    datastore.path = directory / "datastore";
    config.datastores.push_back(datastore);
    std::filesystem::create_directories(config.state_directory);
    std::filesystem::create_directories(datastore.path);
    return config;
}

void print(const std::filesystem::path& directory) {
    const host::Config config = make_config(directory);
    const base::SystemClock clock;
    base::SystemRandom random;
    http::TlsIdentity::load_or_create(config.state_directory / "tls", config.host_name, {});
    asio::io_context io(2);
    const auto strand = asio::make_strand(io);
    const auto store = store::open_sqlite_store(config.state_directory / "hostd.db");
    const auto engine = hypervisor::make_simulated_hypervisor(
        config.simulation->engine_options(config.state_directory), clock);
    host::HostAgent agent({config, strand, clock, random, *store, *engine});
    reference::print_served_api(agent, io, strand, directory);
}

}  // namespace

int main() {
    return reference::in_new_directory(print);
}
