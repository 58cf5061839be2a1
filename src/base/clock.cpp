#include "base/clock.hpp"

#include <fmt/format.h>

#include <charconv>

namespace drover::base {
namespace {

using namespace std::chrono;

// Reads exactly `digits` decimal digits at the front of `text` and takes them off.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take_char(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

microseconds take_fraction(std::string_view& text) {
    if (!take_char(text, '.')) return microseconds{0};
    long value = 0;
    long scale = 1'000'000;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        if (scale > 1) {
            scale /= 10;
            value += (text.front() - '0') * scale;
        }
        text.remove_prefix(1);
    }
    return microseconds{value};
}

std::optional<minutes> take_offset(std::string_view& text) {
    if (text.empty() || take_char(text, 'Z')) return minutes{0};
    const bool minus = text.front() == '-';
    if (!minus && text.front() != '+') return std::nullopt;
    text.remove_prefix(1);
    const auto hour = take_number(text, 2);
    if (!hour || !take_char(text, ':')) return std::nullopt;
    const auto minute = take_number(text, 2);
    if (!minute || *hour > 14 || *minute > 59) return std::nullopt;
    const minutes offset{*hour * 60 + *minute};
    return minus ? -offset : offset;
}

}  // namespace

WallTime SystemClock::wall_now() const {
    return time_point_cast<microseconds>(system_clock::now());
}

SteadyTime SystemClock::steady_now() const {
    return time_point_cast<nanoseconds>(steady_clock::now());
}

std::string format_time(WallTime time) {
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{time - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

std::optional<WallTime> parse_time(std::string_view text) {
    const auto year_value = take_number(text, 4);
    if (!year_value || !take_char(text, '-')) return std::nullopt;
    const auto month_value = take_number(text, 2);
    if (!month_value || !take_char(text, '-')) return std::nullopt;
    const auto day_value = take_number(text, 2);
    if (!day_value || !take_char(text, 'T')) return std::nullopt;
    const auto hour = take_number(text, 2);
    if (!hour || !take_char(text, ':')) return std::nullopt;
    const auto minute = take_number(text, 2);
    if (!minute || !take_char(text, ':')) return std::nullopt;
    const auto second = take_number(text, 2);
    if (!second) return std::nullopt;
    const microseconds fraction = take_fraction(text);
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return std::nullopt;

    const year_month_day date{year{*year_value}, month{static_cast<unsigned>(*month_value)},
                              day{static_cast<unsigned>(*day_value)}};
    if (*year_value < 1 || !date.ok() || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    return sys_days{date} + hours{*hour} + minutes{*minute} + seconds{*second} + fraction - *offset;
}

}  // namespace drover::base
