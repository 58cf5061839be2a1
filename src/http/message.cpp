#include "http/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace drover::http {
namespace {

struct Range {
    std::uint64_t offset;
    std::uint64_t length;
};
enum class RangeKind { whole, part, unsatisfiable };

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || stop != text.data() + text.size())
        return std::nullopt;
    return value;
}

// RFC 9110 section 14. Anything that we don't understand, also several ranges, means the whole.
std::pair<RangeKind, Range> choose_range(std::string_view header, std::uint64_t size) {
    const Range whole{0, size};
    if (!header.starts_with("bytes=") || header.contains(',')) return {RangeKind::whole, whole};
    header.remove_prefix(6);
    const auto dash = header.find('-');
    if (dash == std::string_view::npos) return {RangeKind::whole, whole};
    const auto first = header.substr(0, dash);
    const auto last = header.substr(dash + 1);
    if (first.empty()) {
        const auto suffix = parse_number(last);
        if (!suffix) return {RangeKind::whole, whole};
        if (*suffix == 0 || size == 0) return {RangeKind::unsatisfiable, {}};
        const auto length = std::min(*suffix, size);
        return {RangeKind::part, {size - length, length}};
    }
    const auto begin = parse_number(first);
    const auto end = last.empty() ? std::optional(UINT64_MAX) : parse_number(last);
    if (!begin || !end || *end < *begin) return {RangeKind::whole, whole};
    if (*begin >= size) return {RangeKind::unsatisfiable, {}};
    return {RangeKind::part, {*begin, std::min(*end, size - 1) - *begin + 1}};
}

// Sorted by code.
constexpr std::pair<int, std::string_view> phrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

}  // namespace

bool Request::is_websocket_upgrade() const {
    return method == "GET" && has_token(header("connection"), "upgrade") &&
           has_token(header("upgrade"), "websocket");
}

Response Response::text(int status, std::string body, std::string_view content_type) {
    Response response;
    response.status = status;
    response.headers.add("Content-Type", content_type);
    response.body = std::move(body);
    return response;
}

Response Response::redirect(int status, std::string_view location) {
    Response response;
    response.status = status;
    response.headers.add("Location", location);
    return response;
}

Response Response::upgrade(WebSocketSession session, std::string subprotocol) {
    Response response;
    response.status = 101;
    response.session = std::move(session);
    response.subprotocol = std::move(subprotocol);
    return response;
}

std::string choose_subprotocol(const Request& request,
                               std::span<const std::string_view> supported) {
    for (const auto name : supported)
        for (const auto offered : request.headers.get_all("sec-websocket-protocol"))
            if (has_token(offered, name)) return std::string(name);
    return {};
}

std::string_view reason_phrase(int status) {
    const auto found = std::ranges::lower_bound(phrases, status, {},
                                                [](const auto& entry) { return entry.first; });
    return found != std::end(phrases) && found->first == status ? found->second : "Status";
}

Response file_response(const Request& request, std::shared_ptr<base::FileDescriptor> file,
                       std::uint64_t size_bytes, std::string_view content_type) {
    Response response;
    response.headers.add("Content-Type", content_type);
    response.headers.add("Accept-Ranges", "bytes");
    const auto [kind, range] = choose_range(request.header("range"), size_bytes);
    if (kind == RangeKind::unsatisfiable) {
        response.status = 416;
        response.headers.add("Content-Range", fmt::format("bytes */{}", size_bytes));
        return response;
    }
    if (kind == RangeKind::part) {
        response.status = 206;
        response.headers.add("Content-Range",
                             fmt::format("bytes {}-{}/{}", range.offset,
                                         range.offset + range.length - 1, size_bytes));
    }
    response.body = FileBody{std::move(file), range.offset, range.length};
    return response;
}

}  // namespace drover::http
