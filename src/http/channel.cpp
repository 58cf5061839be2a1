#include "http/channel.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace drover::http {
namespace {

constexpr std::size_t slow_peer_bytes = 4096;
constexpr std::size_t gzip_input_bytes = 16 * 1024;
constexpr std::size_t string_step_bytes = 16 * 1024;
constexpr std::uint64_t trusted_length_bytes = 1 << 20;  // reserved before a byte of it came

using Clock = std::chrono::steady_clock;

}  // namespace

Channel::Channel(std::shared_ptr<Stream> stream, MessageParser::Kind kind,
                 MessageParser::Limits limits)
    : stream_(std::move(stream)),
      parser_(kind, limits),
      capacity_(limits.header_bytes),
      buffer_(std::make_unique_for_overwrite<char[]>(capacity_)) {}

void Channel::consume(std::size_t size) {
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
}

asio::awaitable<error_code> Channel::fill() {
    if (end_ == capacity_ && begin_ > 0) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    const auto size =
        co_await stream_->read_some(asio::buffer(buffer_.get() + end_, capacity_ - end_));
    if (!size) co_return size.error();
    end_ += *size;
    co_return error_code{};
}

std::string Channel::take_input() {
    std::string text(input());
    begin_ = end_ = 0;
    return text;
}

// RFC 9112 section 2.2: old clients send an extra line break after a body.
void Channel::skip_blank_lines() {
    std::size_t size = 0;
    const auto text = input();
    while (size < text.size() && (text[size] == '\r' || text[size] == '\n')) ++size;
    consume(size);
}

asio::awaitable<Channel::HeadResult> Channel::read_head(MessageHead& head, Duration first_byte,
                                                        Duration rest, bool without_body) {
    parser_.start(without_body);
    ++generation_;
    body_waited_ = {};
    body_progress_ = 0;
    HeadResult result;
    bool at_start = true;
    if (!has_input()) stream_->expires_after(first_byte);
    for (;;) {
        if (has_input() && !result.any_bytes) {
            result.any_bytes = true;
            stream_->expires_after(rest);
        }
        if (at_start) skip_blank_lines();
        if (has_input()) {
            at_start = false;
            const auto progress = parser_.header(input(), head);
            consume(progress.consumed);
            if (progress.error_status) {
                result.outcome = Outcome::malformed;
                result.status = progress.error_status;
                result.error = progress.error;
                co_return result;
            }
            if (progress.complete) {
                stream_->expires_never();
                co_return result;
            }
        }
        if (const auto error = co_await fill()) {
            result.outcome = error == asio::error::timed_out ? Outcome::timed_out : Outcome::closed;
            result.error = error.message();
            co_return result;
        }
    }
}

asio::awaitable<std::size_t> Channel::read_body(std::span<char> room, Duration timeout) {
    for (;;) {
        if (parser_.message_done() || room.empty()) co_return 0;
        if (has_input()) {
            const auto progress = parser_.body(input(), room);
            consume(progress.consumed);
            if (progress.error_status)
                throw BodyError(progress.error_status, std::string(progress.error));
            if (progress.produced > 0) co_return progress.produced;
            if (progress.complete) co_return 0;
            if (progress.consumed > 0 && has_input()) continue;
            if (full()) throw BodyError(400, "a chunk header or trailer of the body is too large");
        }
        if (body_waited_ >= timeout) throw BodyError(408, "the body comes too slowly");
        const auto started = Clock::now();
        const auto buffered = end_ - begin_;
        stream_->expires_after(timeout - body_waited_);
        const auto error = co_await fill();
        stream_->expires_never();
        if (error == asio::error::timed_out) throw BodyError(408, "the body comes too slowly");
        if (error) {
            if (error == asio::error::eof && parser_.end_of_input()) co_return 0;
            throw BodyError(400, "the body is cut short");
        }
        body_progress_ += end_ - begin_ - buffered;
        body_waited_ += std::chrono::duration_cast<Duration>(Clock::now() - started);
        if (body_progress_ >= slow_peer_bytes) {
            body_progress_ = 0;
            body_waited_ = {};
        }
    }
}

asio::awaitable<bool> Channel::skip_body(std::size_t limit, Duration timeout) {
    std::array<char, 4096> waste;
    std::size_t skipped = 0;
    try {
        while (const auto size = co_await read_body(waste, timeout)) {
            skipped += size;
            if (skipped > limit) co_return false;
        }
        co_return true;
    } catch (const BodyError&) {
    }
    co_return false;
}

ChannelBody::ChannelBody(std::shared_ptr<Channel> channel, BodySettings settings)
    : channel_(std::move(channel)),
      settings_(settings),
      generation_(channel_->generation()),
      content_length_(channel_->parser().content_length()) {
    if (settings_.gzip) gzip_ = std::make_unique<GzipReader>();
}

asio::awaitable<std::size_t> ChannelBody::read(std::span<char> room) {
    if (generation_ != channel_->generation())
        throw BodyError(400, "the request that this body belongs to is over");
    if (room.empty()) co_return 0;
    if (settings_.send_continue) {
        settings_.send_continue = false;
        if (!channel_->has_input() && !channel_->parser().message_done()) {
            const auto error = co_await channel_->stream().write("HTTP/1.1 100 Continue\r\n\r\n",
                                                                 settings_.write_timeout);
            if (error) throw BodyError(400, "the peer has gone");
        }
    }
    const auto size =
        gzip_ ? co_await read_gzip(room) : co_await channel_->read_body(room, settings_.timeout);
    total_ += size;
    if (total_ > settings_.limit_bytes) throw BodyError(413, "the body is too large");
    co_return size;
}

asio::awaitable<std::size_t> ChannelBody::read_gzip(std::span<char> room) {
    compressed_.resize(gzip_input_bytes);
    for (;;) {
        const auto input = std::string_view(compressed_)
                               .substr(compressed_begin_, compressed_end_ - compressed_begin_);
        // Even without new input the decompressor may still hold output.
        const auto step = gzip_->step(input, room);
        compressed_begin_ += step.consumed;
        if (step.status == GzipReader::Status::broken)
            throw BodyError(400, "the gzip body is damaged");
        if (step.produced > 0) co_return step.produced;
        if (compressed_begin_ < compressed_end_) continue;
        compressed_begin_ = 0;
        compressed_end_ = co_await channel_->read_body(std::span(compressed_), settings_.timeout);
        if (compressed_end_ > 0) continue;
        if (!gzip_->at_end()) throw BodyError(400, "the gzip body is cut short");
        co_return 0;
    }
}

asio::awaitable<std::string> read_whole(std::shared_ptr<BodyReader> reader) {
    std::string body;
    std::size_t size = 0;
    if (const auto length = reader->content_length())
        body.resize(std::min(*length, trusted_length_bytes));
    for (;;) {
        if (size == body.size()) {  // mostly all of it, but a compressed one is longer
            char more = 0;
            if (co_await reader->read({&more, 1}) == 0) break;
            body.resize(std::max(string_step_bytes, size * 2));
            body[size++] = more;
        }
        const auto more = co_await reader->read(std::span(body).subspan(size));
        if (more == 0) break;
        size += more;
    }
    body.resize(size);
    co_return body;
}

}  // namespace drover::http
