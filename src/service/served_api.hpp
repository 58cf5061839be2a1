#pragma once

#include <string>

#include "model/inventory.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// What an endpoint serves, one line each, sorted: "method <wire name>" and, for whatever an object
/// of the inventory has, "property <type> <name>". docs/reference/api.md is made from it. On the
/// strand.
std::string served_api(const task::Dispatcher& dispatcher, const model::Inventory& inventory);

}  // namespace drover::service
