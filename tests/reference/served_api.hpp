#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "base/log.hpp"

namespace drover::reference {

/// Starts a host's or a center's agent, prints what it serves, and ends the process: the agent's
/// threads would go on for as long as it lives. Removes the directory before.
template <class Agent, class Strand>
void print_served_api(Agent& agent, boost::asio::io_context& io, const Strand& strand,
                      const std::filesystem::path& directory) {
    boost::asio::co_spawn(
        strand,
        [&]() -> boost::asio::awaitable<void> {
            co_await agent.start();
            std::cout << agent.served_api() << std::flush;
            std::error_code ignored;
            std::filesystem::remove_all(directory, ignored);
            std::_Exit(0);
        },
        [](std::exception_ptr error) {
            if (error) std::rethrow_exception(error);
        });
    std::thread second([&io] { io.run(); });
    io.run();
    second.join();
}

/// Calls `print` with a new empty directory; it ends the process. Comes back only on failure.
template <class Print>
int in_new_directory(Print print) {
    std::string pattern = (std::filesystem::temp_directory_path() / "drover-api-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return 1;
    base::set_log_level(base::LogLevel::error);
    print(std::filesystem::path(pattern));
    return 1;
}

}  // namespace drover::reference
