#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::host {

inline constexpr const char* kZoneDirectory = "/usr/share/zoneinfo";

struct TimeZone {
    std::string name;               ///< "Europe/Berlin"
    std::int32_t gmt_offset_s = 0;  ///< now, daylight saving time included
};

/// What a TZif file says is off GMT at a time (seconds since 1970); nothing if it is no such file.
std::optional<std::int32_t> gmt_offset(std::string_view tzif, std::int64_t at_s);

/// A zone of the system by its name; nothing if there is none. Blocks.
std::optional<TimeZone> find_time_zone(std::string_view name, std::int64_t now_s,
                                       const std::filesystem::path& zones = kZoneDirectory);

/// UTC and all zones that the system's table lists, by name. Blocks for some milliseconds.
std::vector<TimeZone> all_time_zones(std::int64_t now_s,
                                     const std::filesystem::path& zones = kZoneDirectory);

/// The computer's zone: where `link` (/etc/localtime) leads; UTC if that tells nothing.
TimeZone local_time_zone(std::int64_t now_s, const std::filesystem::path& link = "/etc/localtime",
                         const std::filesystem::path& zones = kZoneDirectory);

}  // namespace drover::host
