#include "http/response_writer.hpp"

#include "http/gzip.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace drover::http {
namespace {

constexpr std::size_t compress_from_bytes = 1024;
constexpr std::size_t file_block_bytes = 256 * 1024;

// RFC 9110's date, made anew once a second per thread.
std::string_view http_date() {
    thread_local std::time_t made_for = 0;
    thread_local std::string text;
    const std::time_t now = std::time(nullptr);
    if (now != made_for) {
        static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        std::tm utc{};
        gmtime_r(&now, &utc);
        text = fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[utc.tm_wday], utc.tm_mday,
                           months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                           utc.tm_sec);
        made_for = now;
    }
    return text;
}

std::optional<std::uint64_t> length_of(const Body& body) {
    if (const auto* text = std::get_if<std::string>(&body)) return text->size();
    if (const auto* shared = std::get_if<SharedText>(&body)) return *shared ? (*shared)->size() : 0;
    if (const auto* file = std::get_if<FileBody>(&body)) return file->length;
    if (const auto* stream = std::get_if<StreamBody>(&body)) return stream->length;
    std::uint64_t sum = 0;
    for (const auto& piece : std::get<std::vector<SharedText>>(body))
        if (piece) sum += piece->size();
    return sum;
}

bool is_in_memory(const Body& body) {
    return !std::holds_alternative<FileBody>(body) && !std::holds_alternative<StreamBody>(body);
}

bool forbids_body(int status) {
    return status / 100 == 1 || status == 204 || status == 304;
}

void compress(Response& response) {
    const auto* text = std::get_if<std::string>(&response.body);
    const auto* shared = std::get_if<SharedText>(&response.body);
    std::string joined;
    if (const auto* pieces = std::get_if<std::vector<SharedText>>(&response.body)) {
        for (const auto& piece : *pieces)
            if (piece) joined += *piece;
        text = &joined;
    }
    response.body = gzip_compress(text ? *text : **shared);
    response.headers.set("Content-Encoding", "gzip");
}

bool worth_compressing(const Response& response, std::optional<std::uint64_t> length) {
    return response.may_compress && length && *length > compress_from_bytes &&
           response.status != 206 && is_in_memory(response.body) &&
           !response.headers.contains("content-encoding");
}

bool may_be_compressed(const Response& response, const StreamBody& stream) {
    return !stream.length && response.may_compress && response.status != 206 &&
           response.headers.get("content-type").value_or("").starts_with("text/") &&
           !response.headers.contains("content-encoding");
}

std::vector<asio::const_buffer> buffers_of(const std::string& head, const Body& body) {
    std::vector<asio::const_buffer> buffers{asio::buffer(head)};
    if (const auto* text = std::get_if<std::string>(&body)) {
        buffers.push_back(asio::buffer(*text));
    } else if (const auto* shared = std::get_if<SharedText>(&body)) {
        if (*shared) buffers.push_back(asio::buffer(**shared));
    } else if (const auto* pieces = std::get_if<std::vector<SharedText>>(&body)) {
        for (const auto& piece : *pieces)
            if (piece) buffers.push_back(asio::buffer(*piece));
    }
    return buffers;
}

// These are ours to decide; a handler's own values would contradict what is sent.
void drop_framing_fields(Headers& headers) {
    for (const auto* name : {"content-length", "transfer-encoding", "connection"})
        if (headers.contains(name)) headers.remove(name);
}

asio::awaitable<std::string> read_block(FileBody body) {
    std::string block(std::min<std::uint64_t>(body.length, file_block_bytes), '\0');
    std::size_t size = 0;
    while (size < block.size()) {
        const ssize_t more = pread(body.file->get(), block.data() + size, block.size() - size,
                                   static_cast<off_t>(body.offset + size));
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) throw std::system_error(errno, std::generic_category(), "reading a file");
        if (more == 0)
            throw std::system_error(EIO, std::generic_category(), "a file became shorter");
        size += static_cast<std::size_t>(more);
    }
    co_return block;
}

}  // namespace

