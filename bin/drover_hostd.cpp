// drover-hostd: the host agent. Runs one host's machines and serves the vSphere API of a
// stand-alone host.

#include "daemon.hpp"
#include "host/config.hpp"
#include "host/engine.hpp"
#include "host/host_agent.hpp"
#include "host/options/host_options.hpp"

using namespace drover;

namespace {

int run(const host::Config& config) {
    host::open_log(config);
    bin::Process process;
    const base::SystemClock clock;
    base::SystemRandom random;
    const auto store = bin::open_store(config.state_directory / "hostd.db");
    const auto hypervisor = host::make_engine(config, clock);
    host::HostAgent agent({config, process.strand, clock, random, *store, *hypervisor});

    auto options =
        bin::server_options(config.state_directory, config.host_name, config.management_address);
    options.body_policy = &host::HostAgent::body_policy;
    http::Server server(
        process.io.get_executor(), std::move(options),
        [&agent](http::Request request) { return agent.handle(std::move(request)); });
    agent.on_certificate(
        [&server](const http::TlsIdentity& identity) { server.set_identity(identity); });

    bin::Service service;
    service.start = [&agent] { return agent.start(); };
    service.listen_address = config.listen_address;
    service.listen_port = config.listen_port;
    service.public_address = config.management_address;
    service.farewell = "machines run on";
    return bin::Daemon(process, server, std::move(service)).run();
}

}  // namespace

int main(int argc, char** argv) {
    return bin::run_program(
        argc, argv,
        {"drover-hostd",
         "The drover host agent: runs the machines of one host and serves the vSphere API.",
         [](const std::string& file, const std::string& password_of) {
             const host::Config config = host::load_config(file);
             if (password_of.empty()) return run(config);
             return bin::set_password(config.state_directory / "hostd.db", password_of);
         }});
}
