// Says what a center serves: starts a center without hosts in an empty directory and prints what
// service::served_api finds. `make docs` and reference_test.py read it.

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <filesystem>

#include "center/center_agent.hpp"
#include "served_api.hpp"

namespace asio = boost::asio;
using namespace drover;

namespace {

center::Config make_config(const std::filesystem::path& directory) {
    center::Config config;
    config.state_directory = directory / "state";
    config.name = "center.example.org";
    config.management_address = "192.0.2.1";
    std::filesystem::create_directories(config.state_directory);
    return config;
}

void print(const std::filesystem::path& directory) {
    const center::Config config = make_config(directory);
    const base::SystemClock clock;
    base::SystemRandom random;
    http::TlsIdentity::load_or_create(config.state_directory / "tls", config.name, {});
    asio::io_context io(2);
    const auto strand = asio::make_strand(io);
    const auto store = store::open_sqlite_store(config.state_directory / "centerd.db");
    center::CenterAgent agent({config, strand, clock, random, *store});
    reference::print_served_api(agent, io, strand, directory);
}

}  // namespace

int main() {
    return reference::in_new_directory(print);
}
