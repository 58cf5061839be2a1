#pragma once

// What goes over the helper's socket: one SOCK_SEQPACKET message each way per operation, a flat
// JSON object whose values are all strings. Anything else is refused by the parser, so the code
// behind it has nothing to be careful about but the strings themselves.

#include <expected>
#include <map>
#include <string>
#include <string_view>

namespace drover::rootd {

inline constexpr std::size_t kMaxMessageBytes = 64 * 1024;
inline constexpr std::size_t kMaxFields = 16;

using Message = std::map<std::string, std::string>;

/// The message, or why it is none. Never throws.
std::expected<Message, std::string> parse_message(std::string_view text);

/// Bytes that are no UTF-8 are replaced; parse_message() takes the result, if it isn't too long.
std::string format_message(const Message& message);

}  // namespace drover::rootd
