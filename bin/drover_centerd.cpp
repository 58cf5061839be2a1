// drover-centerd: the center. Joins many hosts into one inventory and serves the vSphere API of a
// VirtualCenter.

#include "center/center_agent.hpp"
#include "center/config.hpp"
#include "center/operations/backup.hpp"
#include "center/options/center_options.hpp"
#include "daemon.hpp"

using namespace drover;

namespace {

int run(const center::Config& config) {
    center::open_log(config);
    bin::Process process;
    const base::SystemClock clock;
    base::SystemRandom random;
    center::take_up_restore(config.state_directory, clock.wall_now());
    const auto store = bin::open_store(config.state_directory / "centerd.db");
    center::CenterAgent agent({config, process.strand, clock, random, *store});

    auto options =
        bin::server_options(config.state_directory, config.name, config.management_address);
    options.body_policy = &center::CenterAgent::body_policy;
    http::Server server(
        process.io.get_executor(), std::move(options),
        [&agent](http::Request request) { return agent.handle(std::move(request)); });
    agent.on_certificate(
        [&server](const http::TlsIdentity& identity) { server.set_identity(identity); });

    bin::Service service;
    service.start = [&agent] { return agent.start(); };
    service.stop = [&agent] { agent.stop(); };
    service.listen_address = config.listen_address;
    service.listen_port = config.listen_port;
    service.public_address = config.management_address;
    service.farewell = "hosts and machines run on";
    bin::Daemon daemon(process, server, std::move(service));
    agent.on_restart([&daemon] { daemon.stop(); });
    return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
    return bin::run_program(
        argc, argv,
        {"drover-centerd", "The drover center: many hosts as one, served by the vSphere API.",
         [](const std::string& file, const std::string& password_of) {
             const center::Config config = center::load_config(file);
             if (password_of.empty()) return run(config);
             return bin::set_password(config.state_directory / "centerd.db", password_of);
         }});
}
