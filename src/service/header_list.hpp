#pragma once

#include <string_view>

namespace drover::service {

/// True if a header's list, such as "gzip, deflate;q=0.5", names this item (or "*") without
/// refusing it.
bool header_lists(std::string_view header, std::string_view wanted);

}  // namespace drover::service