asio::awaitable<bool> ResponseWriter::write(Response response, ResponseContext context) {
    drop_framing_fields(response.headers);
    auto length = length_of(response.body);
    if (worth_compressing(response, length)) {
        response.headers.add("Vary", "Accept-Encoding");
        if (context.accepts_gzip) {
            compress(response);
            length = length_of(response.body);
        }
    }
    const auto* stream = std::get_if<StreamBody>(&response.body);
    bool compresses = false;
    if (stream != nullptr && may_be_compressed(response, *stream)) {
        response.headers.add("Vary", "Accept-Encoding");
        compresses = context.accepts_gzip && !context.is_local;
        if (compresses) response.headers.add("Content-Encoding", "gzip");
    }
    bool keep_alive = context.keep_alive && !response.close;
    const bool chunked = !length && !context.http_1_0;
    if (!length && context.http_1_0) keep_alive = false;  // the end of the connection ends the body
    const bool bodiless = forbids_body(response.status);

    head_.clear();
    fmt::format_to(std::back_inserter(head_), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                   reason_phrase(response.status), http_date());
    response.headers.append_to(head_);
    if (!bodiless && length)
        fmt::format_to(std::back_inserter(head_), "Content-Length: {}\r\n", *length);
    if (!bodiless && chunked) head_ += "Transfer-Encoding: chunked\r\n";
    if (!keep_alive)
        head_ += "Connection: close\r\n";
    else if (context.http_1_0)
        head_ += "Connection: keep-alive\r\n";
    head_ += "\r\n";

    const bool head_only = bodiless || context.head_only;
    const Body nothing;
    const auto error = co_await stream_->write(
        buffers_of(head_, head_only ? nothing : response.body), context.write_timeout);
    if (error) co_return false;
    if (head_only) co_return keep_alive;
    if (is_in_memory(response.body)) co_return keep_alive;
    if (auto* pieces = std::get_if<StreamBody>(&response.body))
        keep_alive &= compresses ? co_await write_compressed(std::move(*pieces), context, chunked)
                                 : co_await write_stream(std::move(*pieces), context, chunked);
    else if (auto* file = std::get_if<FileBody>(&response.body))
        keep_alive &= co_await write_file(std::move(*file), context);
    co_return keep_alive;
}

asio::awaitable<bool> ResponseWriter::write_stream(StreamBody body, ResponseContext context,
                                                   bool chunked) {
    std::uint64_t sent = 0;
    for (;;) {
        const std::string piece = co_await body.next();
        sent += piece.size();
        if (body.length && sent > *body.length)
            throw std::length_error("a stream body is longer than announced");
        if (piece.empty()) break;
        if (co_await write_piece(piece, context, chunked)) co_return false;
    }
    if (body.length && sent < *body.length)
        throw std::length_error("a stream body is shorter than announced");
    if (chunked && co_await stream_->write("0\r\n\r\n", context.write_timeout)) co_return false;
    co_return true;
}

asio::awaitable<bool> ResponseWriter::write_compressed(StreamBody body, ResponseContext context,
                                                       bool chunked) {
    GzipWriter gzip;
    for (bool last = false; !last;) {
        std::string piece = co_await body.next();
        last = piece.empty();
        piece = gzip.add(piece, last);
        if (!piece.empty() && co_await write_piece(piece, context, chunked)) co_return false;
    }
    if (chunked && co_await stream_->write("0\r\n\r\n", context.write_timeout)) co_return false;
    co_return true;
}

asio::awaitable<error_code> ResponseWriter::write_piece(std::string_view piece,
                                                        ResponseContext context, bool chunked) {
    const auto frame = chunked ? fmt::format("{:x}\r\n", piece.size()) : std::string();
    const std::array<asio::const_buffer, 3> buffers{asio::buffer(frame),
                                                    asio::buffer(piece.data(), piece.size()),
                                                    asio::buffer("\r\n", chunked ? 2 : 0)};
    co_return co_await stream_->write(buffers, context.write_timeout);
}

asio::awaitable<bool> ResponseWriter::write_file(FileBody body, ResponseContext context) {
    while (body.length > 0) {
        const std::string block =
            co_await asio::co_spawn(context.blocking, read_block(body), asio::use_awaitable);
        if (co_await stream_->write(block, context.write_timeout)) co_return false;
        body.offset += block.size();
        body.length -= block.size();
    }
    co_return true;
}

}  // namespace drover::http
