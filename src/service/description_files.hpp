#pragma once

// What clients fetch before they talk: the releases that are served, the WSDL and its XML Schema.

#include <optional>

#include "http/message.hpp"

namespace drover::service {

/// The answer to a GET or HEAD of one of these files below /sdk; nothing if the path names none. No
/// session is needed. The files change with the program only: clients may keep them and ask by
/// ETag. Any thread.
std::optional<http::Response> description_file(const http::Request& request);

}  // namespace drover::service
