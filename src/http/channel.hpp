#pragma once

// One end of an HTTP/1.1 connection: reads heads and bodies of messages, one after the other.
// Private to this library; server and client share it.

#include "http/gzip.hpp"
#include "http/message.hpp"
#include "http/parser.hpp"
#include "http/stream.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace drover::http {

class Channel {
public:
    using Duration = std::chrono::milliseconds;
    enum class Outcome { complete, closed, timed_out, malformed };
    struct HeadResult {
        Outcome outcome = Outcome::complete;
        int status = 0;  ///< for malformed ones, the answer that fits
        std::string error;
        bool any_bytes = false;  ///< something of the message had come
    };

    Channel(std::shared_ptr<Stream> stream, MessageParser::Kind kind, MessageParser::Limits limits);

    Stream& stream() { return *stream_; }
    const std::shared_ptr<Stream>& shared_stream() { return stream_; }
    const MessageParser& parser() const { return parser_; }

    /// Waits `first_byte` for a message to begin and from then on `rest` for its head to end.
    asio::awaitable<HeadResult> read_head(MessageHead& head, Duration first_byte, Duration rest,
                                          bool without_body = false);
    /// Body bytes as they were sent, without chunk frames; 0 at the end. Throws BodyError. A peer
    /// that sends less than 4 KiB in `timeout` is too slow.
    asio::awaitable<std::size_t> read_body(std::span<char> room, Duration timeout);
    /// Throws away what is left of the body; false if that is more than `limit` bytes or fails.
    asio::awaitable<bool> skip_body(std::size_t limit, Duration timeout);

    /// Grows with every message: a reader of an old body notices that its time is over.
    std::uint64_t generation() const { return generation_; }
    void finish_message() { ++generation_; }

    /// What has been received but not parsed, e.g. after an upgrade.
    std::string take_input();
    bool has_input() const { return begin_ < end_; }

private:
    std::string_view input() const { return {buffer_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t size);
    asio::awaitable<error_code> fill();
    bool full() const { return end_ - begin_ == capacity_; }
    void skip_blank_lines();

    std::shared_ptr<Stream> stream_;
    MessageParser parser_;
    std::size_t capacity_;
    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t generation_ = 0;
    Duration body_waited_{};
    std::size_t body_progress_ = 0;
};

/// How a body is to be read.
struct BodySettings {
    std::uint64_t limit_bytes = 0;  ///< after decompression
    Channel::Duration timeout{};
    bool gzip = false;
    bool send_continue = false;  ///< the peer waits for "100 Continue"
    Channel::Duration write_timeout{};
};

/// The body of the channel's current message, decompressed and bounded.
class ChannelBody final : public BodyReader {
public:
    ChannelBody(std::shared_ptr<Channel> channel, BodySettings settings);
    asio::awaitable<std::size_t> read(std::span<char> room) override;
    std::optional<std::uint64_t> content_length() const override { return content_length_; }
    /// True if the peer was never told to send the body that it announced.
    bool continue_pending() const { return settings_.send_continue; }

private:
    asio::awaitable<std::size_t> read_gzip(std::span<char> room);

    std::shared_ptr<Channel> channel_;
    BodySettings settings_;
    std::uint64_t generation_;
    std::optional<std::uint64_t> content_length_;
    std::uint64_t total_ = 0;
    std::unique_ptr<GzipReader> gzip_;
    std::string compressed_;
    std::size_t compressed_begin_ = 0;
    std::size_t compressed_end_ = 0;
};

/// The whole body as a string.
asio::awaitable<std::string> read_whole(std::shared_ptr<BodyReader> reader);

}  // namespace drover::http
