#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drover::http {

/// Decodes %41 to A (and, if `plus_is_space`, + to a blank). Nothing if an escape is broken or the
/// result would hold a NUL.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// Encodes everything but RFC 3986's unreserved characters, so that the result fits anywhere in a
/// path segment or a query.
std::string percent_encode(std::string_view text);

/// What a request line asks for. Accepts "/path?query", "http://host/path?query" and "*".
class Target {
public:
    Target() = default;
    /// The error says what is wrong. Refused are broken escapes, control characters, NUL, more than
    /// 1000 query parameters and ".." segments (also encoded): no client that we serve sends them.
    static std::expected<Target, std::string> parse(std::string_view raw);

    /// As the client sent it.
    const std::string& raw() const { return raw_; }
    /// Decoded; begins with '/', or is "*".
    const std::string& path() const { return path_; }
    /// The path between its slashes, each piece decoded on its own, so that %2F stays inside one.
    std::vector<std::string> segments() const;
    /// Undecoded text after '?', without it.
    std::string_view raw_query() const;
    /// The first value of a parameter; "" if it is there without '='.
    std::optional<std::string_view> query(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& parameters() const {
        return parameters_;
    }

private:
    std::string raw_;
    std::size_t path_begin_ = 0;
    std::size_t path_end_ = 0;
    std::string path_;
    std::vector<std::pair<std::string, std::string>> parameters_;
};

/// The parts of an http, https, ws or wss URL. `target` is path and query, at least "/".
struct Url {
    bool tls = true;
    std::string host;  ///< an IPv6 address comes without brackets
    std::uint16_t port = 443;
    std::string target = "/";

    /// Refuses user names, passwords, control characters and ports outside 1 to 65535.
    static std::expected<Url, std::string> parse(std::string_view text);
    /// What belongs into the Host header: the port only where it is not the scheme's own.
    std::string authority() const;
};

}  // namespace drover::http
