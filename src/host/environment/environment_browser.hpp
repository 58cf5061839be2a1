#pragma once

#include "host/context.hpp"
#include "host/host_system/capacity.hpp"

namespace drover::host {

/// Makes EnvironmentBrowser "ha-env-browser" and serves its methods: what a machine on this host
/// can be made of. `context` must outlive the dispatcher. On the strand.
void serve_environment_browser(const HostContext& context);

}  // namespace drover::host
