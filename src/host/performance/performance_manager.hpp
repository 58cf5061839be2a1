#pragma once

#include "host/context.hpp"
#include "host/performance/history.hpp"

namespace drover::host {

/// Makes PerformanceManager and serves its methods from the history. Both arguments must outlive
/// the dispatcher. On the strand.
void serve_performance_manager(const HostContext& context, const History& history);

}  // namespace drover::host
