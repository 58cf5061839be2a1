#include "host/time/time_zones.hpp"

#include <algorithm>
#include <sstream>

#include "base/file.hpp"

namespace drover::host {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kZoneLimitBytes = 1 << 20;
constexpr std::size_t kHeaderBytes = 44;
constexpr std::size_t kTypeBytes = 6;
constexpr std::int32_t kMostOffset = 26 * 3600;

std::int64_t big_endian(std::string_view bytes) {
    std::uint64_t value = bytes.empty() || (bytes[0] & 0x80) == 0 ? 0 : ~std::uint64_t{0};
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(value);
}

// The counts of a TZif header, RFC 8536.
struct Header {
    std::size_t ut_flags, standard_flags, leaps, transitions, types, characters;

    std::size_t body_bytes(std::size_t time_bytes) const {
        return transitions * (time_bytes + 1) + types * kTypeBytes + characters +
               leaps * (time_bytes + 4) + standard_flags + ut_flags;
    }
};

std::optional<Header> read_header(std::string_view data) {
    if (data.size() < kHeaderBytes || !data.starts_with("TZif")) return std::nullopt;
    std::size_t counts[6];
    for (std::size_t i = 0; i < 6; ++i) {
        const std::int64_t count = big_endian(data.substr(20 + 4 * i, 4));
        if (count < 0 || count > 100'000) return std::nullopt;
        counts[i] = static_cast<std::size_t>(count);
    }
    return Header{counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
}

bool is_zone_name(std::string_view name) {
    return !name.empty() && name.size() < 100 && name.front() != '/' && name.back() != '/' &&
           name.find("..") == std::string_view::npos &&
           std::ranges::all_of(
               name,
               [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '/' || c == '_' || c == '-' || c == '+';
               });
}

std::string read_or_nothing(const fs::path& path) {
    try {
        return base::read_file(path, kZoneLimitBytes);
    } catch (const std::exception&) {
        return {};
    }
}

}  // namespace

std::optional<std::int32_t> gmt_offset(std::string_view tzif, std::int64_t at_s) {
    constexpr std::size_t time_bytes = 8;
    auto header = read_header(tzif);
    if (!header || tzif[4] < '2') return std::nullopt;
    // The first part is for readers of 32 bits; the second says the same with 64.
    const std::size_t first = kHeaderBytes + header->body_bytes(4);
    if (tzif.size() < first) return std::nullopt;
    tzif.remove_prefix(first);
    header = read_header(tzif);
    if (!header || tzif.size() < kHeaderBytes + header->body_bytes(time_bytes) ||
        header->types == 0) {
        return std::nullopt;
    }
    const std::string_view times = tzif.substr(kHeaderBytes, header->transitions * time_bytes);
    const std::string_view kinds = tzif.substr(kHeaderBytes + times.size(), header->transitions);
    const std::string_view types =
        tzif.substr(kHeaderBytes + times.size() + kinds.size(), header->types * kTypeBytes);
    std::size_t type = 0;
    for (std::size_t i = 0; i < header->transitions; ++i) {
        if (big_endian(times.substr(i * time_bytes, time_bytes)) > at_s) break;
        type = static_cast<unsigned char>(kinds[i]);
    }
    if (type >= header->types) return std::nullopt;
    const std::int64_t offset = big_endian(types.substr(type * kTypeBytes, 4));
    if (offset < -kMostOffset || offset > kMostOffset) return std::nullopt;
    return static_cast<std::int32_t>(offset);
}

std::optional<TimeZone> find_time_zone(std::string_view name, std::int64_t now_s,
                                       const fs::path& zones) {
    if (!is_zone_name(name)) return std::nullopt;
    const auto offset = gmt_offset(read_or_nothing(zones / name), now_s);
    if (!offset) return std::nullopt;
    return TimeZone{std::string(name), *offset};
}

std::vector<TimeZone> all_time_zones(std::int64_t now_s, const fs::path& zones) {
    std::vector<TimeZone> found;
    std::istringstream table(read_or_nothing(zones / "zone.tab"));
    for (std::string line; std::getline(table, line);) {
        if (line.starts_with('#')) continue;
        std::istringstream fields(line);
        std::string country, place, name;
        if (!(fields >> country >> place >> name)) continue;
        if (auto zone = find_time_zone(name, now_s, zones)) found.push_back(*std::move(zone));
    }
    found.push_back({"UTC", 0});
    std::ranges::sort(found, {}, &TimeZone::name);
    return found;
}

TimeZone local_time_zone(std::int64_t now_s, const fs::path& link, const fs::path& zones) {
    std::error_code ignored;
    const std::string target = fs::read_symlink(link, ignored).string();
    const std::string inside = "zoneinfo/";
    const auto at = target.find(inside);
    if (at != std::string::npos) {
        std::string name = target.substr(at + inside.size());
        if (name == "Etc/UTC") name = "UTC";
        if (auto zone = find_time_zone(name, now_s, zones)) return *std::move(zone);
    }
    return {"UTC", 0};
}

}  // namespace drover::host
