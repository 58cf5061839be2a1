#include "cli/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace drover::cli {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

// Takes what stands behind the last comma off, if it is one of the words.
template <class Words>
std::optional<std::string> take_last(std::string_view& text, const Words& fits) {
    const auto comma = text.rfind(',');
    if (comma == std::string_view::npos) return std::nullopt;
    const std::string word = lower(text.substr(comma + 1));
    if (!fits(word)) return std::nullopt;
    text = text.substr(0, comma);
    return word;
}

bool is_mac(std::string_view text) {
    if (text.size() != 17) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (i % 3 == 2 ? c != ':' : !hex) return false;
    }
    return true;
}

bool is_model(std::string_view word) {
    constexpr std::array<std::string_view, 4> kModels{"vmxnet3", "e1000", "e1000e", "pcnet32"};
    return std::ranges::find(kModels, word) != kModels.end();
}

// A plain decimal number and what follows it.
std::optional<std::pair<double, std::string_view>> split_number(std::string_view text) {
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || !std::isfinite(number)) return std::nullopt;
    return std::pair{number, text.substr(static_cast<std::size_t>(end - text.data()))};
}

}  // namespace

std::int64_t parse_size(std::string_view what, std::string_view text) {
    const auto refuse = [&](std::string_view reason) {
        return UsageError(fmt::format("{}: \"{}\" {}", what, text, reason));
    };
    const auto split = split_number(text);
    if (!split) throw refuse("is no size; write it like 512M or 10G");
    std::string unit = lower(split->second);
    while (unit.starts_with(' ')) unit.erase(0, 1);
    if (unit.empty()) throw refuse("has no unit; write it like 512M or 10G");
    if (unit.ends_with("ib")) {
        unit.resize(unit.size() - 2);
    } else if (unit.size() == 2 && unit.ends_with('b')) {
        unit.pop_back();
    }
    constexpr std::string_view kUnits = "bkmgtp";
    const auto power = unit.size() == 1 ? kUnits.find(unit.front()) : std::string_view::npos;
    if (power == std::string_view::npos) throw refuse("has no unit of K, M, G, T, P");
    const double bytes = split->first * std::pow(1024.0, static_cast<double>(power));
    if (bytes < 1 || bytes > std::pow(2.0, 62)) throw refuse("is out of range");
    return static_cast<std::int64_t>(std::llround(bytes));
}

std::int64_t parse_seconds(std::string_view what, std::string_view text) {
    const auto split = split_number(text);
    const std::string unit = split ? lower(split->second) : "";
    const double factor = unit.empty() || unit == "s"    ? 1
                          : unit == "m" || unit == "min" ? 60
                          : unit == "h"                  ? 3600
                                                         : 0;
    constexpr double kYear = 365.0 * 86400;
    if (!split || factor == 0 || split->first * factor > kYear) {
        throw UsageError(fmt::format("{}: \"{}\" is no time; write it like 90s or 5m", what, text));
    }
    return static_cast<std::int64_t>(std::ceil(split->first * factor));
}

DiskArgument parse_disk(std::string_view text) {
    DiskArgument disk;
    const auto kind = take_last(text, [](std::string_view word) {
        return word == "thin" || word == "thick" || word == "eager";
    });
    if (kind == "thick") disk.provisioning = Provisioning::thick;
    if (kind == "eager") disk.provisioning = Provisioning::eager;
    if (text.contains(',')) {
        throw UsageError(fmt::format(
            "disk: \"{}\" is no kind; a disk is SIZE, SIZE,thin, SIZE,thick or SIZE,eager",
            text.substr(text.find(',') + 1)));
    }
    disk.bytes = parse_size("disk", text);
    return disk;
}

NicArgument parse_nic(std::string_view text) {
    NicArgument nic;
    // A network's name may have commas of its own, so only known words are taken off its end.
    for (int i = 0; i < 2; ++i) {
        if (const auto mac = take_last(text, is_mac)) nic.mac_address = *mac;
        if (const auto model = take_last(text, is_model)) nic.model = *model;
    }
    if (text.empty()) throw UsageError("nic: the network's name is empty");
    nic.network = text;
    return nic;
}

std::string DatastorePath::to_string() const {
    return path.empty() ? fmt::format("[{}]", datastore) : fmt::format("[{}] {}", datastore, path);
}

std::optional<DatastorePath> parse_datastore_path(std::string_view text) {
    if (!text.starts_with('[')) return std::nullopt;
    const auto end = text.find(']');
    if (end == std::string_view::npos || end == 1) {
        throw UsageError(fmt::format(
            "\"{}\" is no datastore path; write it like \"[datastore] iso/x.iso\"", text));
    }
    DatastorePath out{std::string(text.substr(1, end - 1)), {}};
    auto rest = text.substr(end + 1);
    while (rest.starts_with(' ') || rest.starts_with('/')) rest.remove_prefix(1);
    out.path = rest;
    return out;
}

DatastorePath require_datastore_path(std::string_view what, std::string_view text,
                                     std::string_view extension) {
    const auto path = parse_datastore_path(text);
    if (!path || path->path.empty() || !lower(path->path).ends_with(extension)) {
        throw UsageError(
            fmt::format("{}: \"{}\" is no file on a datastore; write it like "
                        "\"[datastore] directory/file{}\"",
                        what, text, extension));
    }
    return *path;
}

std::vector<BootDevice> parse_boot_order(std::string_view text) {
    std::vector<BootDevice> out;
    std::string_view rest = text;
    while (true) {
        const std::string word = lower(rest.substr(0, rest.find(',')));
        BootDevice device{};
        if (word == "disk" || word == "hdd") {
            device = BootDevice::disk;
        } else if (word == "cdrom" || word == "cd") {
            device = BootDevice::cdrom;
        } else if (word == "net" || word == "network") {
            device = BootDevice::network;
        } else if (word == "floppy") {
            device = BootDevice::floppy;
        } else {
            throw UsageError(fmt::format(
                "boot order: \"{}\" is none of disk, cdrom, net, floppy; write it like cdrom,disk",
                word));
        }
        if (std::ranges::find(out, device) != out.end()) {
            throw UsageError(fmt::format("boot order: \"{}\" stands twice", word));
        }
        out.push_back(device);
        if (!rest.contains(',')) return out;
        rest.remove_prefix(rest.find(',') + 1);
    }
}

}  // namespace drover::cli
