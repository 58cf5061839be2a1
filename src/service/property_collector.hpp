#pragma once

#include "model/property_collector.hpp"
#include "service/readers.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// Serves the methods of PropertyCollector and PropertyFilter. All arguments must outlive the
/// dispatcher.
void serve_property_collector(task::Dispatcher& dispatcher, model::PropertyCollectors& collectors,
                              Readers readers);

}  // namespace drover::service
