#pragma once

#include <optional>
#include <string_view>

#include "vim/schema.hpp"

namespace drover::client {

/// The newest release that both we and a server speak, read from the server's
/// vimServiceVersions.xml. Empty if the text names no release of urn:vim25 that we know.
std::optional<vim::Release> choose_release(std::string_view service_versions);

}  // namespace drover::client
