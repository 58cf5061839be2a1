#include "center/hosts/host_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "center/link/host_session.hpp"
#include "vim/hosts_types.hpp"

namespace drover::center {

using task::Awaitable;

namespace {

constexpr std::size_t kAddressBytes = 255;

std::uint16_t port_of(std::string_view text, const std::string& path) {
    int port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
        throw vim::invalid_argument(path, "A port is a number from 1 to 65535.");
    }
    return static_cast<std::uint16_t>(port);
}

bool is_possible(std::string_view address) {
    return !address.empty() && address.size() <= kAddressBytes &&
           std::ranges::all_of(address, [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':' ||
                      c == '%';
           });
}

std::string hex_digits(std::string_view text) {
    std::string digits;
    for (const char c : text) {
        if (c == ':' || c == ' ') continue;
        digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return digits;
}

}  // namespace

std::string HostAddress::name() const {
    return display_name(address, port);
}

HostAddress parse_host_address(std::string_view text, std::optional<std::int32_t> port,
                               const std::string& path) {
    HostAddress made;
    if (port && *port > 0) made.port = port_of(std::to_string(*port), path);
    const auto bracket = text.find(']');
    if (text.starts_with('[') && bracket != std::string_view::npos) {
        made.address = text.substr(1, bracket - 1);
        const auto rest = text.substr(bracket + 1);
        if (rest.starts_with(':')) {
            made.port = port_of(rest.substr(1), path);
        } else if (!rest.empty()) {
            throw vim::invalid_argument(path, "After the address there may be a colon and a port.");
        }
    } else if (std::ranges::count(text, ':') == 1) {
        made.address = text.substr(0, text.find(':'));
        made.port = port_of(text.substr(text.find(':') + 1), path);
    } else {
        made.address = text;
    }
    if (!is_possible(made.address)) {
        throw vim::invalid_argument(path, "That is no host name and no address.");
    }
    return made;
}

Awaitable<Thumbprints> look_at_certificate(task::Runtime& runtime, HostAddress address) {
    LinkTarget target;
    target.address = address.address;
    target.port = address.port;
    std::exception_ptr failure;
    try {
        (void)co_await HostSession::open(runtime, target, LinkLimits{});
    } catch (const http::CertificateError& error) {
        if (!error.thumbprint_sha1().empty()) {
            co_return Thumbprints{error.thumbprint_sha1(), error.thumbprint_sha256()};
        }
        failure = std::current_exception();
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) throw fault_of_connecting(failure, address.name());
    throw vim::make_fault<vim::HostConnectFault>(
        fmt::format("The host {} shows no certificate.", address.name()));
}

bool same_thumbprint(std::string_view left, std::string_view right) {
    return hex_digits(left) == hex_digits(right);
}

void require_certificate(const Thumbprints& there, std::string_view expected,
                         const std::string& host) {
    if (same_thumbprint(expected, there.sha1) || same_thumbprint(expected, there.sha256)) return;
    auto fault = vim::SSLVerifyFault::make();
    fault.set_selfSigned(true);
    fault.set_thumbprint(there.sha1);
    throw vim::Fault(
        fault, fmt::format("The certificate of {} was not verified. Its thumbprint is {}: compare "
                           "it with what the host itself shows, and give it as sslThumbprint.",
                           host, there.sha1));
}

}  // namespace drover::center
