#include "http/target.hpp"

#include "http/headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace drover::http {
namespace {

constexpr std::size_t max_parameters = 1000;

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool has_control_or_space(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= 0x20 || byte == 0x7f;
    });
}

bool has_dot_dot_segment(std::string_view path) {
    while (!path.empty()) {
        const auto end = std::min(path.find('/'), path.size());
        if (path.substr(0, end) == "..") return true;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return false;
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

std::expected<Parameters, std::string> parse_query(std::string_view query) {
    Parameters parameters;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) continue;
        if (parameters.size() == max_parameters)
            return std::unexpected("the query has more than 1000 parameters");
        const auto equals = std::min(pair.find('='), pair.size());
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value) return std::unexpected("the query has a broken % escape");
        parameters.emplace_back(std::move(*name), std::move(*value));
    }
    return parameters;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0') return std::nullopt;
        out += c;
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

std::expected<Target, std::string> Target::parse(std::string_view raw) {
    if (raw.empty()) return std::unexpected("the request target is empty");
    if (has_control_or_space(raw))
        return std::unexpected("the request target holds a control character");
    Target target;
    target.raw_ = raw;
    if (raw == "*") {
        target.path_ = "*";
        target.path_end_ = 1;
        return target;
    }
    std::size_t begin = 0;
    if (raw.front() != '/') {
        const auto scheme_end = raw.find("://");
        if (scheme_end == std::string_view::npos ||
            !(equals_ignoring_case(raw.substr(0, scheme_end), "http") ||
              equals_ignoring_case(raw.substr(0, scheme_end), "https")))
            return std::unexpected("the request target is neither a path nor an http URL");
        begin = std::min(raw.find_first_of("/?", scheme_end + 3), raw.size());
    }
    // A fragment never belongs on the wire, but some clients send it.
    const auto end = std::min(raw.find('#', begin), raw.size());
    target.raw_.resize(end);
    const auto question = std::min(raw.substr(0, end).find('?', begin), end);
    target.path_begin_ = begin;
    target.path_end_ = question;
    auto path = percent_decode(raw.substr(begin, question - begin));
    if (!path) return std::unexpected("the request path has a broken % escape");
    target.path_ = path->empty() ? "/" : std::move(*path);
    if (has_dot_dot_segment(target.path_))
        return std::unexpected("the request path has a '..' segment");
    if (question < end) {
        auto parameters = parse_query(raw.substr(question + 1, end - question - 1));
        if (!parameters) return std::unexpected(std::move(parameters.error()));
        target.parameters_ = std::move(*parameters);
    }
    return target;
}

std::vector<std::string> Target::segments() const {
    std::vector<std::string> pieces;
    std::string_view path = std::string_view(raw_).substr(path_begin_, path_end_ - path_begin_);
    while (!path.empty()) {
        const auto end = std::min(path.find('/'), path.size());
        // Decodable: parse() has decoded the whole path.
        if (end > 0) pieces.push_back(percent_decode(path.substr(0, end)).value_or(""));
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return pieces;
}

std::string_view Target::raw_query() const {
    return path_end_ < raw_.size() ? std::string_view(raw_).substr(path_end_ + 1)
                                   : std::string_view{};
}

std::optional<std::string_view> Target::query(std::string_view name) const {
    for (const auto& [key, value] : parameters_)
        if (key == name) return value;
    return std::nullopt;
}

std::expected<Url, std::string> Url::parse(std::string_view text) {
    if (has_control_or_space(text)) return std::unexpected("the URL holds a control character");
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return std::unexpected("the URL has no scheme");
    const auto scheme = text.substr(0, scheme_end);
    Url url;
    if (equals_ignoring_case(scheme, "https") || equals_ignoring_case(scheme, "wss")) {
        url.tls = true;
        url.port = 443;
    } else if (equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "ws")) {
        url.tls = false;
        url.port = 80;
    } else {
        return std::unexpected("the URL's scheme is none of http, https, ws, wss");
    }
    text.remove_prefix(scheme_end + 3);
    text = text.substr(0, text.find('#'));
    const auto authority_end = std::min(text.find_first_of("/?"), text.size());
    auto authority = text.substr(0, authority_end);
    const auto rest = text.substr(authority_end);
    if (!rest.empty()) url.target = rest.front() == '/' ? rest : fmt::format("/{}", rest);
    if (authority.contains('@')) return std::unexpected("the URL holds a user name");

    auto host_end = authority.find(':');
    if (authority.starts_with('[')) {
        const auto bracket = authority.find(']');
        if (bracket == std::string_view::npos)
            return std::unexpected("the URL's IPv6 address has no closing bracket");
        url.host = authority.substr(1, bracket - 1);
        host_end = bracket + 1 < authority.size() ? bracket + 1 : std::string_view::npos;
    } else {
        url.host = authority.substr(0, host_end);
    }
    if (url.host.empty()) return std::unexpected("the URL has no host");
    if (host_end != std::string_view::npos) {
        if (authority[host_end] != ':') return std::unexpected("the URL's host is malformed");
        const auto digits = authority.substr(host_end + 1);
        const auto [stop, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
        if (error != std::errc{} || stop != digits.data() + digits.size() || url.port == 0)
            return std::unexpected("the URL's port is not a number from 1 to 65535");
    }
    return url;
}

std::string Url::authority() const {
    const auto name = host.contains(':') ? fmt::format("[{}]", host) : host;
    return port == (tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

}  // namespace drover::http
