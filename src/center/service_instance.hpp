#pragma once

#include <string_view>

#include "center/context.hpp"
#include "vim/types.hpp"

namespace drover::center {

/// The version that the center says it is: what clients of vSphere compare.
inline constexpr std::string_view kApiVersion = "8.0.3.0";
inline constexpr std::string_view kProductVersion = "8.0.3";

/// AboutInfo of this center.
vim::AboutInfo make_about(const CenterBasics& context);

/// Makes ServiceInstance and serves its methods. Call it when all services have made their objects:
/// ServiceContent names those of references.hpp that are there, because a reference there tells
/// clients that a feature exists.
void serve_service_instance(const CenterBasics& context);

}  // namespace drover::center
