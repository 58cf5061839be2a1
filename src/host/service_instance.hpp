#pragma once

#include "host/context.hpp"

namespace drover::host {

/// The version that the host says it is: what clients of vSphere compare.
inline constexpr std::string_view kApiVersion = "8.0.3.0";
inline constexpr std::string_view kProductVersion = "8.0.3";

/// AboutInfo of this host.
vim::AboutInfo make_about(const HostContext& context);

/// Makes ServiceInstance and serves its methods. ServiceContent names only what this host serves: a
/// reference there tells clients that a feature exists.
void serve_service_instance(const HostContext& context);

}  // namespace drover::host
