#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace drover::host {

/// Makes a PNG of a portable pixmap (P6, 8 bits). Throws std::runtime_error if it is none, or has
/// more than 16384 pixels on a side.
std::string png_from_pixmap(const std::vector<std::uint8_t>& pixmap);

}  // namespace drover::host
