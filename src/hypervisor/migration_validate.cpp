#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

#include "hypervisor/hypervisor_error.hpp"
#include "hypervisor/migration.hpp"

namespace drover::hypervisor {
namespace {

constexpr std::size_t path_limit_bytes = 4096;
constexpr unsigned most_connections = 16;
constexpr std::chrono::milliseconds longest_downtime{2'000'000};  // QEMU's own limit

[[noreturn]] void refuse(const std::string& why) {
    throw HypervisorError(ErrorKind::invalid_spec, "migration: " + why);
}

bool is_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    return ::inet_pton(AF_INET, text.c_str(), ignored.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), ignored.data()) == 1;
}

void check_path(const char* field, const std::string& path) {
    if (path.size() < 2 || path[0] != '/' || path.size() > path_limit_bytes ||
        path.find('\0') != std::string::npos)
        refuse(fmt::format("{}: '{}' is no absolute path", field, path));
}

}  // namespace

void validate(const MigrationSpec& spec) {
    check_path("destination_socket", spec.destination_socket);
    if (!is_address(spec.destination_address))
        refuse(fmt::format("destination_address: '{}' is no numeric address",
                           spec.destination_address));
    if (spec.tls_name.empty() && !spec.unencrypted)
        refuse("tls_name: is missing, and an unencrypted migration was not asked for");
    if (spec.parallel_connections < 1 || spec.parallel_connections > most_connections)
        refuse(fmt::format("parallel_connections: must be 1 to {}", most_connections));
    if (spec.downtime_limit.count() < 1 || spec.downtime_limit > longest_downtime)
        refuse("downtime_limit: must be 1 ms to 2000 s");
    if (spec.bandwidth_bytes_per_s == 0U) refuse("bandwidth_bytes_per_s: must not be 0");
    for (const auto& [from, to] : spec.paths) {
        check_path("paths", from);
        check_path("paths", to);
    }
    for (const auto& copy : spec.disks_to_copy) {
        check_path("disks_to_copy", copy.destination_path);
        if (copy.top_layer_only != spec.disks_to_copy.front().top_layer_only)
            refuse("disks_to_copy: all of them flat, or all of them by their top layer");
    }
    if (spec.metadata) validate_metadata(*spec.metadata);
}

std::string map_path(std::string_view path, const std::map<std::string, std::string>& prefixes) {
    const std::pair<const std::string, std::string>* best = nullptr;
    for (const auto& entry : prefixes) {
        std::string_view prefix = entry.first;
        while (prefix.size() > 1 && prefix.ends_with('/')) prefix.remove_suffix(1);
        if (!path.starts_with(prefix)) continue;
        if (path.size() > prefix.size() && path[prefix.size()] != '/') continue;
        if (best == nullptr || entry.first.size() > best->first.size()) best = &entry;
    }
    if (best == nullptr) return std::string(path);
    std::string_view from = best->first;
    std::string_view to = best->second;
    while (from.size() > 1 && from.ends_with('/')) from.remove_suffix(1);
    while (to.size() > 1 && to.ends_with('/')) to.remove_suffix(1);
    return fmt::format("{}{}", to, path.substr(from.size()));
}

}  // namespace drover::hypervisor
