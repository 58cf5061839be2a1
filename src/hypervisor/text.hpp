#pragma once

#include <string>
#include <string_view>

namespace drover::hypervisor {

/// True if the text is well-formed UTF-8 without control characters: what XML 1.0 can carry in an
/// attribute without loss.
bool is_plain_text(std::string_view text);

/// The text with everything that is_plain_text() refuses replaced by U+FFFD, cut to at most `limit`
/// bytes at a character's border. For names that are only shown.
std::string to_plain_text(std::string_view text, std::size_t limit);

}  // namespace drover::hypervisor
