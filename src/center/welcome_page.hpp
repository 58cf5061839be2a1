#pragma once

#include "center/config.hpp"
#include "http/message.hpp"

namespace drover::center {

/// What a browser shows at "/".
http::Response welcome_page(const Config& config, const std::string& message);

}  // namespace drover::center
