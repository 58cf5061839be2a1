// systemd's socket activation: sd_listen_fds(3) describes the variables.

#include "http/server.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace drover::http {
namespace {

constexpr int first_descriptor = 3;
constexpr long max_sockets = 64;

long number_of(const char* name) {
    const char* text = std::getenv(name);
    if (!text) return -1;
    const std::string_view digits(text);
    long value = -1;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && stop == digits.data() + digits.size() ? value : -1;
}

}  // namespace

std::vector<InheritedSocket> take_inherited_sockets() {
    const bool ours = number_of("LISTEN_PID") == getpid();
    const long count = std::min(number_of("LISTEN_FDS"), max_sockets);
    const char* text = std::getenv("LISTEN_FDNAMES");
    const std::string all_names = text ? text : "";
    for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(name);
    std::vector<InheritedSocket> sockets;
    if (!ours) return sockets;
    std::string_view names(all_names);
    for (long i = 0; i < count; ++i) {
        const int descriptor = first_descriptor + static_cast<int>(i);
        const auto end = std::min(names.find(':'), names.size());
        std::string name(names.substr(0, end));
        names.remove_prefix(std::min(end + 1, names.size()));
        if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) continue;  // not there
        sockets.push_back({base::FileDescriptor(descriptor), std::move(name)});
    }
    return sockets;
}

}  // namespace drover::http
