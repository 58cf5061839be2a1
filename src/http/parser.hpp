#pragma once

// The HTTP/1.1 grammar, by Boost.Beast, without any I/O. Private to this library.

#include "http/headers.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace drover::http {

/// What the start line and the fields of a message say.
struct MessageHead {
    std::string method;  // requests
    std::string target;
    int status = 0;  // responses
    int version_minor = 1;
    Headers headers;
};

/// Reads one message after the other from bytes that the caller buffers. Bytes that a call did not
/// consume must come again, in one piece with what follows them.
class MessageParser {
public:
    enum class Kind { request, response };
    struct Limits {
        std::size_t header_bytes;
        std::size_t header_fields;
    };
    struct Progress {
        std::size_t consumed = 0;
        std::size_t produced = 0;  // body bytes written to the room
        bool complete = false;     // of the header, or of the body
        int error_status = 0;      // the answer that fits, if the message is malformed
        std::string_view error{};  // static text
    };

    MessageParser(Kind kind, Limits limits);
    ~MessageParser();

    /// Forgets the last message. `without_body`: the response to a HEAD.
    void start(bool without_body = false);
    /// Consumes nothing until the whole header is in `data`.
    Progress header(std::string_view data, MessageHead& head);
    /// After the header: turns input into body bytes. `complete` means that nothing follows.
    Progress body(std::string_view data, std::span<char> room);
    /// The peer has closed. True if that is a valid end of the body.
    bool end_of_input();

    bool message_done() const;
    bool keep_alive() const;
    bool chunked() const;
    std::optional<std::uint64_t> content_length() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover::http
