// Lexical forms of primitives, both ways.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "vim/wire.hpp"

namespace drover::vim::wire {
namespace {

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto kBase64Values = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < kBase64Digits.size(); ++i) {
        values[static_cast<unsigned char>(kBase64Digits[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}();

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) return std::nullopt;
    }
    Integer value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

template <class Real>
std::optional<Real> parse_real(std::string_view text) {
    if (text == "INF" || text == "+INF") return std::numeric_limits<Real>::infinity();
    if (text == "-INF") return -std::numeric_limits<Real>::infinity();
    if (text == "NaN") return std::numeric_limits<Real>::quiet_NaN();
    if (text.starts_with('+')) text.remove_prefix(1);
    // from_chars would also take "inf" and "nan", which are no XML Schema.
    if (text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
    Real value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size() || error == std::errc::invalid_argument) {
        return std::nullopt;
    }
    // Too large or too small for this type: XML Schema rounds.
    if (error == std::errc::result_out_of_range) {
        const double wide = std::strtod(std::string(text).c_str(), nullptr);
        return static_cast<Real>(wide);
    }
    return value;
}

std::optional<Value> parse_boolean(std::string_view text) {
    if (text == "true" || text == "1") return Value::boolean(true);
    if (text == "false" || text == "0") return Value::boolean(false);
    return std::nullopt;
}

template <class Number, class Make>
std::optional<Value> made(std::optional<Number> number, Make make) {
    return number ? std::optional<Value>(make(*number)) : std::nullopt;
}

void put_digits(char*& at, unsigned value, int digits) {
    for (int i = digits - 1; i >= 0; --i) {
        at[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    at += digits;
}

}  // namespace

void Buffer::grow(std::size_t bytes) {
    const std::size_t used = at_ == nullptr ? 0 : size();
    const std::size_t wanted = std::max(used + bytes, used * 2);
    text_.resize_and_overwrite(wanted, [](char*, std::size_t capacity) { return capacity; });
    at_ = text_.data() + used;
    end_ = text_.data() + text_.size();
}

void put_integer(Buffer& out, std::int64_t value) {
    char* at = out.reserve(24);
    out.advance(std::to_chars(at, at + 24, value).ptr);
}

void put_real(Buffer& out, double value, bool is_float) {
    char* at = out.reserve(64);
    out.advance(is_float ? fmt::format_to(at, "{}", static_cast<float>(value))
                         : fmt::format_to(at, "{}", value));
}

void put_time(Buffer& out, base::WallTime time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const int year = static_cast<int>(date.year());
    if (year < 1 || year > 9999) {
        out.put(base::format_time(time));
        return;
    }
    auto rest = static_cast<std::uint64_t>((time - day).count());
    char* at = out.reserve(32);
    put_digits(at, static_cast<unsigned>(year), 4);
    *at++ = '-';
    put_digits(at, static_cast<unsigned>(date.month()), 2);
    *at++ = '-';
    put_digits(at, static_cast<unsigned>(date.day()), 2);
    *at++ = 'T';
    const auto fraction = static_cast<unsigned>(rest % 1'000'000);
    rest /= 1'000'000;
    put_digits(at, static_cast<unsigned>(rest / 3600), 2);
    *at++ = ':';
    put_digits(at, static_cast<unsigned>(rest / 60 % 60), 2);
    *at++ = ':';
    put_digits(at, static_cast<unsigned>(rest % 60), 2);
    *at++ = '.';
    put_digits(at, fraction, 6);
    *at++ = 'Z';
    out.advance(at);
}

void put_base64(Buffer& out, std::string_view bytes) {
    char* at = out.reserve((bytes.size() + 2) / 3 * 4);
    while (!bytes.empty()) {
        const std::size_t taken = std::min<std::size_t>(3, bytes.size());
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = group << 8 | (i < taken ? static_cast<unsigned char>(bytes[i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            *at++ = i <= taken ? kBase64Digits[group >> (18 - 6 * i) & 63U] : '=';
        }
        bytes.remove_prefix(taken);
    }
    out.advance(at);
}

std::optional<std::string> parse_base64(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    std::uint32_t group = 0;
    int digits = 0;
    int padding = 0;
    for (const char c : text) {
        if (is_space(c)) continue;
        const int value = kBase64Values[static_cast<unsigned char>(c)];
        if (c == '=') {
            ++padding;
        } else if (value < 0 || padding > 0) {
            return std::nullopt;
        }
        group = group << 6 | (value < 0 ? 0U : static_cast<std::uint32_t>(value));
        if (++digits < 4) continue;
        if (padding > 2) return std::nullopt;
        bytes += static_cast<char>(group >> 16 & 0xFFU);
        if (padding < 2) bytes += static_cast<char>(group >> 8 & 0xFFU);
        if (padding < 1) bytes += static_cast<char>(group & 0xFFU);
        if (padding > 0) digits = 5;  // nothing may follow
        if (digits == 4) digits = 0;
        group = 0;
    }
    if (digits != 0 && digits != 5) return std::nullopt;
    return bytes;
}

std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (text.empty()) return 0;
    const unsigned first = at(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xC2 && first < 0xE0   ? 2
                               : first >= 0xE0 && first < 0xF0 ? 3
                               : first >= 0xF0 && first < 0xF5 ? 4
                                                               : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((at(i) & 0xC0U) != 0x80U) return 0;
    }
    // Overlong forms, surrogates, and what lies beyond U+10FFFF.
    if ((first == 0xE0 && at(1) < 0xA0) || (first == 0xED && at(1) >= 0xA0) ||
        (first == 0xF0 && at(1) < 0x90) || (first == 0xF4 && at(1) >= 0x90)) {
        return 0;
    }
    return length;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::optional<Value> parse_primitive(TypeId type, std::string_view text) {
    if (type == TypeId::string) return Value::string(text);
    if (type == TypeId::binary) return made(parse_base64(text), Value::binary);
    text = trimmed(text);
    switch (type) {
        case TypeId::boolean:
            return parse_boolean(text);
        case TypeId::byte_:
            return made(parse_integer<std::int8_t>(text), Value::byte_);
        case TypeId::short_:
            return made(parse_integer<std::int16_t>(text), Value::short_);
        case TypeId::int_:
            return made(parse_integer<std::int32_t>(text), Value::int_);
        case TypeId::long_:
            return made(parse_integer<std::int64_t>(text), Value::long_);
        case TypeId::float_:
            return made(parse_real<float>(text), Value::float_);
        case TypeId::double_:
            return made(parse_real<double>(text), Value::double_);
        case TypeId::dateTime:
            return made(base::parse_time(text), Value::date_time);
        default:
            return std::nullopt;
    }
}

}  // namespace drover::vim::wire
