#pragma once

// The helper's operations as types, and the strict reading of them from messages. What leaves
// parse_request() has the right form; whether it is allowed is for the operation to say.

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rootd/message.hpp"

namespace drover::rootd {

struct PrepareDatastore {
    std::filesystem::path path;
    std::string group;
};
struct Reclaim {
    std::filesystem::path path;
};
struct EnsureBridge {
    std::string name;
    std::optional<std::string> uplink;
};
struct RemoveBridge {
    std::string name;
};
struct SystemIdentityRequest {};
struct VersionRequest {};
struct ListServices {};
struct ControlService {
    std::string unit;    ///< "ssh.service"
    std::string action;  ///< start, stop, restart, enable or disable
};
struct SetTimeZone {
    std::string zone;  ///< "Europe/Berlin"
};
struct SetClock {
    std::int64_t since_1970_us = 0;
};
struct SetTimeServers {
    std::vector<std::string> servers;  ///< names or addresses, at most ten
};
struct PowerComputer {
    std::string action;  ///< off or reboot
};

using Request = std::variant<PrepareDatastore, Reclaim, EnsureBridge, RemoveBridge,
                             SystemIdentityRequest, VersionRequest, ListServices, ControlService,
                             SetTimeZone, SetClock, SetTimeServers, PowerComputer>;

/// The request, or a reason that names the field. Paths are absolute, at most 4095 bytes, and have
/// no empty, "." or ".." component; fields that the operation doesn't know are refused.
std::expected<Request, std::string> parse_request(std::string_view text);

Message to_message(const Request& request);

}  // namespace drover::rootd
