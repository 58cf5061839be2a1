#pragma once

#include "host/config.hpp"
#include "http/message.hpp"

namespace drover::host {

/// What a browser sees at the host's address: what this is, and what can be done with it.
http::Response welcome_page(const Config& config);

}  // namespace drover::host
