#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "cli/output.hpp"

namespace drover::cli {
namespace {

std::string readable_bytes(std::int64_t bytes) {
    constexpr std::array<std::string_view, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    if (unit == 0) return fmt::format("{} B", bytes);
    const bool whole = value == static_cast<double>(static_cast<std::int64_t>(value));
    return whole ? fmt::format("{:.0f} {}", value, kUnits[unit])
                 : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string readable_seconds(std::int64_t seconds) {
    if (seconds < 60) return fmt::format("{} s", seconds);
    if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
    if (seconds < 86400) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
    return fmt::format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
}

Cell measured(std::optional<std::int64_t> value, std::string (*readable)(std::int64_t)) {
    Cell cell = value ? Cell{readable(*value), *value} : nothing();
    cell.right = true;
    return cell;
}

}  // namespace

Cell nothing() {
    return {"-", std::monostate{}};
}

Cell text_cell(std::string_view text) {
    return text.empty() ? nothing() : Cell{std::string(text), std::string(text)};
}

Cell number_cell(std::optional<std::int64_t> number) {
    return measured(number, [](std::int64_t n) { return fmt::format("{}", n); });
}

Cell bytes_cell(std::optional<std::int64_t> bytes) {
    return measured(bytes, readable_bytes);
}

Cell mhz_cell(std::optional<std::int64_t> mhz) {
    return measured(mhz, [](std::int64_t n) { return fmt::format("{} MHz", n); });
}

Cell percent_cell(std::optional<std::int64_t> value) {
    return measured(value, [](std::int64_t n) { return fmt::format("{} %", n); });
}

Cell seconds_cell(std::optional<std::int64_t> seconds) {
    return measured(seconds, readable_seconds);
}

Cell yes_no_cell(std::optional<bool> value) {
    return value ? Cell{*value ? "yes" : "no", *value} : nothing();
}

Cell time_cell(std::optional<base::WallTime> time) {
    if (!time) return nothing();
    const std::string full = base::format_time(*time);  // 2026-01-31T12:00:00.123456Z
    return {fmt::format("{} {}", full.substr(0, 10), full.substr(11, 8)), full};
}

Cell list_cell(std::vector<std::string> items) {
    if (items.empty()) return {"-", std::vector<std::string>{}};
    std::string text = fmt::format("{}", fmt::join(items, ", "));
    return {std::move(text), std::move(items)};
}

}  // namespace drover::cli
