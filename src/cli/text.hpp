#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drover::cli {

/// The text with everything replaced that could drive a terminal or is no UTF-8: control characters
/// and broken sequences become '?'. Line breaks stay if `keep_lines`.
std::string printable(std::string_view text, bool keep_lines = false);

/// Columns that printable text takes on a terminal: wide characters two, combining ones none.
std::size_t display_width(std::string_view text);

/// At most `width` columns; what is cut off shows as "…".
std::string fitted(std::string_view text, std::size_t width);

}  // namespace drover::cli
