#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "center/context.hpp"

namespace drover::center {

/// An option of a host that is a text, as the host shows it: what it was told last, whatever this
/// center remembers. Nothing if the host is not known yet or, being older, has no such option.
std::optional<std::string> shown_option(const CenterContext& context, const vim::MoRef& host,
                                        std::string_view key);

}  // namespace drover::center
