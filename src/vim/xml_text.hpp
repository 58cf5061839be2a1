#pragma once

// Text as XML 1.0 carries it. Private to this directory.

#include <string_view>

#include "vim/wire.hpp"

namespace drover::vim::xml {

/// Writes character data. What XML can't carry (control characters, non-characters, bytes that are
/// no UTF-8) becomes U+FFFD; a carriage return is written so that it survives the reader.
void put_text(wire::Buffer& out, std::string_view text);

}  // namespace drover::vim::xml
