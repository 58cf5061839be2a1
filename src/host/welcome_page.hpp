#pragma once

#include "host/config.hpp"
#include "http/message.hpp"

namespace drover::host {

/// What a browser sees at the host's address: what this is, and what can be done with it; first the
/// administrator's `message`, if there is one. Plain text, line by line.
http::Response welcome_page(const Config& config, const std::string& message);

}  // namespace drover::host
